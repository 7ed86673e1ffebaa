"""Owns the claim on a lab's directory: one lab at a time, and the list of what it made, for the next to clear away."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path, PurePosixPath

LOCK_FILE = "lab.lock"
_FAR = 1 << 30  # the byte that Windows locks: beyond the content, so that the content stays readable


class Taken(OSError):  # noqa: N818 - what is so, in the words an operator reads
    """A lab runs in the directory already."""


class Claim:
    """Held from `take` to `drop`; the operating system ends it with the process, however that ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file: int | None = None
        self._made: list[str] = []
        self._levels = 0  # folders made to get there: 1 is the directory itself, 2 its parent too, and so on

    @property
    def is_held(self) -> bool:
        """True between `take` and `drop`."""
        return self._file is not None

    def take(self) -> None:
        """Claim the directory, making it where there is none, and clear away what a dead lab left; raises Taken."""
        levels = _missing(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._file = _locked(self.directory / LOCK_FILE)
        self._made, before = _read(self._file)
        self._levels = max(levels, before)
        try:
            self._clear()
            self._store()
        except BaseException:
            self.drop()
            raise

    def note(self, name: str) -> None:
        """The lab is about to make this file or folder, relative to the directory."""
        self._made.append(name)
        self._store()

    def drop(self) -> None:
        """Remove what was noted, the directory too where the lab made it and it is empty, and end the claim."""
        if self._file is None:
            return
        try:
            self._clear()
        finally:
            file, self._file = self._file, None
            _unlock(file, self.directory / LOCK_FILE)
        for folder in [self.directory.absolute(), *self.directory.absolute().parents][: self._levels]:
            if any(folder.iterdir()):
                return
            folder.rmdir()

    def _clear(self) -> None:
        for name in reversed(self._made):
            path = self.directory / name
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            else:
                path.unlink(missing_ok=True)
        self._made = []

    def _store(self) -> None:
        assert self._file is not None
        text = json.dumps({"pid": os.getpid(), "levels": self._levels, "made": self._made}).encode()
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, text)
        os.ftruncate(self._file, len(text))


def _missing(directory: Path) -> int:
    """How many folders are to be made to get there."""
    return sum(not each.exists() for each in (directory.absolute(), *directory.absolute().parents))


def _read(file: int) -> tuple[list[str], int]:
    """What a dead lab noted: names and levels; nothing where the note is not whole."""
    os.lseek(file, 0, os.SEEK_SET)
    try:
        found = json.loads(os.read(file, 1 << 20))
        return [str(name) for name in found["made"] if _is_below(str(name))], int(found["levels"])
    except (ValueError, KeyError, TypeError):
        return [], 0


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _locked(path: Path) -> int:
    """The open, locked file; tried again when the one that held it has just removed it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(file)
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                return file
        except OSError as error:
            os.close(file)
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise Taken(errno.EBUSY, "a lab runs in this directory already", str(path.parent)) from None
            raise
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int, path: Path) -> None:
        os.close(file)  # first: an open file cannot be deleted there
        path.unlink(missing_ok=True)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int, path: Path) -> None:
        path.unlink(missing_ok=True)  # first: after the close the name may be the next lab's
        os.close(file)
