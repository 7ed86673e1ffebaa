"""Owns System.Version."""

from __future__ import annotations

import functools
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, prop, register
from agent.lab.powershell.text import to_string


@functools.total_ordering
class Version(ClrObject):
    """Two to four numbers."""

    TYPE = "System.Version"
    BASES = ("System.IComparable",)

    def __init__(self, text: str) -> None:
        """`text` such as 6.5.7638; ClrError where it is none."""
        parts = text.strip().split(".")
        if not 2 <= len(parts) <= 4:
            raise ClrError("Version string portion was too short or too long.", "System.ArgumentException")
        if not all(part.strip().isdigit() for part in parts):
            raise ClrError("Input string was not in a correct format.", "System.FormatException")
        self.numbers = tuple(int(part) for part in parts)

    def _part(self, position: int) -> int:
        return self.numbers[position] if position < len(self.numbers) else -1

    @prop("Major")
    def major(self) -> int:
        """First number."""
        return self._part(0)

    @prop("Minor")
    def minor(self) -> int:
        """Second number."""
        return self._part(1)

    @prop("Build")
    def build(self) -> int:
        """Third number, -1 without."""
        return self._part(2)

    @prop("Revision")
    def revision(self) -> int:
        """Fourth number, -1 without."""
        return self._part(3)

    def ps_string(self) -> str:
        """The numbers."""
        return ".".join(str(number) for number in self.numbers)

    def _key(self) -> tuple[int, ...]:
        return tuple(self._part(position) for position in range(4))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _make(engine: Any, *parts: Any) -> Version:
    return Version(".".join(to_string(part) for part in parts))


register(ClrType("System.Version", construct=_make))
