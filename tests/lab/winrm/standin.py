"""A stand-in engine: says what it was given, so that the wire is tested without the evaluator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.engine import CommandCall, Outcome, RunResult, Sink
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.world.machine import Machine
from agent.lab.world.processes import Process

Script = Callable[["StandIn", Sink, list[Any], Iterable[Any]], None]


class ScriptError(Exception):
    """A script ends with this error."""


class StandIn:
    """Runs the Python function registered under the script's text; `variables` live as long as the engine."""

    def __init__(self, machine: Machine, process: Process, user: str, scripts: dict[str, Script]) -> None:
        self.machine, self.process, self.user = machine, process, user
        self.variables: dict[str, Any] = {}
        self.stopping = threading.Event()
        self._scripts = scripts

    def run(self, commands: Sequence[CommandCall], sink: Sink, input: Iterable[object] = ()) -> RunResult:
        self.stopping.clear()
        call = commands[0]
        try:
            self._scripts[call.text](self, sink, [value for _, value in call.parameters], input)
        except ScriptError as failure:
            return RunResult(Outcome.FAILED, ErrorRecord(ClrError(str(failure))))
        stopped = self.stopping.is_set() or self.process.killed.is_set()
        return RunResult(Outcome.STOPPED if stopped else Outcome.COMPLETED)

    def stop(self) -> None:
        self.stopping.set()
