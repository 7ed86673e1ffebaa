"""Owns who logs on: a name, and a password that does not show in any text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

_HIDDEN = "**********"


class Secret:
    """A text that only `reveal` gives away: not its repr, not a format, not a pickle, not a copy in a traceback."""

    __slots__ = ("_made", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._made: Secret | None = None

    def reveal(self) -> str:
        """The text itself; call it where it is handed over and keep it in no variable."""
        return self._text

    def once(self, make: Callable[[str], str]) -> Secret:
        """What is made of the text, as secret as the text; made the first time, and kept."""
        if self._made is None:
            self._made = Secret(make(self._text))
        return self._made

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One account. Without a user: the account this process runs as (Windows), or the ticket cache (elsewhere)."""

    user: str = ""  # "LAB\\administrator" or "administrator@lab.example"
    password: Secret | None = None

    @property
    def is_principal(self) -> bool:
        """The name can be looked up at a KDC; a name with a backslash is one for NTLM."""
        return not self.user or "@" in self.user
