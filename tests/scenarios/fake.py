"""A way in without a wire: the same scripts, really executed on a machine of the lab, and the wire's faults mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent import errors
from agent.lab.fleet import Fleet
from agent.lab.node import Node
from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.engine import CommandCall, Engine, Outcome, RunResult
from agent.lab.powershell.values import EnumValue
from agent.lab.world.processes import Process
from agent.model import Record, Scalar, Script, Server
from agent.transport import Arguments

Hook = Callable[[str], None]
"""Told of "before <script>" when nothing has arrived yet, and of "after <script>" when it ran and nobody knows."""

LOOK = "Look at the server again before doing anything."

Spoil = Callable[[list[Record]], list[Record]]
"""Makes something else of the answer of one script."""


def quiet(_: str) -> None:
    """The hook that does nothing."""


class FakeConnector:
    """A `Connect` for a fleet; `hook` may raise whatever is to go wrong at that moment."""

    def __init__(self, fleet: Fleet, hook: Hook = quiet, spoil: Mapping[str, Spoil] | None = None) -> None:
        self._fleet = fleet
        self._hook = hook
        self._spoil = spoil or {}

    def __call__(self, server: Server) -> FakeVisit:
        """A visit; it connects when the first script is sent, like a real one."""
        return FakeVisit(self._fleet, server.name, self._hook, self._spoil)


class FakeVisit:
    """One session on one machine; used by one thread at a time."""

    def __init__(self, fleet: Fleet, server: str, hook: Hook, spoil: Mapping[str, Spoil]) -> None:
        self._node: Node = fleet[server]
        self._user = fleet.administrator.qualified
        self._server = server
        self._hook = hook
        self._spoil = spoil
        self._process: Process | None = None
        self._engine: Engine | None = None
        self._denied: errors.Denied | None = None

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """Execute the script and give its objects back; the wire's faults come before, in between or after."""
        engine = self._enter()
        self._hook(f"before {script.id}")
        sink = _Sink()
        given = tuple((name, _given(value)) for name, value in arguments.items() if value is not None)
        result = engine.run([CommandCall(script.text, True, given, use_local_scope=True)], sink)
        self._hook(f"after {script.id}")
        self._break(script)
        if result.outcome is Outcome.STOPPED or (self._process is not None and self._process.killed.is_set()):
            raise errors.BrokenOff(self._server, "the server closed the connection", LOOK)
        if result.outcome is Outcome.FAILED or sink.errors:
            raise self._failed(script, result, sink)
        records = [_record(self._server, each) for each in sink.answers]
        return self._spoil[script.id](records) if script.id in self._spoil else records

    def ready(self) -> None:
        """Open the session where none stands."""
        self._enter()

    def close(self) -> None:
        """The session ends, and with it whatever ran inside."""
        if self._process is not None and self._node.machine.is_up:
            self._node.machine.processes.kill_tree(self._process)
        self._process = self._engine = None

    # --- the wire that is not there -----------------------------------------------------------------------------

    def _enter(self) -> Engine:
        """The open session, or a new one; what keeps a visitor out keeps him out here."""
        if self._denied is not None:
            raise self._denied
        wire, machine = self._node.wire, self._node.machine
        machine.clock.sleep(wire.slow_seconds)
        if not machine.online or wire.unreachable or not self._listens():
            self.close()
            raise errors.Unreachable(self._server, "connection refused", "Check that the WinRM service runs.")
        if self._engine is None or self._process is None or not self._process.is_alive:
            self._log_on()
        assert self._engine is not None
        return self._engine

    def _listens(self) -> bool:
        return self._node.machine.services.get("WinRM").is_running

    def _log_on(self) -> None:
        wire, machine = self._node.wire, self._node.machine
        machine.counters.logon(granted=not wire.auth_denied)
        if wire.auth_denied:
            self._denied = errors.Denied(self._server, "the server refused the logon", "Check the user name.")
        elif wire.not_admin:
            self._denied = errors.Denied(self._server, "the logon worked, but the account may not open a session")
        if self._denied is not None:
            raise self._denied
        if wire.garbage_answer:
            raise errors.BadAnswer(self._server, "the answer makes no sense: it is no SOAP")
        self._process = machine.processes.spawn("wsmprovhost.exe", owner=self._user)
        self._engine = Engine(machine, self._process, self._user)

    def _break(self, script: Script) -> None:
        """What becomes of an answer on its way back; the script has run."""
        wire = self._node.wire
        if wire.reset_mid_answer or not self._node.machine.online:
            self.close()
            raise errors.BrokenOff(self._server, "the server closed the connection", LOOK)
        if wire.oversized_answer:
            raise errors.BadAnswer(self._server, f"{script.id}: more than any envelope holds")

    def _failed(self, script: Script, result: RunResult, sink: _Sink) -> errors.ScriptFailed:
        message = str(result.error.message) if result.error is not None else sink.errors[-1]
        return errors.ScriptFailed(self._server, f"{script.id}: {message}", "Look at the server again.")


class _Sink:
    """Keeps what a script wrote."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.errors: list[str] = []

    def output(self, value: Any) -> None:
        self.answers.append(value)

    def error(self, record: Any) -> None:
        self.errors.append(str(record.message))

    def warning(self, text: str) -> None: ...

    def verbose(self, text: str) -> None: ...

    def debug(self, text: str) -> None: ...

    def progress(self, record: Any) -> None: ...

    def host(self, text: str) -> None: ...


def _given(value: Scalar | Sequence[Scalar]) -> object:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _record(server: str, answer: object) -> Record:
    if not isinstance(answer, CustomObject):
        raise errors.BadAnswer(server, f"it answered with {answer!r} instead of an object")
    found: Mapping[str, Any] = {name: _plain(value) for name, value in answer.items()}
    return found


def _plain(value: Any) -> Any:
    """As the wire would hand it over: no class of the lab is left."""
    match value:
        case None | bool():
            return value
        case int() if not isinstance(value, EnumValue):
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case list() | tuple():
            return [_plain(each) for each in value]
    raise TypeError(f"{value!r} would not travel as a plain value")
