"""Owns native programs as stages: lines of standard output become strings, standard error becomes error records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agent.lab.powershell.binding import Flag
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.conversion import iterate
from agent.lab.powershell.errors import ErrorRecord, Terminate
from agent.lab.powershell.failures import preference
from agent.lab.powershell.scope import MISSING, Context
from agent.lab.powershell.text import to_string

CODE_PAGE = "cp437"  # the OEM code page of an en-US console


def program_name(name: str) -> str:
    """The key of machine.programs for what a script wrote: no folder, no .exe."""
    return name.replace("/", "\\").rpartition("\\")[2].lower().removesuffix(".exe")


class NativeStage:
    """One run of a program."""

    def __init__(
        self,
        context: Context,
        name: str,
        arguments: Sequence[Any],
        write: Callable[[Any], None],
        *,
        redirected: bool = False,
        line: int = 0,
    ) -> None:
        """`redirected`: the script redirects standard error, so its lines become error records (domain 6.5)."""
        self.context, self.name, self.write, self.line = context, name, write, line
        self.arguments = arguments
        self.redirected = redirected
        self.failed = False
        self._stdin: list[str] = []
        self._rest = {"out": b"", "err": b""}
        self._first_error = True

    def begin(self) -> None:
        """Nothing before the input is complete."""

    def process(self, item: Any) -> None:
        """Input objects become lines of standard input."""
        if item is not MISSING:
            self._stdin.append(to_string(item) + "\r\n")

    def end(self) -> None:
        """Run it as a child of the session's process."""
        engine = self.context.engine
        engine.check()
        stdin = "".join(self._stdin).encode(CODE_PAGE, "replace")
        with engine.foreground(self.command_line()) as command_line:
            code = engine.machine.processes.run_attached(
                command_line, engine.process, stdin, self._on_output, self._on_error
            )
        engine.check()
        self._flush()
        engine.set_exit_code(code)
        self.failed = code != 0
        engine.ok = code == 0

    def command_line(self) -> str:
        """The program and its arguments, each quoted where it has blanks, as PowerShell 2.0 builds it."""
        return " ".join([_quoted(self.name), *(_quoted(text) for each in self.arguments for text in _texts(each))])

    def _on_output(self, chunk: bytes) -> None:
        self._lines("out", chunk, self.write)

    def _on_error(self, chunk: bytes) -> None:
        self._lines("err", chunk, self._error_line)

    def _lines(self, stream: str, chunk: bytes, take: Callable[[str], None]) -> None:
        *whole, self._rest[stream] = (self._rest[stream] + chunk).split(b"\n")
        for line in whole:
            take(line.rstrip(b"\r").decode(CODE_PAGE))

    def _flush(self) -> None:
        for stream, take in (("out", self.write), ("err", self._error_line)):
            if self._rest[stream]:
                take(self._rest[stream].rstrip(b"\r").decode(CODE_PAGE))

    def _error_line(self, text: str) -> None:
        """Unredirected, the text goes to the host's error stream and is no PowerShell error."""
        if not self.redirected and not self.context.engine.remote:
            self.context.engine.sink.host(text)
            return
        error = ClrError(text, "System.Management.Automation.RemoteException", bases=(_RUNTIME,))
        error_id = "NativeCommandError" if self._first_error else "NativeCommandErrorMessage"
        self._first_error = False
        record = ErrorRecord(error, error_id, "NotSpecified", text, activity=self.name, line=self.line)
        if preference(self.context) == "stop":
            raise Terminate(record, final=True)
        self.context.engine.keep(record)
        if preference(self.context) == "continue":
            self.context.errors(record)


_RUNTIME = "System.Management.Automation.RuntimeException"


def _texts(argument: Any) -> list[str]:
    if isinstance(argument, Flag):
        if argument.value is MISSING:
            return [f"-{argument.name}"]
        return [f"-{argument.name}:{to_string(argument.value)}"]
    items = None if isinstance(argument, str) else iterate(argument)
    return [to_string(argument)] if items is None else [to_string(item) for item in items]


def _quoted(text: str) -> str:
    return f'"{text}"' if text and any(char.isspace() for char in text) and '"' not in text else text
