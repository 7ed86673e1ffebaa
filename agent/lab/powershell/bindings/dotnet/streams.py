"""Owns System.IO.FileStream over the world's files.

[.NET Framework 2.0 documentation, FileStream: default access ReadWrite, default share Read; File.Open: share None]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.disk import Disk, Handle
from agent.lab.powershell.bindings.dotnet.encoding import bytes_of
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register, setter
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, Long

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

CREATE_NEW, CREATE, OPEN, OPEN_OR_CREATE, TRUNCATE, APPEND = 1, 2, 3, 4, 5, 6
READ, WRITE, READ_WRITE = 1, 2, 3
SHARE_NONE, SHARE_READ = 0, 1
FILE_MODE = register_enum(
    EnumKind(
        "System.IO.FileMode",
        {"CreateNew": 1, "Create": 2, "Open": 3, "OpenOrCreate": 4, "Truncate": 5, "Append": 6},
    )
)
FILE_ACCESS = register_enum(EnumKind("System.IO.FileAccess", {"Read": 1, "Write": 2, "ReadWrite": 3}, flags=True))
FILE_SHARE = register_enum(
    EnumKind(
        "System.IO.FileShare",
        {"None": 0, "Read": 1, "Write": 2, "ReadWrite": 3, "Delete": 4, "Inheritable": 16},
        flags=True,
    )
)
SEEK_ORIGIN = register_enum(EnumKind("System.IO.SeekOrigin", {"Begin": 0, "Current": 1, "End": 2}))


def _closed() -> ClrError:
    return ClrError(
        "Cannot access a closed file.", "System.ObjectDisposedException", bases=("System.InvalidOperationException",)
    )


class FileStream(ClrObject):
    """An open file. What is written is on the disk after Flush or Close."""

    TYPE = "System.IO.FileStream"
    BASES = ("System.IO.Stream", "System.MarshalByRefObject")

    def __init__(
        self, engine: Engine, path: Any, mode: Any = OPEN, access: Any = None, share: Any = SHARE_READ, *_rest: Any
    ) -> None:
        """Open as the mode says; FileMode.CreateNew fails where the file exists."""
        self.disk = Disk(engine)
        self.path = self.disk.full(path)
        how = int(engine.convert(mode, FILE_MODE.name))
        wanted = WRITE if how == APPEND else READ_WRITE
        self.access = wanted if access is None else int(engine.convert(access, FILE_ACCESS.name))
        self.share = int(engine.convert(share, FILE_SHARE.name))
        self.content = bytearray(self._open(how))
        self.position_value = len(self.content) if how == APPEND else 0
        self.dirty = False
        self.is_open = True
        self.handle: Handle | None = self.disk.hold(self.path) if self.share == SHARE_NONE else None

    def _open(self, how: int) -> bytes:
        if how == CREATE_NEW:
            self.disk.create_new(self.path)
            return b""
        if how == CREATE or (how in (OPEN_OR_CREATE, APPEND) and not self.disk.is_file(self.path)):
            self.disk.write(self.path, b"")
            return b""
        content = self.disk.read(self.path)
        if self.access & WRITE:
            self.disk.writable(self.path)
        if how == TRUNCATE:
            self.disk.write(self.path, b"")
            return b""
        return content

    @prop("CanRead")
    def can_read(self) -> bool:
        """Whether it was opened for reading."""
        return self.is_open and bool(self.access & READ)

    @prop("CanWrite")
    def can_write(self) -> bool:
        """Whether it was opened for writing."""
        return self.is_open and bool(self.access & WRITE)

    @prop("CanSeek")
    def can_seek(self) -> bool:
        """Always, while open."""
        return self.is_open

    @prop("Length")
    def length(self) -> Long:
        """In bytes."""
        self._need()
        return Long(len(self.content))

    @prop("Position")
    def position(self) -> Long:
        """Where the next byte goes."""
        self._need()
        return Long(self.position_value)

    @setter("Position")
    def set_position(self, value: Any) -> None:
        """Go elsewhere."""
        self._need()
        self.position_value = int(value)

    @prop("Name")
    def name(self) -> str:
        """The full path."""
        return self.path

    @method("Write")
    def write(self, content: Any, offset: Any, count: Any) -> None:
        """Write part of an array."""
        self.put(bytes_of(content)[int(offset) : int(offset) + int(count)])

    @method("WriteByte")
    def write_byte(self, value: Any) -> None:
        """Write one byte."""
        self.put(bytes([int(value) & 0xFF]))

    @method("Read")
    def read(self, target: Any, offset: Any, count: Any) -> int:
        """Read into an array; how many bytes came."""
        chunk = self.take(int(count))
        from agent.lab.powershell.values import Byte

        for index, unit in enumerate(chunk):
            target[int(offset) + index] = Byte(unit)
        return len(chunk)

    @method("ReadByte")
    def read_byte(self) -> int:
        """The next byte, -1 at the end."""
        chunk = self.take(1)
        return chunk[0] if chunk else -1

    @method("Seek")
    def seek(self, offset: Any, origin: Any) -> Long:
        """Go to a place counted from the origin."""
        base = {0: 0, 1: self.position_value, 2: len(self.content)}[
            int(self.disk.engine.convert(origin, SEEK_ORIGIN.name))
        ]
        self.position_value = base + int(offset)
        return Long(self.position_value)

    @method("SetLength")
    def set_length(self, value: Any) -> None:
        """Cut or extend."""
        self._need_write()
        length = int(value)
        self.content = self.content[:length].ljust(length, b"\0")
        self.position_value = min(self.position_value, length)
        self.dirty = True

    @method("Flush")
    def flush(self) -> None:
        """Bring what was written to the disk; a full disk shows here."""
        self._need()
        if not self.dirty:
            return
        with self.disk.engine.machine.lock:
            if self.handle is not None:
                self.disk.let_go(self.handle)
            try:
                self.disk.write(self.path, bytes(self.content))
                self.dirty = False
            finally:
                if self.handle is not None:
                    self.handle = self.disk.hold(self.path)

    @method("Close")
    def close(self) -> None:
        """Flush and let others in."""
        if not self.is_open:
            return
        try:
            self.flush()
        finally:
            self.is_open = False
            if self.handle is not None:
                self.disk.let_go(self.handle)

    @method("Dispose")
    def dispose(self) -> None:
        """The same."""
        self.close()

    def put(self, chunk: bytes) -> None:
        """Write at the position."""
        self._need_write()
        end = self.position_value + len(chunk)
        if len(self.content) < self.position_value:
            self.content.extend(b"\0" * (self.position_value - len(self.content)))
        self.content[self.position_value : end] = chunk
        self.position_value, self.dirty = end, True

    def take(self, count: int | None = None) -> bytes:
        """Read from the position."""
        self._need()
        if not self.access & READ:
            raise ClrError("Stream does not support reading.", "System.NotSupportedException")
        end = len(self.content) if count is None else self.position_value + count
        chunk = bytes(self.content[self.position_value : end])
        self.position_value += len(chunk)
        return chunk

    def _need(self) -> None:
        if not self.is_open:
            raise _closed()

    def _need_write(self) -> None:
        self._need()
        if not self.access & WRITE:
            raise ClrError("Stream does not support writing.", "System.NotSupportedException")


register(ClrType("System.IO.FileStream", bases=FileStream.BASES, construct=FileStream))
