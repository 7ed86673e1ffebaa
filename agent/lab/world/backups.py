"""Owns metabase backups: insurance that needs no stop to make, and a stop to use. domain 2.7"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from agent.lab.clock import never
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.metabase_file import render, size_of
from agent.lab.world.tree import Tree

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

# MD_BACKUP_* of iiscnfg.h
NEXT_VERSION = 0xFFFFFFFF
HIGHEST_VERSION = 0xFFFFFFFE
OVERWRITE = 1
SAVE_FIRST = 2
FORCE_BACKUP = 4
_MAX_VERSION = 999
_MAX_NAME = 100
_SCHEMA_BYTES = 300_000  # size of the .SC file beside each .MD file


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup; `location` is its name in IIS's own words."""

    location: str
    version: int
    time: datetime
    tree: Tree


class Backups:
    """Backups are files NAME.MDn and NAME.SCn in MetaBack: without the first, a backup does not exist."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._made: dict[tuple[str, int], Backup] = {}

    def create(self, location: str = "MDBackUp", version: int = NEXT_VERSION, flags: int = 0) -> Backup:
        """What IIsComputer.Backup does: writes memory as it is now, to a version that must be free."""
        with self._machine.lock:
            if not location or len(location) > _MAX_NAME or set(location) & set('\\/:*?"<>|'):
                raise WorldError(ErrorKind.INVALID_ARGUMENT, location)
            number = self._free_version(location, version, flags)
            if flags & SAVE_FIRST:
                self._save_first(force=bool(flags & FORCE_BACKUP))
            made = Backup(location, number, self._machine.clock.now(), self._machine.metabase.memory)
            self._machine.files.write(
                self._path(location, "MD", number), partial(render, made.tree), size_of(made.tree)
            )
            self._write_schema(made)
            self._made[(location.lower(), number)] = made
            self._machine.counters.count("backups")
            return made

    def list(self) -> list[Backup]:
        """The backups there are, oldest first."""
        with self._machine.lock:
            alive = [each for each in self._made.values() if self._is_there(each)]
        return sorted(alive, key=lambda each: (each.time, each.version))

    def find(self, location: str, version: int = HIGHEST_VERSION) -> Backup:
        """The backup of that name and version."""
        found = [each for each in self.list() if each.location.lower() == location.lower()]
        if version != HIGHEST_VERSION:
            found = [each for each in found if each.version == version]
        if not found:
            raise WorldError(ErrorKind.FILE_NOT_FOUND, location)
        return max(found, key=lambda each: each.version)

    def delete(self, location: str, version: int = HIGHEST_VERSION) -> None:
        """What IIsComputer.DeleteBackup does."""
        with self._machine.lock:
            gone = self.find(location, version)
            for kind in ("MD", "SC"):
                path = self._path(gone.location, kind, gone.version)
                if self._machine.files.exists(path):
                    self._machine.files.delete(path)
            del self._made[(gone.location.lower(), gone.version)]

    def restore(self, location: str, version: int = HIGHEST_VERSION, *, woken: Callable[[], bool] = never) -> None:
        """What IIsComputer.Restore does: stops IISADMIN and all on it, wipes every later change, starts them again."""
        machine, kept = self._machine, self.find(location, version)
        stopped = [each.name for each in machine.services.dependents("IISADMIN") if each.is_running]
        machine.services.stop("IISADMIN", force=True, woken=woken)
        machine.metabase.replace(kept.tree)
        machine.counters.count("restores")
        for name in ("IISADMIN", *reversed(stopped)):
            machine.services.start(name, woken=woken)

    def _free_version(self, location: str, version: int, flags: int) -> int:
        used = [each.version for each in self.list() if each.location.lower() == location.lower()]
        if version == NEXT_VERSION:
            version = max(used, default=-1) + 1
        elif version == HIGHEST_VERSION:
            version = max(used, default=0)
        if not 0 <= version <= _MAX_VERSION:
            raise WorldError(ErrorKind.INVALID_ARGUMENT, f"{location} {version}")
        if version in used and not flags & OVERWRITE:
            raise WorldError(ErrorKind.ALREADY_EXISTS, f"{location} {version}")
        return version

    def _save_first(self, *, force: bool) -> None:
        try:
            self._machine.metabase.save()
        except WorldError:
            if not force:
                raise

    def _write_schema(self, made: Backup) -> None:
        path = self._path(made.location, "SC", made.version)
        try:
            self._machine.files.write(path, bytes, _SCHEMA_BYTES)
        except WorldError:
            self._machine.files.delete(self._path(made.location, "MD", made.version))
            raise

    def _is_there(self, made: Backup) -> bool:
        return self._machine.files.exists(self._path(made.location, "MD", made.version))

    def _path(self, location: str, kind: str, version: int) -> str:
        return rf"{self._machine.os.windows_directory}\system32\inetsrv\MetaBack\{location}.{kind}{version}"
