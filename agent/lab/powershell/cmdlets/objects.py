"""Owns New-Object, Add-Member, Get-Member, Measure-Object, Measure-Command."""

from __future__ import annotations

import datetime as dt
from typing import Any

from agent.lab.powershell import clr
from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bcl.arrays import make_generic
from agent.lab.powershell.bcl.natives import METHODS, natural_type
from agent.lab.powershell.clr import ClrError, ClrObject
from agent.lab.powershell.cmdlets.selecting import gather, start
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.conversion import to_number
from agent.lab.powershell.errors import ExceptionObject, Refused
from agent.lab.powershell.extended import Extended, extend, extended_of
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.members import construct, peek_member, set_member
from agent.lab.powershell.reflection import property_names
from agent.lab.powershell.registering import staged
from agent.lab.powershell.scope import MISSING
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import NAMES, is_exception_name, type_name
from agent.lab.powershell.values import Hashtable

_INPUT = Parameter("InputObject", by_value=True)
_BAG_NAMES = (
    "psobject",
    "management.automation.psobject",
    "object",
    "pscustomobject",
    "management.automation.pscustomobject",
)


@cmdlet(
    "New-Object",
    [
        Parameter("TypeName", "String", position=0),
        Parameter("ArgumentList", "Object[]", position=1, aliases=("Args",)),
        Parameter("ComObject", "String"),
        Parameter("Property", "Hashtable"),
        Parameter("Strict", "Switch"),
    ],
)
def new_object(invocation: Invocation) -> None:
    """Make a .NET or COM object, and set its properties."""
    made = _com(invocation) if "ComObject" in invocation else _net(invocation, to_string(invocation["TypeName"]))
    properties = invocation["Property"]
    if properties is not None:
        for key, held in properties.items():
            if isinstance(made, CustomObject):
                made.put(to_string(key), held)
            else:
                set_member(invocation.context, made, to_string(key), held)
    invocation.write(made)


def _com(invocation: Invocation) -> Any:
    name = invocation["ComObject"]
    maker = clr.COM_CLASSES.get(name.lower())
    if maker is None:
        raise Refused(f"New-Object -ComObject {name}")
    return maker(invocation.engine)


def _net(invocation: Invocation, name: str) -> Any:
    lower = "".join(name.split()).lower().removeprefix("system.")
    given = invocation["ArgumentList"]
    arguments = list(given) if given is not None else []
    if lower in _BAG_NAMES and not arguments:
        return CustomObject()
    if (generic := make_generic(name)) is not None:
        return generic
    if lower == "collections.hashtable" or lower == "hashtable":
        return Hashtable(arguments[0].items() if arguments and isinstance(arguments[0], Hashtable) else ())
    if is_exception_name(lower) and clr.TYPES.get(lower) is None:
        return _exception(name, arguments)
    if lower.endswith("[]") and len(arguments) == 1:
        from agent.lab.powershell.arithmetic import typed_like
        from agent.lab.powershell.conversion import convert
        from agent.lab.powershell.types import resolve

        kind = resolve(name[:-2])
        zero = None if kind in ("System.Object", "System.String") else convert(None, None, kind)
        return typed_like(kind, [zero] * int(arguments[0]))
    return construct(invocation.engine, NAMES.get(lower, name), arguments)


def _exception(name: str, arguments: list[Any]) -> ExceptionObject:
    full = NAMES.get(name.lower(), name if "." in name else f"System.{name}")
    full = full if full.lower().startswith("system.") else f"System.{full}"
    message = to_string(arguments[0]) if arguments else f"Exception of type '{full}' was thrown."
    inner = arguments[1].error if len(arguments) > 1 and isinstance(arguments[1], ExceptionObject) else None
    return ExceptionObject(ClrError(message, full, inner=inner))


@cmdlet(
    "Add-Member",
    [
        Parameter("MemberType", "String", position=0, mandatory=True, aliases=("Type",)),
        Parameter("Name", "String", position=1, mandatory=True),
        Parameter("Value", position=2),
        Parameter("SecondValue", position=3),
        Parameter("InputObject", mandatory=True, by_value=True),
        Parameter("PassThru", "Switch"),
        Parameter("Force", "Switch"),
    ],
)
def add_member(invocation: Invocation) -> None:
    """Hang a member on an object; -InputObject must be an object, a plain value cannot carry one here."""
    kinds = {
        "noteproperty": "NoteProperty",
        "scriptproperty": "ScriptProperty",
        "scriptmethod": "ScriptMethod",
        "aliasproperty": "AliasProperty",
    }
    kind = kinds.get(invocation["MemberType"].lower())
    target, name, held = invocation["InputObject"], invocation["Name"], invocation["Value"]
    if kind is None or "SecondValue" in invocation:
        raise Refused(f"Add-Member {invocation['MemberType']}")
    if not isinstance(target, ClrObject):
        raise Refused(f"Add-Member on a [{type_name(target)}]")
    taken = peek_member(target, name) is not MISSING or name.lower() in extended_of(target)
    if taken and not invocation.switch("Force"):
        invocation.error(
            ClrError(
                f'Cannot add a member with the name "{name}" because a member with that name already exists. If you '
                "want to overwrite the member anyway, use the Force parameter to overwrite it.",
                "System.InvalidOperationException",
            ),
            "MemberAlreadyExists",
            "InvalidOperation",
            target,
        )
        return
    if kind == "NoteProperty" and isinstance(target, CustomObject):
        target.put(name, held)
    else:
        extend(target, Extended(name, kind, to_string(held) if kind == "AliasProperty" else held))
    if invocation.switch("PassThru"):
        invocation.write(target)


@staged(
    "Get-Member",
    [
        Parameter("Name", "String[]", position=0),
        Parameter("MemberType", "String", aliases=("Type",)),
        _INPUT,
        Parameter("Static", "Switch"),
        Parameter("Force", "Switch"),
    ],
    begin=start,
    aliases=("gm",),
)
def get_members(invocation: Invocation) -> None:
    """The members of each type of object that arrives, once per type."""
    if invocation.switch("Static"):
        raise Refused("Get-Member -Static")
    if "InputObject" not in invocation:
        return
    item = invocation["InputObject"]
    if item is None:
        return
    seen = invocation.state.setdefault("types", set())
    if type_name(item) in seen:
        return
    seen.add(type_name(item))
    for name, kind in sorted(_members(item), key=lambda each: (each[1], each[0].lower())):
        if _wanted(invocation, name, kind):
            invocation.write(CustomObject({"TypeName": type_name(item), "Name": name, "MemberType": kind}))


def _members(item: Any) -> list[tuple[str, str]]:
    note = "NoteProperty" if isinstance(item, CustomObject) else "Property"
    own = [(name, note) for name in property_names(item)]
    if isinstance(item, ClrObject):
        added = {each.name: each.kind for each in extended_of(item).values()}
        own = [(name, added.get(name, kind)) for name, kind in own]
        methods = item.ps_methods() + [name for name, kind in added.items() if kind == "ScriptMethod"]
        return own + [(name, "Method") for name in methods]
    return own + [(name, "Method") for name in METHODS.get(natural_type(item), {})]


def _wanted(invocation: Invocation, name: str, kind: str) -> bool:
    from agent.lab.powershell.matching import like

    names, kinds = invocation["Name"], invocation["MemberType"]
    if names and not any(like(name, pattern) for pattern in names):
        return False
    if not kinds:
        return True
    wanted = [part.strip().lower() for part in kinds.split(",")]
    families = {
        "properties": ("noteproperty", "property", "scriptproperty", "aliasproperty"),
        "methods": ("method", "scriptmethod"),
        "all": (kind.lower(),),
    }
    return any(kind.lower() in families.get(each, (each,)) for each in wanted)


def _measure_end(invocation: Invocation) -> None:
    if any(invocation.switch(name) for name in ("Line", "Word", "Character", "IgnoreWhiteSpace")):
        raise Refused("Measure-Object over text")
    items = invocation.state["items"]
    for name in invocation["Property"] or [None]:
        invocation.write(_measured(invocation, items, name))


def _measured(invocation: Invocation, items: list[Any], name: str | None) -> CustomObject:
    held = (
        items
        if name is None
        else [found for item in items if (found := peek_member(item, name)) not in (MISSING, None)]
    )
    wants = {key: invocation.switch(key) for key in ("Average", "Sum", "Maximum", "Minimum")}
    numbers: list[float] = []
    if any(wants.values()):
        for each in held:
            try:
                numbers.append(float(to_number(each, "System.Double")))
            except ClrError as error:
                invocation.error(error, "NonNumericInputObject", "InvalidType", each)
    total = sum(numbers)
    return CustomObject(
        {
            "Count": len(held),
            "Average": total / len(numbers) if wants["Average"] and numbers else None,
            "Sum": float(total) if wants["Sum"] and numbers else None,
            "Maximum": max(numbers) if wants["Maximum"] and numbers else None,
            "Minimum": min(numbers) if wants["Minimum"] and numbers else None,
            "Property": name,
        },
        type_names=("Microsoft.PowerShell.Commands.GenericMeasureInfo",),
    )


staged(
    "Measure-Object",
    [
        Parameter("Property", "String[]", position=0),
        _INPUT,
        *(Parameter(name, "Switch") for name in ("Average", "Sum", "Maximum", "Minimum")),
        *(Parameter(name, "Switch") for name in ("Line", "Word", "Character", "IgnoreWhiteSpace")),
    ],
    begin=start,
    end=_measure_end,
    aliases=("measure",),
)(gather)


@cmdlet("Measure-Command", [Parameter("Expression", position=0, mandatory=True), _INPUT])
def measure_command(invocation: Invocation) -> None:
    """The seconds of the machine's clock that the block took."""
    clock = invocation.engine.machine.clock
    before = clock.monotonic()
    invocation.call(invocation["Expression"])
    invocation.write(dt.timedelta(seconds=clock.monotonic() - before))
