"""Owns the property bag: what `New-Object PSObject` and Select-Object make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.lab.powershell.clr import ClrObject, MissingMember


class CustomObject(ClrObject):
    """A PSObject of note properties, in the order they were added."""

    TYPE = "System.Management.Automation.PSCustomObject"

    def __init__(
        self, properties: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), *, type_names: Iterable[str] = ()
    ) -> None:
        """`type_names` come before PSCustomObject, e.g. Selected.System.String."""
        self._properties: dict[str, tuple[str, Any]] = {}
        self.type_names = tuple(type_names)
        for name, value in properties.items() if isinstance(properties, Mapping) else properties:
            self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """Add or replace a note property."""
        lower = name.lower()
        kept = self._properties.get(lower, (name, None))[0]
        self._properties[lower] = (kept, value)

    def drop(self, name: str) -> None:
        """Take a note property away, if there."""
        self._properties.pop(name.lower(), None)

    def items(self) -> list[tuple[str, Any]]:
        """Names and values in order."""
        return list(self._properties.values())

    def has(self, name: str) -> bool:
        """Whether there is a note property of that name."""
        return name.lower() in self._properties

    def ps_type_names(self) -> tuple[str, ...]:
        """The given names first."""
        return (*self.type_names, self.TYPE, "System.Object")

    def ps_properties(self) -> list[str]:
        """The names, in order."""
        return [name for name, _ in self._properties.values()]

    def ps_get(self, name: str) -> Any:
        """The note property's value; MissingMember where there is none."""
        try:
            return self._properties[name.lower()][1]
        except KeyError:
            raise MissingMember(name) from None

    def ps_set(self, name: str, value: Any) -> None:
        """Change a note property; a new name is an error in PowerShell (Add-Member adds)."""
        if name.lower() not in self._properties:
            raise MissingMember(name)
        self.put(name, value)
