"""A small forest with real web servers on loopback, and clients for them, by a clock that the tests move."""

from __future__ import annotations

import base64
import http.client
from dataclasses import dataclass, field

import spnego
from looping import DEADLINE, LoopThread
from spnego._ntlm_raw.crypto import ntowfv1

from agent.lab.clock import DrivenClock
from agent.lab.logon import Secrets
from agent.lab.web.authority import LabAuthority
from agent.lab.web.cas import CasServer, CasSettings
from agent.lab.web.iis import IisServer
from agent.lab.web.webserver import WebServer
from agent.lab.world.accounts import User
from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine

EAS = "/Microsoft-Server-ActiveSync"
PATH = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
FIRST_SYNC = bytes.fromhex("03016a00000756520330000101")
COMMAND = f"{EAS}?Cmd=FolderSync&User=anna&DeviceId=TEST1&DeviceType=PocketPC"
PASSWORD = "Secret:1"
AUTHORITY = LabAuthority()


@dataclass
class Answer:
    """What a client saw."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")


@dataclass
class Client:
    """One HTTP connection to a world port; `log_on` does Negotiate or NTLM over it."""

    server: WebServer
    port: int = 80
    host: str = ""
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        address, port = self.server.endpoint(self.port)
        if self.port == 443:
            context = AUTHORITY.client_context()
            self.connection = http.client.HTTPSConnection(address, port, timeout=DEADLINE, context=context)
        else:
            self.connection = http.client.HTTPConnection(address, port, timeout=DEADLINE)

    def ask(self, method: str = "OPTIONS", path: str = EAS, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Host", self.host or self.server.machine.fqdn)
        self.connection.request(method, path, body=body or None, headers=named)
        response = self.connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())

    def basic(self, method: str = "OPTIONS", path: str = EAS, body: bytes = b"", user: str = r"LAB\anna") -> Answer:
        credentials = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        return self.ask(method, path, body, Authorization=f"Basic {credentials}")

    def log_on(
        self,
        scheme: str = "Negotiate",
        *,
        method: str = "OPTIONS",
        path: str = EAS,
        body: bytes = b"",
        user: str = r"LAB\anna",
        password: str = PASSWORD,
    ) -> Answer:
        credential = spnego.NTLMHash(user, nt_hash=ntowfv1(password).hex())
        kinds = spnego.NegotiateOptions
        options = kinds.use_ntlm if scheme == "NTLM" else kinds.use_negotiate
        context = spnego.client(credential, protocol=scheme.lower(), options=options)
        token = context.step()
        while True:
            sent = base64.b64encode(token or b"").decode()
            answer = self.ask(method, path, body, Authorization=f"{scheme} {sent}")
            offers = [each.split(" ", 1)[1] for each in answer.all("WWW-Authenticate") if each.startswith(f"{scheme} ")]
            if answer.status != 401 or not offers:
                return answer
            token = context.step(base64.b64decode(offers[0]))

    def close(self) -> None:
        self.connection.close()


class Lab:
    """Two back-ends, one CAS, users anna on EX01 and otto on EX02."""

    def __init__(self) -> None:
        self.clock = DrivenClock()
        self.loop = LoopThread()
        self.forest = Forest(self.clock)
        self.secrets = Secrets(self.forest.accounts)
        self.ex01 = exchange_2003("EX01", self.forest, address="10.0.0.11")
        self.ex02 = exchange_2003("EX02", self.forest, address="10.0.0.12")
        self.cas01 = client_access("CAS01", self.forest, address="10.0.0.21")
        self.forest.accounts.add("anna", PASSWORD, mailbox_server="EX01")
        self.forest.accounts.add("otto", PASSWORD, mailbox_server="EX02")
        self.forest.accounts.add("nobody", PASSWORD)
        self.servers: list[WebServer] = []
        self.clients: list[Client] = []

    def user(self, name: str) -> User:
        found = self.forest.accounts.find(name)
        assert found is not None
        return found

    def iis(self, machine: Machine | None = None, **options: object) -> IisServer:
        options.setdefault("secrets", self.secrets)
        server = IisServer(machine or self.ex01, **options)  # type: ignore[arg-type]  # pass-through
        self._start(server)
        return server

    def cas(self, **options: object) -> CasServer:
        options.setdefault("settings", CasSettings())
        server = CasServer(self.cas01, self.secrets, AUTHORITY, **options)  # type: ignore[arg-type]  # pass-through
        self._start(server)
        return server

    def client(self, server: WebServer, port: int = 80, host: str = "") -> Client:
        client = Client(server, port, host)
        self.clients.append(client)
        return client

    def phone(self, server: CasServer) -> Client:
        return self.client(server, 443)

    def log(self, machine: Machine, site: int = 1) -> list[list[str]]:
        """The lines of the W3SVC log, each split into its fields."""
        files = machine.files
        found = [
            entry
            for folder in (r"C:\WINDOWS\system32\LogFiles", r"C:\inetpub\logs\LogFiles")
            if files.exists(rf"{folder}\W3SVC{site}")
            for entry in files.list(rf"{folder}\W3SVC{site}")
        ]
        lines = [line for entry in found for line in files.read(entry.path).decode().splitlines()]
        return [line.split() for line in lines if not line.startswith("#")]

    def events(self, machine: Machine) -> list[int]:
        """Ids of the Application log, oldest first."""
        return [entry.event_id for entry in machine.logs.entries("Application")]

    def settled(self, server: WebServer) -> bool:
        """True once every port that should accept does, and no other."""
        return self.loop.until(lambda: all(each._held.listening == each.is_open for each in server._listeners.values()))

    def _start(self, server: WebServer) -> None:
        self.servers.append(server)
        self.loop.run(server.start())  # type: ignore[attr-defined]  # both kinds have it
        assert self.settled(server)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for server in self.servers:
            self.loop.run(server.stop())
        self.loop.close()
        self.secrets.close()
