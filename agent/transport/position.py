"""Owns what PowerShell says about the place of an error within a script: for the log, not for the operator."""

from __future__ import annotations

import re

_PLACE = re.compile(r"^\s*\S.*:\s?\d+\s+\S+\s?:\s?\d+\s*$")
"""`At line:118 char:1`; in another language other words, and the same two numbers."""
_SHOWN = re.compile(r"^\s*\+ ")
"""`+ $vdir.SetInfo()` and `+ CategoryInfo : ...`, which follow it."""


def unplaced(text: str) -> str:
    """The text without the lines that say where in the script it went wrong."""
    return "\n".join(line for line in text.splitlines() if not (_SHOWN.match(line) or _PLACE.match(line))).strip()
