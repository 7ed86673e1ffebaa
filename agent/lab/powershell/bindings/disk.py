"""Owns a script's way to the file system: paths made full, rights checked, open handles of dead processes closed."""

from __future__ import annotations

import ntpath
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.refusal import as_io, is_administrator
from agent.lab.powershell.clr import ClrError
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.files import Entry

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process

_ILLEGAL = set('"<>|*?') | {chr(code) for code in range(32)}
_HANDLES: weakref.WeakKeyDictionary[Machine, list[Handle]] = weakref.WeakKeyDictionary()


class Handle:
    """An open file that others may not touch; it is closed when its process has ended."""

    def __init__(self, owner: Process, release: Callable[[], None]) -> None:
        """`release` lets others in again."""
        self.owner, self.release = owner, release


class Disk:
    """The machine's files as one session sees them. Errors are those of System.IO."""

    def __init__(self, engine: Engine) -> None:
        """The disk of the session's machine."""
        self.engine = engine
        self.files = engine.machine.files
        _close_dead(engine.machine)

    def full(self, path: object) -> str:
        """The full path; .NET counts relative ones from the process's directory, not PowerShell's location."""
        text = self.engine.to_string(path)
        if not text.strip():
            raise ClrError(
                "Empty path name is not legal." if text == "" else "The path is not of a legal form.",
                "System.ArgumentException",
            )
        if set(text) & _ILLEGAL:
            raise ClrError("Illegal characters in path.", "System.ArgumentException")
        start = f"{self.engine.machine.os.windows_directory}\\system32"
        return ntpath.normpath(ntpath.join(start, text.replace("/", "\\")))

    def writable(self, path: str) -> str:
        """The path, where the user may write to it."""
        if not is_administrator(self.engine) and not self._is_open_to_all(path):
            raise ClrError(f"Access to the path '{path}' is denied.", "System.UnauthorizedAccessException")
        return path

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return self.files.exists(path) and not self.files.is_directory(path)

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory."""
        return self.files.is_directory(path)

    def entry(self, path: str) -> Entry:
        """The file or directory."""
        with as_io(path):
            return self.files.entry(path)

    def read(self, path: str) -> bytes:
        """The bytes; a missing directory is told from a missing file."""
        with as_io(path):
            if not self.files.exists(path) and not self.files.is_directory(ntpath.dirname(path)):
                raise WorldError(ErrorKind.PATH_NOT_FOUND, path)
            return self.files.read(path)

    def write(self, path: str, content: bytes) -> None:
        """Make or replace a file."""
        with as_io(path):
            self.files.write(self.writable(path), content)

    def append(self, path: str, content: bytes) -> None:
        """Add to a file, making it."""
        with as_io(path):
            self.files.append(self.writable(path), content)

    def create_new(self, path: str, content: bytes = b"") -> None:
        """Make a file that must not be there: of two callers exactly one succeeds."""
        with as_io(path):
            self.files.create_new(self.writable(path), content)

    def delete(self, path: str) -> None:
        """Delete a file or an empty directory."""
        with as_io(path):
            self.files.delete(self.writable(path))

    def delete_tree(self, path: str) -> None:
        """Delete a directory with all in it."""
        with as_io(path):
            self.files.delete_tree(self.writable(path))

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it."""
        with as_io(path):
            self.files.mkdir(self.writable(path))

    def list(self, path: str) -> list[Entry]:
        """What lies directly in a directory."""
        with as_io(path):
            return self.files.list(path)

    def hold(self, path: str) -> Handle:
        """Keep others out until released or the session's process has ended."""
        with as_io(path), self.engine.machine.lock:
            handle = Handle(self.engine.process, self.files.hold(path))
            _HANDLES.setdefault(self.engine.machine, []).append(handle)
        return handle

    def let_go(self, handle: Handle) -> None:
        """Let others in again."""
        with self.engine.machine.lock:
            _release(self.engine.machine, handle)

    def _is_open_to_all(self, path: str) -> bool:
        environment = self.engine.machine.environment
        user = self.engine.user.rpartition("\\")[2].lower()
        low = path.lower()
        return low.startswith(environment["TEMP"].lower() + "\\") or f"\\{user}\\" in low


def _close_dead(machine: Machine) -> None:
    if not _HANDLES.get(machine):
        return
    with machine.lock:
        for handle in list(_HANDLES[machine]):
            if not handle.owner.is_alive:
                _release(machine, handle)


def _release(machine: Machine, handle: Handle) -> None:
    held = _HANDLES.get(machine, [])
    if handle in held:
        held.remove(handle)
        handle.release()
