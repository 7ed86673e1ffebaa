"""Owns System.IO.FileInfo and DirectoryInfo with the properties PowerShell's provider adds."""

from __future__ import annotations

import datetime as dt
import ntpath
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.streams import OPEN, READ, SHARE_READ, FileStream
from agent.lab.powershell.bindings.dotnet.text import StreamReader
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue, Long, local_time

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_PROVIDER = "Microsoft.PowerShell.Core\\FileSystem"
ATTRIBUTES = register_enum(
    EnumKind(
        "System.IO.FileAttributes",
        {"ReadOnly": 1, "Hidden": 2, "System": 4, "Directory": 16, "Archive": 32, "Normal": 128},
        flags=True,
    )
)


class _Information(ClrObject):
    BASES = ("System.IO.FileSystemInfo", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, path: Any, text: str | None = None) -> None:
        """`text` is what ToString gives: the path as it was written."""
        self.engine = engine
        self.disk = Disk(engine)
        self.path = self.disk.full(path)
        self.text = text or self.path

    @prop("PSPath")
    def ps_path(self) -> str:
        """Provider and path."""
        return f"{_PROVIDER}::{self.path}"

    @prop("PSParentPath")
    def ps_parent_path(self) -> str:
        """Provider and the directory above."""
        return f"{_PROVIDER}::{ntpath.dirname(self.path)}"

    @prop("PSChildName")
    def ps_child_name(self) -> str:
        """The last part."""
        return self.name()

    @prop("PSIsContainer")
    def is_container(self) -> bool:
        """True for a directory."""
        return isinstance(self, DirectoryInfo)

    @prop("Name")
    def name(self) -> str:
        """The last part."""
        return ntpath.basename(self.path) or self.path

    @prop("FullName")
    def full_name(self) -> str:
        """The whole path."""
        return self.path

    @prop("Extension")
    def extension(self) -> str:
        """With its dot."""
        return ntpath.splitext(self.path)[1]

    @prop("CreationTime")
    def creation_time(self) -> dt.datetime:
        """When it was made."""
        return local_time(self.disk.entry(self.path).created)

    @prop("LastWriteTime")
    def last_write_time(self) -> dt.datetime:
        """When it was last written."""
        return local_time(self.disk.entry(self.path).last_write)

    @prop("CreationTimeUtc")
    def creation_time_utc(self) -> dt.datetime:
        """In UTC."""
        return self.disk.entry(self.path).created

    @prop("LastWriteTimeUtc")
    def last_write_time_utc(self) -> dt.datetime:
        """In UTC."""
        return self.disk.entry(self.path).last_write

    @prop("LastAccessTime")
    def last_access_time(self) -> dt.datetime:
        """The last write: reads are not kept."""
        return self.last_write_time()

    @method("Refresh")
    def refresh(self) -> None:
        """Nothing is cached."""

    def ps_string(self) -> str:
        """The path as it was written."""
        return self.text


class FileInfo(_Information):
    """A file."""

    TYPE = "System.IO.FileInfo"

    @prop("Length")
    def length(self) -> Long:
        """In bytes."""
        if not self.disk.is_file(self.path):
            raise ClrError(
                f"Could not find file '{self.path}'.",
                "System.IO.FileNotFoundException",
                bases=("System.IO.IOException",),
            )
        return Long(self.disk.entry(self.path).size)

    @prop("Exists")
    def exists(self) -> bool:
        """Whether it is there."""
        return self.disk.is_file(self.path)

    @prop("BaseName")
    def base_name(self) -> str:
        """The name without extension; types.ps1xml adds it."""
        return ntpath.splitext(self.name())[0]

    @prop("DirectoryName")
    def directory_name(self) -> str:
        """The directory's path."""
        return ntpath.dirname(self.path)

    @prop("Directory")
    def directory(self) -> DirectoryInfo:
        """The directory."""
        return DirectoryInfo(self.engine, ntpath.dirname(self.path))

    @prop("IsReadOnly")
    def is_read_only(self) -> bool:
        """Never here."""
        return False

    @prop("Attributes")
    def attributes(self) -> EnumValue:
        """An ordinary file."""
        return ATTRIBUTES("Archive")

    @prop("Mode")
    def mode(self) -> str:
        """As Get-ChildItem shows it."""
        return "-a---"

    @method("Delete")
    def delete(self) -> None:
        """Delete it; nothing happens where it is not there."""
        if self.exists():
            self.disk.delete(self.path)

    @method("CopyTo")
    def copy_to(self, target: Any, overwrite: Any = False) -> FileInfo:
        """Copy it."""
        copy_file(self.engine, self.path, target, bool(overwrite))
        return FileInfo(self.engine, target)

    @method("OpenText")
    def open_text(self) -> StreamReader:
        """Read it as text."""
        return StreamReader(self.engine, FileStream(self.engine, self.path, OPEN, READ, SHARE_READ))


class DirectoryInfo(_Information):
    """A directory."""

    TYPE = "System.IO.DirectoryInfo"

    @prop("Exists")
    def exists(self) -> bool:
        """Whether it is there."""
        return self.disk.is_directory(self.path)

    @prop("BaseName")
    def base_name(self) -> str:
        """The name; types.ps1xml adds it."""
        return self.name()

    @prop("Parent")
    def parent(self) -> DirectoryInfo | None:
        """The directory above, $null above the root."""
        above = ntpath.dirname(self.path)
        return None if above == self.path else DirectoryInfo(self.engine, above)

    @prop("Attributes")
    def attributes(self) -> EnumValue:
        """A directory."""
        return ATTRIBUTES("Directory")

    @prop("Mode")
    def mode(self) -> str:
        """As Get-ChildItem shows it."""
        return "d----"

    @method("Create")
    def create(self) -> None:
        """Make it."""
        self.disk.mkdir(self.path)

    @method("Delete")
    def delete(self, recursive: Any = False) -> None:
        """Delete it; with contents only when told so."""
        (self.disk.delete_tree if recursive else self.disk.delete)(self.path)

    @method("GetFiles")
    def get_files(self, pattern: Any = "*") -> list[FileInfo]:
        """Files in it."""
        from agent.lab.powershell.bindings.wildcard import fits

        found = [each for each in self.disk.list(self.path) if not each.is_directory]
        return [FileInfo(self.engine, each.path, each.name) for each in found if fits(str(pattern), each.name)]


def copy_file(engine: Engine, source: Any, target: Any, overwrite: bool) -> None:
    """Copy one file; IOException where the target exists and may not be replaced."""
    disk = Disk(engine)
    content, path = disk.read(disk.full(source)), disk.full(target)
    (disk.write if overwrite else disk.create_new)(path, content)


def information(engine: Engine, path: str, text: str | None = None) -> FileInfo | DirectoryInfo:
    """The object of an existing path."""
    kind = DirectoryInfo if Disk(engine).is_directory(path) else FileInfo
    return kind(engine, path, text)


register(ClrType("System.IO.FileInfo", bases=FileInfo.BASES, construct=FileInfo))
register(ClrType("System.IO.DirectoryInfo", bases=DirectoryInfo.BASES, construct=DirectoryInfo))
