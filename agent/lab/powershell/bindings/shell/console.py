"""Owns where the streams of a powershell.exe go: text or CLIXML on standard output and standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.binding import Flag
from agent.lab.powershell.bindings.shell.clixml import ClixmlWriter, text_line
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord, Refused, Terminate
from agent.lab.powershell.piping import feed
from agent.lab.powershell.resolution import stage
from agent.lab.powershell.scope import Context
from agent.lab.powershell.wire import to_wire

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

Write = Callable[[bytes], None]
_CODE_PAGE = "cp437"  # OEM, English


def error_lines(record: ErrorRecord) -> list[str]:
    """An error as 2.0 shows it, category and id below."""
    where, prefix = record.where, f"{record.activity} : " if record.activity else ""
    lines = f"{prefix}{record.message}".rstrip("\r\n").splitlines() or [""]
    if where.line_number:
        lines += [f"At line:{where.line_number} char:1", f"+ {where.text.strip()}"]
    lines += [
        f"    + CategoryInfo          : {record.category_info().ps_string()}",
        f"    + FullyQualifiedErrorId : {record.error_id}",
        " ",
    ]
    return lines


class TextConsole:
    """Objects are formatted as the console would; errors go to standard error as text or as CLIXML strings."""

    def __init__(self, engine: Engine, stdout: Write, stderr: Write, *, xml_errors: bool = False) -> None:
        """`xml_errors`: after -EncodedCommand standard error is CLIXML even where the output is text."""
        self._engine, self._stdout, self._stderr = engine, stdout, stderr
        self._errors = ClixmlWriter(stderr) if xml_errors else None
        self._waiting: list[Any] = []

    def output(self, value: Any) -> None:
        """Texts at once, objects with their neighbours."""
        if isinstance(value, str):
            self._flush()
            self._line(value)
        else:
            self._waiting.append(value)

    def error(self, record: ErrorRecord) -> None:
        """Its lines on standard error."""
        self._flush()
        for line in error_lines(record):
            if self._errors is not None:
                self._errors.add(text_line(line), "error")
            else:
                self._stderr(f"{line}\r\n".encode(_CODE_PAGE, "replace"))

    def warning(self, text: str) -> None:
        """On standard output, as the console has it."""
        self._host_line(f"WARNING: {text}")

    def verbose(self, text: str) -> None:
        """On standard output."""
        self._host_line(f"VERBOSE: {text}")

    def debug(self, text: str) -> None:
        """On standard output."""
        self._host_line(f"DEBUG: {text}")

    def progress(self, record: Any) -> None:
        """Shown only where there is a console."""

    def host(self, text: str) -> None:
        """On standard output."""
        self._flush()
        self._stdout(text.replace("\r\n", "\n").replace("\n", "\r\n").encode(_CODE_PAGE, "replace"))

    def close(self) -> None:
        """Write what waits."""
        self._flush()
        if self._errors is not None:
            self._errors.end()

    def _host_line(self, text: str) -> None:
        self._flush()
        self._line(text)

    def _line(self, text: str) -> None:
        self._stdout(f"{text}\r\n".encode(_CODE_PAGE, "replace"))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            context = Context(self._engine, self._engine.scope, self.error)
            feed(stage(context, "Out-String", [Flag("Stream")], lambda line: self._line(str(line))), waiting)
        except (Terminate, ClrError, Refused) as trouble:
            self._stderr(f"{trouble}\r\n".encode(_CODE_PAGE, "replace"))


class XmlConsole:
    """-OutputFormat XML: objects on standard output, everything else on standard error, both CLIXML."""

    def __init__(self, stdout: Write, stderr: Write) -> None:
        """The two streams."""
        self._output = ClixmlWriter(stdout)
        self._errors = ClixmlWriter(stderr)

    def output(self, value: Any) -> None:
        """An object."""
        self._output.add(to_wire(value), "output")

    def error(self, record: ErrorRecord) -> None:
        """An error record."""
        self._errors.add(to_wire(record), "error")

    def warning(self, text: str) -> None:
        """A text."""
        self._errors.add(text_line(text), "warning")

    def verbose(self, text: str) -> None:
        """A text."""
        self._errors.add(text_line(text), "verbose")

    def debug(self, text: str) -> None:
        """A text."""
        self._errors.add(text_line(text), "debug")

    def progress(self, record: Any) -> None:
        """Dropped: nobody who reads the other end wants it."""

    def host(self, text: str) -> None:
        """What Write-Host writes is an object among the output."""
        self._output.add(to_wire(text), "output")

    def close(self) -> None:
        """End both documents."""
        self._output.end()
        self._errors.end()
