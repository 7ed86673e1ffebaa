"""Owns the static classes System.IO.File, Directory and Path."""

from __future__ import annotations

import datetime as dt
import ntpath
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.encoding import bytes_of, decode, encode, preamble
from agent.lab.powershell.bindings.dotnet.information import DirectoryInfo, copy_file
from agent.lab.powershell.bindings.dotnet.streams import (
    APPEND,
    CREATE,
    OPEN,
    OPEN_OR_CREATE,
    READ,
    READ_WRITE,
    SHARE_NONE,
    SHARE_READ,
    WRITE,
    FileStream,
)
from agent.lab.powershell.bindings.dotnet.text import StreamReader, StreamWriter
from agent.lab.powershell.bindings.wildcard import fits
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, register
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import Char, EnumKind, byte_array, local_time

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

SEARCH_OPTION = register_enum(EnumKind("System.IO.SearchOption", {"TopDirectoryOnly": 0, "AllDirectories": 1}))


def _file_exists(engine: Engine, path: Any = None) -> bool:
    """Never throws: a bad path is no file."""
    try:
        disk = Disk(engine)
        return disk.is_file(disk.full(path))
    except ClrError:
        return False


def _read_text(engine: Engine, path: Any, encoding: ClrObject | None = None) -> str:
    disk = Disk(engine)
    return decode(disk.read(disk.full(path)), encoding)


def _read_lines(engine: Engine, path: Any, encoding: ClrObject | None = None) -> list[str]:
    return _read_text(engine, path, encoding).splitlines()


def _read_bytes(engine: Engine, path: Any) -> list[Any]:
    disk = Disk(engine)
    return byte_array(disk.read(disk.full(path)))


def _write_text(engine: Engine, path: Any, text: Any, encoding: ClrObject | None = None) -> None:
    disk = Disk(engine)
    disk.write(disk.full(path), preamble(encoding) + encode(engine.to_string(text), encoding))


def _write_lines(engine: Engine, path: Any, lines: Any, encoding: ClrObject | None = None) -> None:
    given = lines if isinstance(lines, list) else [lines]
    _write_text(engine, path, "".join(f"{engine.to_string(line)}\r\n" for line in given), encoding)


def _write_bytes(engine: Engine, path: Any, content: Any) -> None:
    disk = Disk(engine)
    disk.write(disk.full(path), bytes_of(content))


def _append_text(engine: Engine, path: Any, text: Any, encoding: ClrObject | None = None) -> None:
    disk = Disk(engine)
    full = disk.full(path)
    mark = b"" if disk.is_file(full) else preamble(encoding)
    disk.append(full, mark + encode(engine.to_string(text), encoding))


def _delete(engine: Engine, path: Any) -> None:
    disk = Disk(engine)
    full = disk.full(path)
    if disk.is_directory(full):
        raise ClrError(f"Access to the path '{full}' is denied.", "System.UnauthorizedAccessException")
    if disk.is_file(full):
        disk.delete(full)


def _copy(engine: Engine, source: Any, target: Any, overwrite: Any = False) -> None:
    copy_file(engine, source, target, bool(overwrite))


def _move(engine: Engine, source: Any, target: Any) -> None:
    with engine.machine.lock:  # one step: a reader sees the old name or the new one
        copy_file(engine, source, target, False)
        _delete(engine, source)


def _open(engine: Engine, path: Any, mode: Any, access: Any = READ_WRITE, share: Any = SHARE_NONE) -> FileStream:
    return FileStream(engine, path, mode, access, share)


def _file_time(engine: Engine, path: Any, which: str) -> dt.datetime:
    disk = Disk(engine)
    full = disk.full(path)
    if not disk.files.exists(full):  # documented: 1601-01-01 for a file that is not there
        return dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    found: dt.datetime = getattr(disk.entry(full), which)
    return found


register(
    ClrType(
        "System.IO.File",
        static={
            "Exists": _file_exists,
            "ReadAllText": _read_text,
            "ReadAllLines": _read_lines,
            "ReadAllBytes": _read_bytes,
            "WriteAllText": _write_text,
            "WriteAllLines": _write_lines,
            "WriteAllBytes": _write_bytes,
            "AppendAllText": _append_text,
            "Delete": _delete,
            "Copy": _copy,
            "Move": _move,
            "Open": _open,
            "OpenRead": lambda engine, path: FileStream(engine, path, OPEN, READ, SHARE_READ),
            "OpenWrite": lambda engine, path: FileStream(engine, path, OPEN_OR_CREATE, WRITE, SHARE_NONE),
            "OpenText": StreamReader,
            "Create": lambda engine, path, *_size: FileStream(engine, path, CREATE, READ_WRITE, SHARE_NONE),
            "CreateText": StreamWriter,
            "AppendText": lambda engine, path: StreamWriter(
                engine, FileStream(engine, path, APPEND, WRITE, SHARE_READ)
            ),
            "GetLastWriteTime": lambda engine, path: local_time(_file_time(engine, path, "last_write")),
            "GetLastWriteTimeUtc": lambda engine, path: _file_time(engine, path, "last_write"),
            "GetCreationTime": lambda engine, path: local_time(_file_time(engine, path, "created")),
            "GetCreationTimeUtc": lambda engine, path: _file_time(engine, path, "created"),
        },
    )
)


def _directory_exists(engine: Engine, path: Any = None) -> bool:
    try:
        disk = Disk(engine)
        return disk.is_directory(disk.full(path))
    except ClrError:
        return False


def _create_directory(engine: Engine, path: Any) -> DirectoryInfo:
    disk = Disk(engine)
    disk.mkdir(disk.full(path))
    return DirectoryInfo(engine, path)


def _delete_directory(engine: Engine, path: Any, recursive: Any = False) -> None:
    disk = Disk(engine)
    full = disk.full(path)
    if not disk.is_directory(full):
        raise ClrError(
            f"Could not find a part of the path '{full}'.",
            "System.IO.DirectoryNotFoundException",
            bases=("System.IO.IOException",),
        )
    (disk.delete_tree if recursive else disk.delete)(full)


def _inside(engine: Engine, path: Any, pattern: Any, option: Any, *, files: bool, directories: bool) -> list[str]:
    disk = Disk(engine)
    deep = int(engine.convert(option, SEARCH_OPTION.name)) == 1
    found: list[str] = []
    for entry in disk.list(disk.full(path)):
        wanted = directories if entry.is_directory else files
        if wanted and fits("*" if pattern in ("*.*", "*") else str(pattern), entry.name):
            found.append(entry.path)
        if deep and entry.is_directory:
            found += _inside(engine, entry.path, pattern, option, files=files, directories=directories)
    return found


register(
    ClrType(
        "System.IO.Directory",
        static={
            "Exists": _directory_exists,
            "CreateDirectory": _create_directory,
            "Delete": _delete_directory,
            "GetFiles": lambda engine, path, pattern="*", option=0: _inside(
                engine, path, pattern, option, files=True, directories=False
            ),
            "GetDirectories": lambda engine, path, pattern="*", option=0: _inside(
                engine, path, pattern, option, files=False, directories=True
            ),
            "GetFileSystemEntries": lambda engine, path, pattern="*", option=0: _inside(
                engine, path, pattern, option, files=True, directories=True
            ),
            "GetCurrentDirectory": lambda engine: f"{engine.machine.os.windows_directory}\\system32",
        },
    )
)


def _combine(engine: Engine, first: Any, second: Any) -> str:
    """.NET 2.0 takes two parts only; a rooted second part wins."""
    left, right = engine.to_string(first), engine.to_string(second)
    if not right or not left:
        return left or right
    if ntpath.isabs(right) or right[1:2] == ":":
        return right
    return left + right if left[-1] in "\\/:" else f"{left}\\{right}"


def _temp_file(engine: Engine) -> str:
    disk = Disk(engine)
    folder = engine.machine.environment["TEMP"]
    while True:
        path = f"{folder}\\tmp{engine.machine.rng.randrange(1, 0xFFFF):X}.tmp"
        if not disk.files.exists(path):
            disk.create_new(path)
            return path


def _random_name(engine: Engine) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz012345"
    name = "".join(engine.machine.rng.choice(letters) for _ in range(11))
    return f"{name[:8]}.{name[8:]}"


def _change_extension(engine: Engine, path: Any, extension: Any) -> str:
    stem = ntpath.splitext(engine.to_string(path))[0]
    if extension is None:
        return stem
    text = engine.to_string(extension)
    return stem + (text if text.startswith(".") or not text else f".{text}")


def _text(function: Any) -> Any:
    return lambda engine, path: function(engine.to_string(path))


register(
    ClrType(
        "System.IO.Path",
        static={
            "Combine": _combine,
            "GetFileName": _text(ntpath.basename),
            "GetFileNameWithoutExtension": _text(lambda path: ntpath.splitext(ntpath.basename(path))[0]),
            "GetExtension": _text(lambda path: ntpath.splitext(path)[1]),
            "GetDirectoryName": _text(lambda path: ntpath.dirname(path.replace("/", "\\"))),
            "GetPathRoot": _text(lambda path: ntpath.splitdrive(path)[0] + ("\\" if path[2:3] == "\\" else "")),
            "GetFullPath": lambda engine, path: Disk(engine).full(path),
            "IsPathRooted": _text(lambda path: path[:1] in ("\\", "/") or path[1:2] == ":"),
            "HasExtension": _text(lambda path: bool(ntpath.splitext(path)[1])),
            "ChangeExtension": _change_extension,
            "GetTempPath": lambda engine: engine.machine.environment["TEMP"] + "\\",
            "GetTempFileName": _temp_file,
            "GetRandomFileName": _random_name,
            "GetInvalidFileNameChars": lambda engine: [Char(each) for each in '"<>|:*?\\/'],
        },
        constants={
            "DirectorySeparatorChar": lambda engine: Char("\\"),
            "PathSeparator": lambda engine: Char(";"),
        },
    )
)
