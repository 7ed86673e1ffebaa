"""The way in to servers on paper: scripts take a moment, and break off before or after they have done their work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from paper import PaperServer
from paper_scripts import ScriptError, answer, hop

from agent import errors
from agent.model import Effect, Record, Role, Script, Server

LATENCY = 0.2
IDLE = 120.0
"""A server ends a connection that was not used for so many seconds (HTTP.sys)."""
BEFORE = ("unreachable", "busy", "denied", "timed-out", "broken-off", "bad-answer", "failed", "refused")
AFTER = ("timed-out", "broken-off", "bad-answer", "failed", "empty")
"""What can go wrong before a script has done anything, and after it has done all."""

ERRORS: Mapping[str, Callable[[str, str], errors.ServerError]] = {
    "unreachable": lambda server, _: errors.Unreachable(server, "no connection came about"),
    "busy": lambda server, _: errors.Busy(server, "a quota is used up"),
    "denied": lambda server, _: errors.Denied(server, "the logon was refused"),
    "timed-out": lambda server, _: errors.TimedOut(server, "no answer within the time"),
    "broken-off": lambda server, _: errors.BrokenOff(server, "the connection broke"),
    "bad-answer": lambda server, _: errors.BadAnswer(server, "the answer makes no sense"),
    "failed": lambda server, script: errors.ScriptFailed(server, f"{script}: it is broken"),
    "refused": lambda server, script: errors.ScriptFailed(server, f"{script}: refused: not today"),
}


@dataclass(frozen=True)
class Break:
    """The n-th sending of a script to a server, and so many after it, go wrong."""

    server: str
    script: str
    way: str  # "before" or "after"
    kind: str
    nth: int = 1
    times: int = 1


class Time(Protocol):
    """Whose time passes while a script is under way."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass
class Wire:
    """What connects the processes of a play with its servers."""

    servers: Mapping[str, PaperServer]
    time: Time
    breaks: Sequence[Break] = ()
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_healed: bool = False

    def open(self, server: Server, run: str, tick: Callable[[str], None], watch: Callable[..., None]) -> Visit:
        """A visit of a run: `tick` is told of each boundary, `watch` of each write before it is done."""
        return Visit(self, server, run, tick, watch)

    def broken(self, server: str, script: str) -> Break | None:
        """What goes wrong with this sending."""
        self.sent[server, script] += 1
        number = self.sent[server, script]
        return next(
            (
                each
                for each in self.breaks
                if not self.is_healed
                and (each.server, each.script) == (server, script)
                and each.nth <= number < each.nth + each.times
            ),
            None,
        )


@dataclass
class Visit:
    """One session of one process on one server."""

    wire: Wire
    server: Server
    name_of_run: str
    tick: Callable[[str], None]
    watch: Callable[..., None]
    used: float | None = None  # when the connection was; None where there is none

    def ready(self) -> None:
        """A connection stands."""
        if self.used is None:
            self.used = self.wire.time.now()

    def run(self, script: Script, arguments: Mapping[str, Any]) -> list[Record]:
        """Send it; what breaks, breaks as the play says. What writes is not sent over a new connection by itself."""
        self.ready()
        self.tick(f"before {script.id} on {self.server.name}")
        assert self.used is not None
        if script.effect is Effect.WRITE and self.wire.time.now() - self.used > IDLE:
            self.used = None
            raise errors.Lapsed(self.server.name, "the server had closed the connection; nothing was sent")
        try:
            return self._send(script, arguments)
        finally:
            self.used = self.wire.time.now()

    def _send(self, script: Script, arguments: Mapping[str, Any]) -> list[Record]:
        name = self.server.name
        self.wire.time.sleep(LATENCY)
        breaks = self.wire.broken(name, script.id)
        if breaks and breaks.way == "before":
            raise ERRORS[breaks.kind](name, script.id)
        if self.server.role is Role.PROXY:
            records = self._hop(arguments)
        else:
            records = self._answer(self.wire.servers[name], script, arguments)
        self.tick(f"after {script.id} on {name}")
        if breaks and breaks.kind == "empty":
            return []
        if breaks:
            raise ERRORS[breaks.kind](name, script.id)
        return records

    def close(self) -> None:
        """The session ends."""

    def _answer(self, server: PaperServer, script: Script, arguments: Mapping[str, Any]) -> list[Record]:
        server.catch_up()
        if not server.is_up:
            raise ERRORS["unreachable"](server.case.name, script.id)
        if server.case.is_denied:
            raise ERRORS["denied"](server.case.name, script.id)
        if script.effect is Effect.WRITE:
            self.watch(server, script, arguments)
        server.visitor = self.name_of_run
        try:
            records = answer(server, script.id, arguments)
        except ScriptError as error:
            raise errors.ScriptFailed(server.case.name, f"{script.id}: {error}") from None
        finally:
            server.visitor = ""
        self.wire.time.sleep(LATENCY)
        server.catch_up()
        if not server.is_up:
            raise ERRORS["broken-off"](server.case.name, script.id)
        return records

    def _hop(self, arguments: Mapping[str, Any]) -> list[Record]:
        target = next(each for name, each in self.wire.servers.items() if arguments["Fqdn"].startswith(name.lower()))
        return hop(target, self.server.name, arguments)
