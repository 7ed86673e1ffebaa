"""Ordinary clients for the machines of a fleet: HTTP with Negotiate, a phone, PSRP, the cmd shell."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import spnego
import winrm
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from agent.lab.fleet import Fleet, Pace

DEADLINE = 30.0
EAS = "/Microsoft-Server-ActiveSync"
PATH = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
FIRST_SYNC = bytes.fromhex("03016a00000756520330000101")  # FolderSync with key 0, [MS-ASCMD] 2.2.1.5
FAST = Pace(restart_seconds=0.2, warm_up_seconds=0.0, proxy_seconds=20.0, hop_hangs=False)


_PAUSE = threading.Event()


@dataclass(frozen=True)
class Answer:
    """What a client saw."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def eventually(claim: Callable[[], bool]) -> bool:
    """Look until the claim is true; False when it never was."""
    deadline = time.monotonic() + DEADLINE
    while not claim():
        if time.monotonic() > deadline:
            return False
        _PAUSE.wait(0.01)
    return True


def listens(port: int) -> bool:
    """Somebody accepts connections there."""
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


class Visitor:
    """Whoever visits the machines of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def port(self, name: str, world: int) -> int:
        return self.fleet[name].web.endpoint(world)[1]

    # --- HTTP --------------------------------------------------------------------------------------------------

    def probe(self, name: str, path: str = EAS, *, timeout: float = DEADLINE) -> Answer:
        """An OPTIONS without credentials over plain HTTP."""
        connection = self._plain(name, timeout)
        try:
            return _ask(connection, "OPTIONS", path, {"Host": self.fleet[name].machine.fqdn})
        finally:
            connection.close()

    def options(self, name: str) -> Answer:
        """An OPTIONS as the server's phone user, logged on by Negotiate as the proxy does."""
        return self._as_phone(name, "OPTIONS", EAS, b"", {})

    def secure(self, name: str) -> Answer:
        """An OPTIONS without credentials over HTTPS, straight to a server."""
        context = ssl.create_default_context(cadata=self.fleet.certificates.pem)
        port = self.port(name, 443)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=context)
        try:
            return _ask(connection, "OPTIONS", EAS, {"Host": self.fleet[name].machine.fqdn})
        finally:
            connection.close()

    def folder_sync(self, name: str) -> Answer:
        """The first FolderSync as the server's phone user, straight to the server."""
        path = f"{EAS}?Cmd=FolderSync&User=x&DeviceId=T1&DeviceType=PocketPC"
        headers = {"Content-Type": "application/vnd.ms-sync.wbxml", "MS-ASProtocolVersion": "2.5"}
        return self._as_phone(name, "POST", path, FIRST_SYNC, headers)

    def phone(self, proxy: str, mailbox: str, *, timeout: float = DEADLINE) -> Answer:
        """A phone's OPTIONS over HTTPS to a proxy, for a mailbox on a server."""
        user = self.fleet.phones[mailbox]
        context = ssl.create_default_context(cadata=self.fleet.certificates.pem)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.fleet[proxy].ports.https, timeout=timeout, context=context
        )
        basic = base64.b64encode(f"{user.qualified}:{user.password}".encode()).decode()
        headers = {"Host": self.fleet[proxy].machine.fqdn, "Authorization": f"Basic {basic}"}
        try:
            return _ask(connection, "OPTIONS", EAS, headers)
        finally:
            connection.close()

    def _plain(self, name: str, timeout: float = DEADLINE) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port(name, 80), timeout=timeout)

    def _as_phone(self, name: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        user = self.fleet.phones[name]
        context = spnego.client(user.qualified, user.password, protocol="ntlm")
        connection = self._plain(name)
        token = context.step()
        headers = {"Host": self.fleet[name].machine.fqdn, **headers}
        try:
            while True:
                assert token is not None
                given = {**headers, "Authorization": f"NTLM {base64.b64encode(token).decode()}"}
                answer = _ask(connection, method, path, given, body)
                offers = [each for each in answer.all("WWW-Authenticate") if each.startswith("NTLM ")]
                if answer.status != 401 or not offers or context.complete:
                    return answer
                token = context.step(base64.b64decode(offers[0][5:]))
        finally:
            connection.close()

    # --- WinRM -------------------------------------------------------------------------------------------------

    def wsman(self, name: str, **options: Any) -> WSMan:
        chosen: dict[str, Any] = {
            "port": self.fleet[name].ports.winrm,
            "ssl": False,
            "username": self.fleet.administrator.qualified,
            "password": self.fleet.administrator.password,
            "auth": "ntlm",
            "encryption": "always",
            "no_proxy": True,
            "reconnection_retries": 0,
        }
        return WSMan("127.0.0.1", **{**chosen, **options})

    def run(self, name: str, text: str, *, sizes: list[int] | None = None, **options: Any) -> list[Any]:
        """Run a script with pypsrp; its output. `sizes` gets the length of each answer that carries some."""
        with RunspacePool(self.wsman(name, **options)) as pool:
            if sizes is not None:
                hooks = pool.connection.transport.session.hooks["response"]
                hooks.append(lambda answer, **_: sizes.append(len(answer.content)))
            shell = PowerShell(pool)
            shell.add_script(text)
            return list(shell.invoke())

    def fails(self, name: str, text: str) -> str:
        """Run a script that must fail; its first error."""
        with RunspacePool(self.wsman(name)) as pool:
            shell = PowerShell(pool)
            shell.add_script(text)
            shell.invoke()
            return str(shell.streams.error[0])

    def raw(self, name: str, size: int) -> bytes:
        """The first bytes of the answer to an OPTIONS, as they come."""
        with socket.create_connection(("127.0.0.1", self.port(name, 80)), timeout=DEADLINE) as connection:
            host = self.fleet[name].machine.fqdn
            connection.sendall(f"OPTIONS {EAS} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            found = b""
            while len(found) < size and (part := connection.recv(65536)):
                found += part
        return found

    def cmd(self, name: str, line: str) -> tuple[int, str]:
        """Run a program in the cmd shell with pywinrm; its exit code and output."""
        user = self.fleet.administrator
        url = f"http://127.0.0.1:{self.fleet[name].ports.winrm}/wsman"
        session = winrm.Session(
            url, auth=(user.qualified, user.password), transport="ntlm", message_encryption="always", proxy=None
        )
        answer = session.run_cmd(line)
        return answer.status_code, answer.std_out.decode("cp850")


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> Answer:
    connection.request(method, path, body=body or None, headers=headers)
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())
