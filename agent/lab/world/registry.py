"""Owns the registry of one machine: HKEY_LOCAL_MACHINE, typed values, names without regard to case."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.overlay import Overlay

Data = str | int | bytes | tuple[str, ...]


class RegistryKind(StrEnum):
    """The type of a registry value."""

    STRING = "REG_SZ"
    EXPAND_STRING = "REG_EXPAND_SZ"
    MULTI_STRING = "REG_MULTI_SZ"
    DWORD = "REG_DWORD"
    QWORD = "REG_QWORD"
    BINARY = "REG_BINARY"


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value; the default value of a key has the name ""."""

    name: str
    kind: RegistryKind
    data: Data


@dataclass(frozen=True, slots=True)
class RegistryKey:
    """One key: its path below the hive as written, its values by lower-case name."""

    path: str
    values: Mapping[str, RegistryValue] = field(default_factory=dict)


_HIVE = re.compile(r"^(?:HKLM:?|HKEY_LOCAL_MACHINE)(?:\\|$)", re.IGNORECASE)


def normal(path: str) -> str:
    """The path below the hive: "HKLM:\\SOFTWARE\\X", "HKEY_LOCAL_MACHINE\\SOFTWARE\\X" and "SOFTWARE\\X" are one."""
    return _HIVE.sub("", path.replace("/", "\\").strip("\\")).strip("\\")


def kind_of(data: Data) -> RegistryKind:
    """The type a value has when nobody names one."""
    match data:
        case int():
            return RegistryKind.DWORD
        case bytes():
            return RegistryKind.BINARY
        case tuple():
            return RegistryKind.MULTI_STRING
    return RegistryKind.STRING


class Registry:
    """Keys must exist before values are set; `create` makes the keys above as well."""

    def __init__(self, base: Mapping[str, RegistryKey], lock: threading.RLock) -> None:
        self._keys = Overlay(base)
        self._lock = lock

    def exists(self, path: str) -> bool:
        """True when the key is there."""
        return not normal(path) or normal(path).lower() in self._keys

    def get(self, path: str, name: str) -> Data | None:
        """The value's data; None when key or value is not there."""
        value = self.value(path, name)
        return None if value is None else value.data

    def value(self, path: str, name: str) -> RegistryValue | None:
        """The value with its type; None when key or value is not there."""
        key = self._keys.get(normal(path).lower())
        return None if key is None else key.values.get(name.lower())

    def values(self, path: str) -> list[RegistryValue]:
        """All values of the key."""
        return list(self._find(path).values.values())

    def children(self, path: str) -> list[str]:
        """The names of the keys directly below."""
        above = self._find(path).path.lower()
        with self._lock:
            found = [key.path for low, key in self._keys.items() if low.rpartition("\\")[0] == above]
        return [path.rpartition("\\")[2] for path in found]

    def create(self, path: str) -> None:
        """Make the key and those above it; nothing happens where it exists."""
        with self._lock:
            step = ""
            for part in normal(path).split("\\"):
                step = f"{step}\\{part}" if step else part
                if step.lower() not in self._keys:
                    self._keys[step.lower()] = RegistryKey(step)

    def set(self, path: str, name: str, data: Data, kind: RegistryKind | None = None) -> None:
        """Set a value of an existing key."""
        with self._lock:
            key = self._find(path)
            value = RegistryValue(name, kind or kind_of(data), data)
            self._keys[key.path.lower()] = RegistryKey(key.path, {**key.values, name.lower(): value})

    def delete_value(self, path: str, name: str) -> None:
        """Drop a value; an error when it is not there."""
        with self._lock:
            key = self._find(path)
            if name.lower() not in key.values:
                raise WorldError(ErrorKind.FILE_NOT_FOUND, name)
            rest = {low: value for low, value in key.values.items() if low != name.lower()}
            self._keys[key.path.lower()] = RegistryKey(key.path, rest)

    def delete(self, path: str) -> None:
        """Drop the key and all below it."""
        with self._lock:
            top = self._find(path).path.lower()
            for low in [low for low, _ in self._keys.items() if low == top or low.startswith(top + "\\")]:
                del self._keys[low]

    def _find(self, path: str) -> RegistryKey:
        if not normal(path):
            return RegistryKey("")
        key = self._keys.get(normal(path).lower())
        if key is None:
            raise WorldError(ErrorKind.FILE_NOT_FOUND, path)
        return key


def image(values: Mapping[str, Mapping[str, Data]]) -> dict[str, RegistryKey]:
    """A base for `Registry` from {path: {name: data}}; the keys above are made too."""
    keys: dict[str, RegistryKey] = {}
    for path, named in values.items():
        parts = normal(path).split("\\")
        for count in range(1, len(parts) + 1):
            step = "\\".join(parts[:count])
            keys.setdefault(step.lower(), RegistryKey(step))
        typed = {name.lower(): RegistryValue(name, kind_of(data), data) for name, data in named.items()}
        keys[normal(path).lower()] = RegistryKey(normal(path), typed)
    return keys
