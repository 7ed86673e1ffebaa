"""One machine with its WinRM service, running on a loop in a thread, and clients for it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import winrm
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from standin import Script, StandIn

from agent.lab.clock import Clock, DrivenClock
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.quotas import Quotas
from agent.lab.winrm.server import WinrmServer
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest

T = TypeVar("T")
DEADLINE = 30.0
PASSWORD = "Sec:ret 1é"


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE)

    def until(self, claim: Callable[[], bool]) -> bool:
        """Turn the loop until the claim is true; False when it never was."""

        async def watch() -> bool:
            async with asyncio.timeout(DEADLINE):
                while not claim():
                    await asyncio.sleep(0.002)
            return True

        try:
            return self.run(watch())
        except TimeoutError:
            return False

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)
        self.loop.close()


class Practice:
    """`scripts` maps a script's text to what the stand-in engine does for it."""

    def __init__(
        self,
        loop: Loop,
        *,
        clock: Clock | None = None,
        quotas: Quotas | None = None,
        keytab: Path | None = None,
        new_engine: Any = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.loop = loop
        self.clock = clock or DrivenClock()
        self.forest = Forest(self.clock)
        self.user = self.forest.accounts.add("administrator", PASSWORD, is_admin=True)
        self.machine = exchange_2003("EX01", self.forest)
        self.scripts: dict[str, Script] = {}
        self.engines: list[StandIn] = []
        self.authority = Authority(self.forest.accounts, keytab=keytab)
        self.faults = WireFaults()
        engine = new_engine or partial(self._stand_in)
        self.server = WinrmServer(self.machine, self.authority, quotas=quotas, faults=self.faults, new_engine=engine)
        self.port = loop.run(self.server.start())
        self.tls_port = loop.run(self.server.start_tls(context)) if context else 0

    def _stand_in(self, *arguments: Any) -> StandIn:
        made = StandIn(*arguments, self.scripts)
        self.engines.append(made)
        return made

    def close(self) -> None:
        self.loop.run(self.server.stop())
        self.authority.close()

    # --- clients -----------------------------------------------------------------------------------------------

    def wsman(self, **options: Any) -> WSMan:
        chosen: dict[str, Any] = {
            "port": self.port,
            "ssl": False,
            "username": r"LAB\administrator",
            "password": PASSWORD,
            "auth": "ntlm",
            "encryption": "always",
            "no_proxy": True,
            "reconnection_retries": 0,
        }
        return WSMan("127.0.0.1", **{**chosen, **options})

    def pool(self, **options: Any) -> RunspacePool:
        wsman = self.wsman(**options)
        return RunspacePool(wsman)

    def session(self, user: str = "administrator@lab.example", password: str = PASSWORD, **options: Any) -> Any:
        return winrm.Session(self.endpoint, auth=(user, password), transport="ntlm", **options)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/wsman"

    def raw(self) -> socket.socket:
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)

    def drive(self, work: Callable[[], T], step: float = 5.0) -> T:
        """Do the work in a thread and let the driven clock run until it is done."""
        assert isinstance(self.clock, DrivenClock)
        results: list[T] = []
        errors: list[BaseException] = []
        thread = threading.Thread(target=lambda: _keep(work, results, errors), daemon=True)
        thread.start()
        for _ in range(int(DEADLINE / 0.01)):
            thread.join(0.01)
            if not thread.is_alive():
                break
            self.clock.advance(step)
        if errors:
            raise errors[0]
        return results[0]


def _keep(work: Callable[[], T], results: list[T], errors: list[BaseException]) -> None:
    try:
        results.append(work())
    except BaseException as error:  # handed to the test's own thread
        errors.append(error)


def invoke(pool: RunspacePool, script: str, *arguments: Any, input: Any = None) -> PowerShell:
    """Run a script on an open pool and free its command; the PowerShell object has output and streams."""
    shell = PowerShell(pool)
    shell.add_script(script)
    for argument in arguments:
        shell.add_argument(argument)
    shell.invoke(input)
    shell.close()
    return shell


def exchange(connection: socket.socket, request: bytes) -> tuple[int, dict[str, list[str]], bytes]:
    """Send bytes, read one HTTP answer: status, headers by lower-case name, body."""
    connection.sendall(request)
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    headers: dict[str, list[str]] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    return status, headers, stream.read(int(headers.get("content-length", ["0"])[0]))


def post(body: bytes = b"", path: str = "/wsman", **headers: str) -> bytes:
    """A POST request; header names with underscores for dashes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
