"""Owns one PowerShell session on one machine: its state, and running what arrives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from agent.lab.powershell.errors import ErrorRecord

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process


@dataclass(frozen=True, slots=True)
class CommandCall:
    """One command of a pipeline: a command name or a script text, with its parameters (name None = positional)."""

    text: str
    is_script: bool = False
    parameters: tuple[tuple[str | None, object], ...] = ()
    use_local_scope: bool | None = None
    end_of_statement: bool = False


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome, the error that ended it (FAILED), and the `exit` code."""

    outcome: Outcome
    error: ErrorRecord | None = None
    exit_code: int = 0


class Sink(Protocol):
    """Where the streams of a run go, in the order they happen."""

    def output(self, value: Any) -> None: ...
    def error(self, record: ErrorRecord) -> None: ...
    def warning(self, text: str) -> None: ...
    def verbose(self, text: str) -> None: ...
    def debug(self, text: str) -> None: ...
    def progress(self, record: Any) -> None: ...
    def host(self, text: str) -> None: ...


class Engine:
    """One session: variables, functions and location persist from run to run."""

    def __init__(
        self, machine: Machine, process: Process, user: str = "LAB\\administrator", *, network_logon: bool = True
    ) -> None:
        """A session of `user` inside `process` (wsmprovhost.exe or powershell.exe) on `machine`."""
        self.machine = machine
        self.process = process
        self.user = user
        self.network_logon = network_logon
        self.location = "C:\\"  # current file-system location, kept by the provider bindings
        self.environment: dict[str, str] = {}  # $env:, keys upper-case

    def run(self, commands: Sequence[CommandCall], sink: Sink, input: Iterable[object] = ()) -> RunResult:
        """Run the commands as one pipeline (each `end_of_statement` starts another); blocks."""
        raise NotImplementedError

    def run_text(
        self,
        script: str,
        sink: Sink,
        *,
        arguments: Sequence[object] = (),
        parameters: Mapping[str, object] | None = None,
        input: Iterable[object] = (),
    ) -> RunResult:
        """Run one script text."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask the run to end; thread-safe."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise Stopped when stop() was called or the process was killed; long-running bindings call this."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Sleep on the machine's clock; ends early (Stopped) when stopped or killed."""
        raise NotImplementedError

    def convert(self, value: Any, type_name: str) -> Any:
        """Convert as PowerShell casts, e.g. convert("5", "Int32"); ClrError where it cannot."""
        raise NotImplementedError

    def to_string(self, value: Any) -> str:
        """The text of a value as in an expandable string."""
        raise NotImplementedError
