"""Owns Select-Object, Sort-Object, Group-Object, Get-Unique, Compare-Object."""

from __future__ import annotations

import functools
from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter
from agent.lab.powershell.comparison import equal, order
from agent.lab.powershell.conversion import iterate, to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.matching import like
from agent.lab.powershell.members import peek_member
from agent.lab.powershell.reflection import property_names
from agent.lab.powershell.registering import staged
from agent.lab.powershell.scope import MISSING
from agent.lab.powershell.scriptblock import ScriptBlock
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import type_name
from agent.lab.powershell.values import Hashtable

_INPUT = Parameter("InputObject", by_value=True)
_PROPERTY = Parameter("Property", "Object[]", position=0)


def start(invocation: Invocation) -> None:
    """Begin with nothing gathered."""
    invocation.state["items"] = []


def gather(invocation: Invocation) -> None:
    """Keep the object for the end step."""
    if "InputObject" in invocation:
        invocation.state["items"].append(invocation["InputObject"])


def computed(invocation: Invocation, item: Any, what: Any) -> Any:
    """The value of a property name, a script block or a @{Expression=...} for one object; $null where absent."""
    if isinstance(what, Hashtable):
        what = _setting(what, "expression")
    if isinstance(what, ScriptBlock):
        items = invocation.call(what, underscore=item)
        return None if not items else items[0] if len(items) == 1 else items
    held = peek_member(item, to_string(what))
    return None if held is MISSING else held


def _setting(table: Hashtable, name: str) -> Any:
    """A key of a calculated property, by unambiguous prefix."""
    for key, held in table.items():
        if name.startswith(to_string(key).lower()):
            return held
    return None


def label_of(what: Any) -> str:
    """The name a selected property gets."""
    if isinstance(what, Hashtable):
        named = _setting(what, "name")
        named = _setting(what, "label") if named is None else named
        expression = _setting(what, "expression")
        return to_string(named if named is not None else expression)
    return to_string(what)


def _select_end(invocation: Invocation) -> None:
    items = _window(invocation, invocation.state["items"])
    made = [_selected(invocation, item) for item in items]
    if invocation.switch("Unique"):
        made = unique(made)
    for held in made:
        if "ExpandProperty" not in invocation:
            invocation.write(held)
            continue
        inner = None if isinstance(held, str) else iterate(held)
        invocation.write_all([held] if inner is None else list(inner))


def _window(invocation: Invocation, items: list[Any]) -> list[Any]:
    if "Index" in invocation:
        return [items[index] for index in invocation["Index"] if 0 <= index < len(items)]
    skip = invocation["Skip"] or 0
    first, last = invocation["First"], invocation["Last"]
    if last is not None:
        if first is not None:
            raise Refused("Select-Object with -First and -Last")
        items = items[: len(items) - skip] if skip else items
        return items[-last:] if last else []
    items = items[skip:]
    return items if first is None else items[:first]


def _selected(invocation: Invocation, item: Any) -> Any:
    wanted = invocation["Property"]
    if "ExpandProperty" in invocation:
        if wanted is not None:
            raise Refused("Select-Object with -Property and -ExpandProperty")
        held = peek_member(item, invocation["ExpandProperty"])
        if held is MISSING:
            raise ClrError(
                f'Property "{invocation["ExpandProperty"]}" cannot be found.',
                "System.Management.Automation.PSArgumentException",
            )
        return held
    if wanted is None and "ExcludeProperty" not in invocation:
        return item
    bag = CustomObject(type_names=(f"Selected.{type_name(item)}",))
    for what in wanted or ["*"]:
        for name, held in _columns(invocation, item, what):
            bag.put(name, held)
    for pattern in invocation["ExcludeProperty"] or []:
        for name in bag.ps_properties():
            if like(name, pattern):
                bag.drop(name)
    return bag


def _columns(invocation: Invocation, item: Any, what: Any) -> list[tuple[str, Any]]:
    if isinstance(what, (Hashtable, ScriptBlock)):
        return [(label_of(what), computed(invocation, item, what))]
    text = to_string(what)
    if any(char in text for char in "*?["):
        return [(name, computed(invocation, item, name)) for name in property_names(item) if like(name, text)]
    shown = next((name for name in property_names(item) if name.lower() == text.lower()), text)
    return [(shown, computed(invocation, item, text))]


def unique(items: list[Any]) -> list[Any]:
    """Without repetitions; bags are equal by their properties. Select-Object -Unique minds case."""
    out: list[Any] = []
    for item in items:
        if not any(_same(item, other) for other in out):
            out.append(item)
    return out


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, CustomObject) and isinstance(right, CustomObject):
        return left.ps_properties() == right.ps_properties() and all(
            equal(first, second, True) for (_, first), (_, second) in zip(left.items(), right.items(), strict=True)
        )
    return equal(left, right, True)


staged(
    "Select-Object",
    [
        _PROPERTY,
        _INPUT,
        Parameter("ExcludeProperty", "String[]"),
        Parameter("ExpandProperty", "String"),
        Parameter("Unique", "Switch"),
        Parameter("First", "Int32"),
        Parameter("Last", "Int32"),
        Parameter("Skip", "Int32"),
        Parameter("Index", "Int32[]"),
    ],
    begin=start,
    end=_select_end,
    aliases=("select",),
)(gather)


def sort_key(invocation: Invocation, what: Any) -> tuple[Any, bool | None]:
    """The expression of a sort property, and its own direction where it has one."""
    if isinstance(what, Hashtable):
        down, up = _setting(what, "descending"), _setting(what, "ascending")
        return _setting(what, "expression"), to_bool(down) if down is not None else (
            not to_bool(up)
        ) if up is not None else None
    return what, None


def compare_values(left: Any, right: Any, case: bool = False) -> int:
    """The order of two keys: $null first, what cannot be compared by its text."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    try:
        return order(left, right, case)
    except ClrError:
        return order(to_string(left), to_string(right), case)


def ordered(invocation: Invocation, items: list[Any], properties: list[Any] | None) -> list[Any]:
    """Sort-Object: stable by the keys."""
    keys = [sort_key(invocation, what) for what in properties or []]
    default = invocation.switch("Descending")
    case = invocation.switch("CaseSensitive")
    rows = [([computed(invocation, item, what) for what, _ in keys] if keys else [item], item) for item in items]
    downs = [default if down is None else down for _, down in keys] or [default]

    def compare(left: tuple[list[Any], Any], right: tuple[list[Any], Any]) -> int:
        for first, second, down in zip(left[0], right[0], downs, strict=True):
            if sign := compare_values(first, second, case):
                return -sign if down else sign
        return 0

    return [item for _, item in sorted(rows, key=functools.cmp_to_key(compare))]


def _sort_end(invocation: Invocation) -> None:
    result = ordered(invocation, invocation.state["items"], invocation["Property"])
    if invocation.switch("Unique"):
        properties = invocation["Property"]
        kept: list[Any] = []
        for item in result:
            keys = [computed(invocation, item, sort_key(invocation, what)[0]) for what in properties or []] or [item]
            last = kept[-1][0] if kept else None
            if last is None or any(compare_values(a, b) for a, b in zip(keys, last, strict=True)):
                kept.append((keys, item))
        result = [item for _, item in kept]
    invocation.write_all(result)


staged(
    "Sort-Object",
    [
        _PROPERTY,
        _INPUT,
        Parameter("Descending", "Switch"),
        Parameter("Unique", "Switch"),
        Parameter("CaseSensitive", "Switch"),
        Parameter("Culture", "String"),
    ],
    begin=start,
    end=_sort_end,
    aliases=("sort",),
)(gather)


def _group_end(invocation: Invocation) -> None:
    properties = invocation["Property"]
    groups: list[tuple[list[Any], list[Any]]] = []
    case = invocation.switch("CaseSensitive")
    for item in invocation.state["items"]:
        keys = [computed(invocation, item, what) for what in properties or []] if properties else [item]
        for known, members in groups:
            if all(equal(a, b, case) for a, b in zip(known, keys, strict=True)):
                members.append(item)
                break
        else:
            groups.append((keys, [item]))
    if invocation.switch("AsHashTable"):
        named = invocation.switch("AsString")
        table = [(to_string(keys[0]) if named else keys[0], members) for keys, members in groups]
        invocation.write(Hashtable(table))
        return
    for keys, members in groups:
        name = ", ".join(to_string(key) for key in keys)
        entries: dict[str, Any] = {"Count": len(members), "Name": name}
        if not invocation.switch("NoElement"):
            entries["Group"] = members
        entries["Values"] = keys
        invocation.write(CustomObject(entries, type_names=("Microsoft.PowerShell.Commands.GroupInfo",)))


staged(
    "Group-Object",
    [
        _PROPERTY,
        _INPUT,
        Parameter("NoElement", "Switch"),
        Parameter("AsHashTable", "Switch"),
        Parameter("AsString", "Switch"),
        Parameter("CaseSensitive", "Switch"),
        Parameter("Culture", "String"),
    ],
    begin=start,
    end=_group_end,
    aliases=("group",),
)(gather)


def _unique_end(invocation: Invocation) -> None:
    last: list[Any] = []
    for item in invocation.state["items"]:
        key = to_string(item)
        if not last or key != last[0]:
            invocation.write(item)
        last = [key]


staged(
    "Get-Unique",
    [_INPUT, Parameter("AsString", "Switch"), Parameter("OnType", "Switch")],
    begin=start,
    end=_unique_end,
    aliases=("gu",),
)(gather)


def _compare_end(invocation: Invocation) -> None:
    properties = invocation["Property"]
    case = invocation.switch("CaseSensitive")
    left, right = _list(invocation["ReferenceObject"]), _list(invocation["DifferenceObject"])
    rest = list(right)
    only_left: list[Any] = []
    both: list[Any] = []

    def keys(item: Any) -> list[Any]:
        return [computed(invocation, item, what) for what in properties] if properties else [item]

    for item in left:
        hit = next((o for o in rest if all(equal(a, b, case) for a, b in zip(keys(item), keys(o), strict=True))), None)
        if hit is None and None not in rest:
            only_left.append(item)
        else:
            rest.remove(hit)
            both.append(item)
    sides = [("==", both if invocation.switch("IncludeEqual") else [])]
    if not invocation.switch("ExcludeDifferent"):
        sides += [("=>", rest), ("<=", only_left)]
    for side, items in sides:
        for item in items:
            shown = {to_string(name): computed(invocation, item, name) for name in properties or []} or {
                "InputObject": item
            }
            invocation.write(item if invocation.switch("PassThru") else CustomObject({**shown, "SideIndicator": side}))


def _list(held: Any) -> list[Any]:
    items = None if isinstance(held, str) else iterate(held)
    return [held] if items is None else list(items)


staged(
    "Compare-Object",
    [
        Parameter("ReferenceObject", position=0, mandatory=True),
        Parameter("DifferenceObject", position=1, mandatory=True),
        Parameter("Property", "Object[]"),
        Parameter("IncludeEqual", "Switch"),
        Parameter("ExcludeDifferent", "Switch"),
        Parameter("PassThru", "Switch"),
        Parameter("CaseSensitive", "Switch"),
        Parameter("SyncWindow", "Int32"),
        Parameter("Culture", "String"),
    ],
    end=_compare_end,
    aliases=("compare", "diff"),
)(lambda invocation: None)
