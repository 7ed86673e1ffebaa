"""Owns the environment of one cmd.exe: names without case, expansion of %NAME%."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_VARIABLE = re.compile(r"%([^%\n]+)%")
_SLICE = re.compile(r"(.+?):~(-?\d+)(?:,(-?\d+))?\Z")
_REPLACE = re.compile(r"(.+?):([^=]+)=(.*)\Z")


class Variables:
    """Environment variables, and those cmd.exe makes up, such as %ERRORLEVEL%."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.upper(): (name, value) for name, value in values.items()}
        self.made_up: dict[str, str] = {}  # upper-case names; a real variable of that name wins

    def get(self, name: str) -> str | None:
        """The value, None when not defined."""
        found = self._values.get(name.upper())
        return found[1] if found else self.made_up.get(name.upper())

    def set(self, name: str, value: str) -> None:
        """Set; an empty value removes the variable, as `set NAME=` does."""
        if value:
            kept = self._values.get(name.upper(), (name, ""))[0]
            self._values[name.upper()] = (kept, value)
        else:
            self._values.pop(name.upper(), None)

    def starting_with(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Names and values, sorted, of what `set prefix` shows."""
        for key in sorted(self._values):
            if key.startswith(prefix.upper()):
                yield self._values[key]

    def values(self) -> dict[str, str]:
        """What a child inherits."""
        return dict(self._values.values())

    def expand(self, line: str) -> str:
        """The line with its variables; an unknown one stays as it is, as on the command line."""
        return _VARIABLE.sub(lambda found: self._expand(found[1], found[0]), line)

    def _expand(self, inner: str, whole: str) -> str:
        value = self.get(inner)
        if value is not None:
            return value
        if part := _SLICE.match(inner):
            value = self.get(part[1])
            return whole if value is None else _slice(value, int(part[2]), part[3])
        if part := _REPLACE.match(inner):
            value = self.get(part[1])
            return whole if value is None else re.sub(re.escape(part[2]), lambda _: part[3], value, flags=re.IGNORECASE)
        return whole


def _slice(value: str, start: int, length: str | None) -> str:
    rest = value[start:] if start >= 0 else value[max(0, len(value) + start) :]
    return rest if length is None else rest[: int(length)]
