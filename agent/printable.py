"""Owns what somebody else's words may do to a terminal: nothing."""

from __future__ import annotations

import re
from reprlib import Repr

_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""What a terminal acts upon, or what turns the order of letters around, but tabs and ends of lines.

C0 and C1 (ECMA-48; a carriage return alone writes over what stands there), the line separators of Unicode, the
bidirectional controls (Unicode Standard Annex 9), annotations; and halves of letters, which cannot be written at all.
"""


def printable(text: str) -> str:
    """The text in one line, without what a terminal would act upon."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def harmless(text: str) -> str:
    """The text as it is, with a replacement character for each letter that a terminal would act upon."""
    return _ACTIVE.sub("\ufffd", text.replace("\r\n", "\n"))


def in_line(text: str) -> str:
    """The text `harmless` and in one line: in a table, an end of line would begin a line of somebody else's making."""
    return harmless(text).rstrip("\n").replace("\n", " ")


_SHORT = Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = 60


def shortly(value: object) -> str:
    """As much of a value as tells a person what it is, however large it is or says it is."""
    return _SHORT.repr(value)[:200]
