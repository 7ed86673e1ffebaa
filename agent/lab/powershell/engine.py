"""Owns one PowerShell session on one machine: its state, and running what arrives."""

from __future__ import annotations

import contextlib
import functools
import importlib
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from agent.lab.powershell import automatic, conversion, text
from agent.lab.powershell.binding import Flag
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling.blocks import script_code
from agent.lab.powershell.errors import (
    MISUSE,
    BreakFlow,
    ContinueFlow,
    ErrorRecord,
    ExitFlow,
    Refused,
    Stopped,
    Terminate,
    let_go,
)
from agent.lab.powershell.failures import parse_record, refusal_record, thrown_record
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.piping import drive
from agent.lab.powershell.resolution import Stage, stage
from agent.lab.powershell.scope import MISSING, Context, Scope
from agent.lab.powershell.scriptblock import BlockCode, Function
from agent.lab.powershell.stages import FunctionStage
from agent.lab.powershell.types import resolve

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process

_FRAMES = 40_000


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
    """The outcome, the error that ended it (FAILED), the `exit` code, and whether there was an `exit` at all."""

    outcome: Outcome
    error: ErrorRecord | None = None
    exit_code: int = 0
    exited: bool = False


class Sink(Protocol):
    """Where the streams of a run go, in the order they happen."""

    def output(self, value: Any) -> None: ...
    def error(self, record: ErrorRecord) -> None: ...
    def warning(self, text: str) -> None: ...
    def verbose(self, text: str) -> None: ...
    def debug(self, text: str) -> None: ...
    def progress(self, record: Any) -> None: ...
    def host(self, text: str) -> None: ...


def compiled(script: str) -> BlockCode:
    """The compiled script, kept for the next session that runs the same text."""
    with _AT_FIRST:
        return _compiled(script)


@functools.lru_cache(maxsize=512)
def _compiled(script: str) -> BlockCode:
    return script_code(script)


_AT_FIRST = threading.RLock()
"""A fleet is asked the same by many at once: what is done the first time is done by one of them, the others wait."""


def load_vocabulary() -> None:
    """Import every module that declares cmdlets and types."""
    with _AT_FIRST:
        _load_vocabulary()


@functools.cache
def _load_vocabulary() -> None:
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))
    for name in ("compiling", "bcl", "cmdlets", "bindings"):
        package = importlib.import_module(f"agent.lab.powershell.{name}")
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(found.name)


class Engine:
    """One session: variables, functions and location persist from run to run."""

    sink: Sink

    def __init__(
        self,
        machine: Machine,
        process: Process,
        user: str = "LAB\\administrator",
        *,
        network_logon: bool = True,
        remote: bool = True,
    ) -> None:
        """A session of `user` inside `process`; `remote`: wsmprovhost.exe, not a powershell.exe console."""
        load_vocabulary()
        _install_programs(machine)
        self.machine = machine
        self.process = process
        self.user = user
        self.network_logon = network_logon
        self.remote = remote
        self.location = "C:\\"  # current file-system location, kept by the provider bindings
        self.environment: dict[str, str] = {}  # $env:, keys upper-case
        self.policy: str | None = None  # the execution policy of powershell.exe -ExecutionPolicy
        self.aliases: dict[str, str] = {}
        self.ok = True
        self.propagating = False
        self.depth = 0
        self.scope = Scope(None)
        self._is_stopped = False  # set by one thread, read by another
        self._shields = 0
        self._foreground: list[str] = []
        automatic.fill(self.scope, self)
        for name, held in session_environment(machine, user).items():
            self.environment[name.upper()] = held

    def run(self, commands: Sequence[CommandCall], sink: Sink, input: Iterable[object] = ()) -> RunResult:
        """Run the commands as one pipeline (each `end_of_statement` starts another); blocks."""
        given = list(input)

        def work(context: Context) -> None:
            batch: list[CommandCall] = []
            for call in commands:
                batch.append(call)
                if call.end_of_statement or call is commands[-1]:
                    self._pipeline(context, batch, given)
                    batch = []

        return self._guard(sink, work)

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
        named: list[tuple[str | None, object]] = list((parameters or {}).items())
        positional: list[tuple[str | None, object]] = [(None, each) for each in arguments]
        return self.run([CommandCall(script, True, tuple(named + positional))], sink, input)

    def stop(self) -> None:
        """Ask the run to end; thread-safe. A native program it waits for is killed."""
        self._is_stopped = True
        for process in self.machine.processes.list():
            if process.parent is self.process and process.command_line in self._foreground:
                self.machine.processes.kill(process)

    @contextlib.contextmanager
    def foreground(self, command_line: str) -> Iterator[str]:
        """While a native program runs that the script waits for."""
        self._foreground.append(command_line)
        try:
            yield command_line
        finally:
            self._foreground.remove(command_line)

    # --- running -----------------------------------------------------------------------------------------------

    def _guard(self, sink: Sink, work: Callable[[Context], None]) -> RunResult:
        self.sink = sink
        self._is_stopped, self.propagating, self.depth, self._shields = False, False, 0, 0
        context = Context(self, self.scope, sink.error)
        try:
            work(context)
        except Terminate as terminate:
            self.remember(terminate, context)
            return RunResult(Outcome.FAILED, terminate.record)
        except ClrError as error:
            record = thrown_record(error)
            self.keep(record)
            return RunResult(Outcome.FAILED, record)
        except Refused as refusal:
            return RunResult(Outcome.FAILED, refusal_record(refusal))
        except ExitFlow as flow:
            return RunResult(Outcome.COMPLETED, exit_code=flow.code, exited=True)
        except (BreakFlow, ContinueFlow):
            return RunResult(Outcome.COMPLETED)
        except Stopped:
            return RunResult(Outcome.STOPPED)
        except MISUSE as error:
            stumble = Refused(f"something the evaluator stumbled over ({type(error).__name__}: {error})")
            return RunResult(Outcome.FAILED, refusal_record(stumble))
        return RunResult(Outcome.COMPLETED)

    def _pipeline(self, context: Context, calls: Sequence[CommandCall], given: list[object]) -> None:
        stages: list[Stage] = []
        write: Callable[[Any], None] = self.sink.output
        for call in reversed(calls):
            made = self._stage(context, call, write)
            stages.insert(0, made)
            write = made.process
        drive(stages, given or None, self)

    def _stage(self, context: Context, call: CommandCall, write: Callable[[Any], None]) -> Stage:
        arguments = [held if name is None else Flag(name.lstrip("-"), held) for name, held in call.parameters]
        if not call.is_script:
            return stage(context, call.text, arguments, write)
        self.machine.counters.script(call.text, self.user)
        code = self.compile(call.text)
        return FunctionStage(context, Function("", code), arguments, write, dotted=not call.use_local_scope)

    def compile(self, script: str) -> BlockCode:
        """The compiled script; a ParseException where it does not parse: nothing of it ran."""
        try:
            return compiled(script)
        except ScriptError as error:
            line = script.count("\n", 0, error.offset) + 1
            lines = script.splitlines() or [""]
            raise Terminate(parse_record(error.reason, line, lines[min(line, len(lines)) - 1]), final=True) from error

    def script_file(self, path: str) -> BlockCode:
        """The compiled script of a .ps1 file on the machine."""
        from agent.lab.powershell.bindings.session.scripts import script_text

        return self.compile(script_text(self, path))

    # --- being stopped -----------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise Stopped when stop() was called or the process was killed; long-running bindings call this."""
        if self._is_stopped or self.process.is_killed:
            self._end()

    def _end(self) -> None:
        if not self._shields or self.process.is_killed:
            raise Stopped

    def is_stopping(self) -> bool:
        """Whether the run is to end early."""
        return self._is_stopped or self.process.is_killed

    def sleep(self, seconds: float) -> None:
        """Sleep on the machine's clock; ends early (Stopped) when stopped or killed."""
        self.machine.clock.sleep(seconds, self.is_stopping)
        self.check()

    def shielded(self, finish: Callable[[], None]) -> None:
        """Run a finally block: stop() does not cut it short, the death of the process does."""
        if self.process.is_killed:
            return
        self._shields += 1
        try:
            finish()
        finally:
            self._shields -= 1

    # --- errors ------------------------------------------------------------------------------------------------

    def keep(self, record: ErrorRecord) -> None:
        """Put a record at the front of $Error."""
        let_go(record.error)
        kept = self.scope.values["error"].items
        kept.insert(0, record)
        del kept[256:]

    def remember(self, terminate: Terminate, context: Context) -> None:
        """Put a terminating error into $Error, once."""
        if not terminate.noted:
            terminate.noted = True
            self.keep(terminate.record)

    def set_exit_code(self, code: int) -> None:
        """$LASTEXITCODE."""
        self.scope.values["lastexitcode"] = code

    # --- values ------------------------------------------------------------------------------------------------

    def automatic(self, name: str, context: Context) -> Any:
        """An automatic variable that is made when asked for, MISSING for any other name."""
        return automatic.automatic(self, name)

    def separator(self) -> str:
        """$OFS."""
        held = self.scope.values.get("ofs", MISSING)
        return " " if held is MISSING else text.to_string(held)

    def convert(self, value: Any, type_name: str) -> Any:
        """Convert as PowerShell casts, e.g. convert("5", "Int32"); ClrError where it cannot."""
        return conversion.convert(self, value, resolve(type_name))

    def to_string(self, value: Any) -> str:
        """The text of a value as in an expandable string."""
        return text.to_string(value, self.separator())


def _install_programs(machine: Machine) -> None:
    from agent.lab.powershell.bindings.shell.program import install

    install(machine)


def session_environment(machine: Machine, user: str) -> dict[str, str]:
    """The environment variables a new session starts with."""
    from agent.lab.world.environment import environment

    return environment(machine, user)
