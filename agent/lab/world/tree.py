"""Owns one state of the metabase: an immutable tree of keys. States share what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.schema import Value, attributes


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its path as written, its KeyType, and the values it holds itself, by schema name."""

    path: str
    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)


def normal(path: str) -> str:
    """The path as a tree stores it: no slash at either end."""
    return path.strip("/")


def parent_of(path: str) -> str | None:
    """The path above; None above the computer root ""."""
    if not path:
        return None
    return path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Tree:
    """Every operation that changes gives a new Tree; the old one stays as it was."""

    keys: Mapping[str, Key]

    @classmethod
    def of(cls, *keys: Key) -> Tree:
        """A tree of these keys; a parent must come before its children, the root "" first."""
        return cls({key.path.lower(): key for key in keys})

    def find(self, path: str) -> Key:
        """The key, or the error ADSI gives for a path that is not there."""
        key = self.keys.get(normal(path).lower())
        if key is None:
            raise WorldError(ErrorKind.PATH_NOT_FOUND, path)
        return key

    def exists(self, path: str) -> bool:
        """True when the key is there."""
        return normal(path).lower() in self.keys

    def ancestry(self, path: str) -> Iterator[Key]:
        """The key itself, then each key above it up to the root."""
        step: str | None = self.find(path).path
        while step is not None:
            yield self.find(step)
            step = parent_of(step)

    def holder(self, path: str, name: str) -> Key | None:
        """The key whose value is in force at `path`; None where the schema's default is. domain 2.3"""
        entry = attributes(name)
        for key in self.ancestry(path):
            if entry.name in key.values:
                return key
            if not entry.inheritable:
                return None
        return None

    def get(self, path: str, name: str) -> Value:
        """The value in force."""
        entry = attributes(name)
        key = self.holder(path, name)
        return entry.default if key is None else key.values[entry.name]

    def in_force(self, path: str) -> dict[str, Value]:
        """Every value in force that some key holds: `get` of all of them on one way down."""
        chain = list(self.ancestry(path))
        found: dict[str, Value] = {}
        for key in reversed(chain[1:]):
            found.update((name, value) for name, value in key.values.items() if attributes(name).inheritable)
        return {**found, **chain[0].values}

    def children(self, path: str) -> list[str]:
        """The names of the keys directly below, in the order they were made."""
        above = self.find(path).path.lower()
        return [key.path.rpartition("/")[2] for low, key in self.keys.items() if low and parent_of(low) == above]

    def below(self, path: str) -> Iterator[Key]:
        """The key and every key below it."""
        top = self.find(path).path.lower()
        for low, key in self.keys.items():
            if low == top or not top or low.startswith(top + "/"):
                yield key

    def data_paths(self, name: str, under: str = "") -> list[str]:
        """The keys at or below `under` that hold their own value, as GetDataPaths lists them. domain 2.3"""
        entry = attributes(name)
        return [key.path for key in self.below(under) if entry.name in key.values]

    def with_value(self, path: str, name: str, value: Value) -> Tree:
        """The tree with an explicit value at the key."""
        key = self.find(path)
        return self._with(Key(key.path, key.kind, {**key.values, attributes(name).name: value}))

    def without_value(self, path: str, name: str) -> Tree:
        """The tree without the key's own value; the same tree where it has none."""
        key, entry = self.find(path), attributes(name)
        if entry.name not in key.values:
            return self
        rest = {other: value for other, value in key.values.items() if other != entry.name}
        return self._with(Key(key.path, key.kind, rest))

    def with_key(self, path: str, kind: str) -> Tree:
        """The tree with a new, empty key."""
        path = normal(path)
        if self.exists(path):
            raise WorldError(ErrorKind.ALREADY_EXISTS, path)
        above = self.find(parent_of(path) or "").path
        own = path.rpartition("/")[2]
        return self._with(Key(f"{above}/{own}" if above else own, kind))

    def without_key(self, path: str) -> Tree:
        """The tree without the key and all below it."""
        gone = {key.path.lower() for key in self.below(path)}
        return Tree({low: key for low, key in self.keys.items() if low not in gone})

    def _with(self, key: Key) -> Tree:
        return Tree({**self.keys, key.path.lower(): key})
