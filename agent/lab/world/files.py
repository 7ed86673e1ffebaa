"""Owns the file system of one machine: drive C, names without regard to case, a disk that can be full."""

from __future__ import annotations

import ntpath
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.lab.clock import Clock
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.overlay import Overlay

Content = bytes | Callable[[], bytes]  # a function where the text is worth making only when somebody reads


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or with `content` None a directory. `path` is as it was written when made."""

    path: str
    content: Content | None
    size: int
    created: datetime
    last_write: datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return ntpath.basename(self.path)

    @property
    def is_directory(self) -> bool:
        """True for a directory."""
        return self.content is None

    def read(self) -> bytes:
        """The file's bytes; nothing for a directory."""
        return self.content() if callable(self.content) else self.content or b""


def normal(path: str) -> str:
    """A full path with backslashes, without a trailing one; "C:" is the root."""
    return ntpath.normpath(path.replace("/", "\\")).rstrip("\\")


class FileSystem:
    """Full paths only; `capacity` less what the files take is `free_bytes`."""

    def __init__(self, base: Mapping[str, Entry], capacity: int, clock: Clock, lock: threading.RLock) -> None:
        self._entries = Overlay(base)
        self._free = capacity - sum(entry.size for entry in base.values())
        self._clock = clock
        self._lock = lock
        self._held: set[str] = set()

    @property
    def free_bytes(self) -> int:
        """What a writer can still take."""
        return max(0, self._free)

    @free_bytes.setter
    def free_bytes(self, count: int) -> None:
        self._free = count

    def exists(self, path: str) -> bool:
        """True for a file or a directory."""
        return normal(path).lower() in self._entries

    def is_directory(self, path: str) -> bool:
        """True for a directory."""
        entry = self._entries.get(normal(path).lower())
        return entry is not None and entry.is_directory

    def entry(self, path: str) -> Entry:
        """The file or directory, or "The system cannot find the file specified."."""
        entry = self._entries.get(normal(path).lower())
        if entry is None:
            raise WorldError(ErrorKind.FILE_NOT_FOUND, path)
        return entry

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        entry = self.entry(path)
        self._refuse_held(path)
        if entry.is_directory:
            raise WorldError(ErrorKind.ACCESS_DENIED, path)
        return entry.read()

    def create_new(self, path: str, content: bytes = b"") -> None:
        """Make a file that must not exist yet; of two callers exactly one succeeds."""
        with self._lock:
            if self.exists(path):
                raise WorldError(ErrorKind.ALREADY_EXISTS, path)
            self._put(path, content, len(content))

    def write(self, path: str, content: Content, size: int | None = None) -> None:
        """Make or replace a file; `size` is needed where the content is a function."""
        with self._lock:
            self._refuse_held(path)
            self._put(path, content, len(content) if isinstance(content, bytes) else size or 0)

    def append(self, path: str, content: bytes) -> None:
        """Add to a file, making it where there is none."""
        with self._lock:
            self.write(path, (self.read(path) if self.exists(path) else b"") + content)

    def delete(self, path: str) -> None:
        """Delete a file or an empty directory."""
        with self._lock:
            entry = self.entry(path)
            self._refuse_held(path)
            if entry.is_directory and self.list(path):
                raise WorldError(ErrorKind.NOT_EMPTY, path)
            self._free += entry.size
            del self._entries[normal(path).lower()]

    def delete_tree(self, path: str) -> None:
        """Delete a directory and all below it."""
        with self._lock:
            for entry in sorted(self._below(path), key=lambda entry: -len(entry.path)):
                self.delete(entry.path)
            self.delete(path)

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it; nothing happens where it exists."""
        with self._lock:
            path = normal(path)
            above = ntpath.dirname(path).rstrip("\\")
            if above and above != path and not self.exists(above):
                self.mkdir(above)
            if not self.exists(path):
                now = self._clock.now()
                self._entries[path.lower()] = Entry(path, None, 0, now, now)

    def list(self, path: str) -> list[Entry]:
        """The entries directly inside a directory, by name."""
        if not self.is_directory(path):
            raise WorldError(ErrorKind.PATH_NOT_FOUND, path)
        depth = normal(path).count("\\") + 1
        found = [entry for entry in self._below(path) if entry.path.count("\\") == depth]
        return sorted(found, key=lambda entry: entry.path.lower())

    def hold(self, path: str) -> Callable[[], None]:
        """Open a file so that others meet a sharing violation; call the result to close it."""
        with self._lock:
            self._refuse_held(path)
            low = self.entry(path).path.lower()
            self._held.add(low)
        return lambda: self._held.discard(low)

    def _below(self, path: str) -> Iterator[Entry]:
        top = normal(path).lower() + "\\"
        with self._lock:
            return iter([entry for low, entry in self._entries.items() if low.startswith(top)])

    def _put(self, path: str, content: Content, size: int) -> None:
        path = normal(path)
        if not self.is_directory(ntpath.dirname(path)):
            raise WorldError(ErrorKind.PATH_NOT_FOUND, path)
        old = self._entries.get(path.lower())
        if old is not None and old.is_directory:
            raise WorldError(ErrorKind.ACCESS_DENIED, path)
        growth = size - (old.size if old else 0)
        if growth > self._free:
            raise WorldError(ErrorKind.DISK_FULL, path)
        self._free -= growth
        now = self._clock.now()
        self._entries[path.lower()] = Entry(old.path if old else path, content, size, old.created if old else now, now)

    def _refuse_held(self, path: str) -> None:
        if normal(path).lower() in self._held:
            raise WorldError(ErrorKind.SHARING_VIOLATION, path)
