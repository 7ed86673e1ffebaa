"""Owns System.IO.StreamReader and StreamWriter: text in streams and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.dotnet.encoding import decode, encode, preamble
from agent.lab.powershell.bindings.dotnet.streams import APPEND, CREATE, OPEN, READ, SHARE_READ, WRITE, FileStream
from agent.lab.powershell.clr import ClrObject, ClrType, method, prop, register, setter
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class StreamWriter(ClrObject):
    """Text into a stream or file."""

    TYPE = "System.IO.StreamWriter"
    BASES = ("System.IO.TextWriter", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, target: Any, *options: Any) -> None:
        """(stream[, encoding]), (path[, append[, encoding]])."""
        self.engine = engine
        if isinstance(target, FileStream):
            self.stream = target
            self.encoding = options[0] if options else None
        else:
            append = bool(options[0]) if options else False
            self.encoding = options[1] if len(options) > 1 else None
            self.stream = FileStream(engine, target, APPEND if append else CREATE, WRITE, SHARE_READ)
        self.auto = False
        if not self.stream.content:
            self.stream.put(preamble(self.encoding))

    @prop("AutoFlush")
    def auto_flush(self) -> bool:
        """Whether each write goes to the disk."""
        return self.auto

    @setter("AutoFlush")
    def set_auto_flush(self, value: Any) -> None:
        """Change it."""
        self.auto = bool(value)

    @prop("BaseStream")
    def base_stream(self) -> FileStream:
        """The stream below."""
        return self.stream

    @method("Write")
    def write(self, value: Any = "") -> None:
        """Write a value's text."""
        self.stream.put(encode(self.engine.to_string(value), self.encoding))
        if self.auto:
            self.stream.flush()

    @method("WriteLine")
    def write_line(self, value: Any = "") -> None:
        """With a line end."""
        self.write(self.engine.to_string(value) + "\r\n")

    @method("Flush")
    def flush(self) -> None:
        """To the disk."""
        self.stream.flush()

    @method("Close")
    def close(self) -> None:
        """To the disk, and close the stream."""
        self.stream.close()

    @method("Dispose")
    def dispose(self) -> None:
        """The same."""
        self.close()


class StreamReader(ClrObject):
    """Text from a stream or file."""

    TYPE = "System.IO.StreamReader"
    BASES = ("System.IO.TextReader", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, source: Any, encoding: Any = None, *_rest: Any) -> None:
        """(stream[, encoding]) or (path[, encoding])."""
        self.stream = source if hasattr(source, "take") else FileStream(engine, source, OPEN, READ, SHARE_READ)
        self.encoding = encoding if isinstance(encoding, ClrObject) else None
        self.text: str | None = None

    @prop("EndOfStream")
    def at_end(self) -> bool:
        """Whether all was read."""
        return not self._rest()

    @method("ReadToEnd")
    def read_to_end(self) -> str:
        """All that is left."""
        text, self.text = self._rest(), ""
        return text

    @method("ReadLine")
    def read_line(self) -> str | None:
        """The next line without its end, $null after the last."""
        rest = self._rest()
        if not rest:
            return None
        line = rest.splitlines(keepends=True)[0]
        self.text = rest[len(line) :]
        return line.rstrip("\r\n")

    @method("Read")
    def read(self, *buffer: Any) -> int:
        """The next character's number, -1 at the end."""
        if buffer:
            raise Refused("StreamReader.Read into a buffer")
        number = self.peek()
        self.text = self._rest()[1:]
        return number

    @method("Peek")
    def peek(self) -> int:
        """The next character's number, -1 at the end."""
        rest = self._rest()
        return ord(rest[0]) if rest else -1

    @method("Close")
    def close(self) -> None:
        """Close the stream."""
        self.stream.close()

    @method("Dispose")
    def dispose(self) -> None:
        """The same."""
        self.close()

    def _rest(self) -> str:
        if self.text is None:
            self.text = decode(self.stream.take(), self.encoding)
        return self.text


register(ClrType("System.IO.StreamWriter", bases=StreamWriter.BASES, construct=StreamWriter))
register(ClrType("System.IO.StreamReader", bases=StreamReader.BASES, construct=StreamReader))
