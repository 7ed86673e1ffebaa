"""Owns PowerShell wildcards: `*`, `?`, `[a-z]`, escaped with a backtick, without regard to case."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r"`.|\[[^\]]*\]|.", re.DOTALL)


def has_wildcard(text: str) -> bool:
    """Whether the text is a pattern."""
    return any(piece in "*?" or (piece[0] == "[" and len(piece) > 1) for piece in _PIECE.findall(text))


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression."""
    parts = []
    for piece in _PIECE.findall(pattern):
        if piece == "*":
            parts.append(".*")
        elif piece == "?":
            parts.append(".")
        elif piece[0] == "[" and len(piece) > 1:
            parts.append(piece.replace("\\", "\\\\"))
        else:
            parts.append(re.escape(piece.removeprefix("`")))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern."""
    return compiled(pattern).fullmatch(text) is not None
