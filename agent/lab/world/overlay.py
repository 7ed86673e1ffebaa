"""Owns copy-on-write: what a thousand machines have in common is held once, each keeps only its changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Overlay(Generic[V]):
    """A mapping from lower-case names to values over a shared base that is never touched."""

    __slots__ = ("_base", "_changes")

    def __init__(self, base: Mapping[str, V]) -> None:
        self._base = base
        self._changes: dict[str, V | None] = {}  # None: gone, though the base has it

    def get(self, key: str) -> V | None:
        """The value, or None."""
        return self._changes[key] if key in self._changes else self._base.get(key)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: str, value: V) -> None:
        self._changes[key] = value

    def __delitem__(self, key: str) -> None:
        if key in self._base:
            self._changes[key] = None
        else:
            del self._changes[key]

    def items(self) -> Iterator[tuple[str, V]]:
        """Every live pair, the base's first."""
        for key, value in self._base.items():
            if key not in self._changes:
                yield key, value
        for key, changed in list(self._changes.items()):
            if changed is not None:
                yield key, changed
