"""Owns rendering objects as text for Out-String and the host: strings as they are, bags as lists or tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrObject
from agent.lab.powershell.errors import ErrorRecord, Refused
from agent.lab.powershell.formatting import plain
from agent.lab.powershell.text import to_string
from agent.lab.powershell.values import DictionaryEntry, Hashtable

if TYPE_CHECKING:
    from agent.lab.powershell.invocation import Invocation


def render(items: Sequence[Any], invocation: Invocation | None = None) -> str:
    """The text of the objects, every line ended by CRLF."""
    lines: list[str] = []
    group: list[CustomObject] = []
    for item in [*items, None]:
        bag = _as_bag(item)
        if bag is not None:
            group.append(bag)
            continue
        if group:
            lines.extend(_bags(group))
            group = []
        if item is not None:
            lines.extend(_single(item))
    return "".join(line + "\r\n" for line in lines)


def _as_bag(item: Any) -> CustomObject | None:
    if isinstance(item, Formatted):
        return None
    if isinstance(item, CustomObject):
        return item
    if isinstance(item, DictionaryEntry):
        return CustomObject({"Name": item.held_key, "Value": item.held_value})
    return None


class Formatted(ClrObject):
    """What a Format- cmdlet puts out: lines that only Out- cmdlets understand."""

    TYPE = "Microsoft.PowerShell.Commands.Internal.Format.FormatEntryData"

    def __init__(self, lines: Sequence[str]) -> None:
        """The finished lines."""
        self.lines = list(lines)


def _single(item: Any) -> list[str]:
    if isinstance(item, Formatted):
        return item.lines
    if isinstance(item, Hashtable):
        return table([CustomObject({"Name": key, "Value": held}) for key, held in item.items()], ["Name", "Value"])
    if isinstance(item, ErrorRecord):
        return item.message.splitlines()
    if isinstance(item, ClrObject) and type(item).ps_string is ClrObject.ps_string and item.ps_properties():
        raise Refused(f"the display form of a [{item.ps_type_names()[0]}]; pick properties with Select-Object")
    return str(to_string(item) if isinstance(item, str) else plain(item)).split("\n")


def _bags(bags: list[CustomObject]) -> list[str]:
    """Up to four properties make a table, more a list, as 2.0's default does."""
    names = bags[0].ps_properties()
    return table(bags, names) if len(names) <= 4 else listing(bags, names)


def cell(held: Any) -> str:
    """One value in a table or list."""
    if isinstance(held, (list, tuple)):
        shown = [cell(each) for each in held[:4]]
        return "{" + ", ".join(shown) + ("..." if len(held) > 4 else "") + "}"
    return plain(held) if held is not None else ""


def _value(bag: ClrObject, name: str) -> Any:
    from agent.lab.powershell.members import peek_member
    from agent.lab.powershell.scope import MISSING

    held = peek_member(bag, name)
    return None if held is MISSING else held


def listing(bags: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Format-List."""
    width = max((len(name) for name in names), default=0)
    lines = [""]
    for bag in bags:
        lines += [f"{name.ljust(width)} : {cell(_value(bag, name))}" for name in names]
        lines.append("")
    return [*lines, ""]


def table(bags: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Format-Table with columns as wide as their content."""
    rows = [[cell(_value(bag, name)) for name in names] for bag in bags]
    right = [all(_is_number(_value(bag, name)) for bag in bags) for name in names]
    widths = [max(len(name), *(len(row[column]) for row in rows)) for column, name in enumerate(names)]
    shown = [list(names), ["-" * len(name) for name in names], *rows]
    lines = [
        " ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in shown
    ]
    return ["", *lines, "", ""]


def _is_number(held: Any) -> bool:
    return isinstance(held, (int, float)) and not isinstance(held, bool)
