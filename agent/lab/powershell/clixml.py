"""Owns the short way of a flat bag over the wire: the text that psrpcore would come to, without its objects.

Nearly all that scripts answer with are bags of plain values. psrpcore makes an object of each value and a tree of
those, which costs as much as running the script. Whatever is not plain here takes that way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.extended import extended_of
from agent.lab.powershell.text import to_string
from agent.lab.powershell.values import INT32_HIGH, INT32_LOW

# What a string may hold only as _xHHHH_ ([MS-PSRP] 2.2.5.3.2), and the underscore of what would be read as that.
_SPECIAL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]|_(?=[xX])")
_PAIRS = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")


def flat(value: Any) -> bytes | None:
    """The CLIXML of a bag of plain values; None for anything else."""
    if type(value) is not CustomObject or extended_of(value):
        return None
    notes = []
    for name, held in value.items():
        write = _WRITERS.get(type(held))
        note = None if write is None or _SPECIAL.search(name) else write(held)
        if note is None:
            return None
        tag, text = note
        named = f'{tag} N="{escape(name, _QUOTE)}"'
        notes.append(f"<{named}>{text}</{tag}>" if text else f"<{named} />")
    types = "".join(f"<T>{escape(name)}</T>" for name in dict.fromkeys(value.ps_type_names()))
    members = f"<MS>{''.join(notes)}</MS>" if notes else ""
    text = f'<Obj RefId="0"><TN RefId="0">{types}</TN>{members}<ToString>{escape(to_string(value))}</ToString></Obj>'
    return text.encode("utf-8")


_QUOTE = {'"': "&quot;"}


def _string(value: str) -> tuple[str, str] | None:
    if not _SPECIAL.search(value):
        return "S", escape(value)
    if _PAIRS.search(value):
        return None
    return "S", escape(_SPECIAL.sub(lambda found: f"_x{ord(found[0]):04X}_", value))


def _integer(value: int) -> tuple[str, str]:
    return ("I32" if INT32_LOW <= value <= INT32_HIGH else "I64"), str(value)


_WRITERS: Mapping[type, Callable[[Any], tuple[str, str] | None]] = {
    type(None): lambda _: ("Nil", ""),
    bool: lambda value: ("B", "true" if value else "false"),
    int: _integer,
    str: _string,
}
