"""Owns Get-, Set-, New-, Remove- and Clear-ItemProperty."""

from __future__ import annotations

import ntpath
from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.providers.items import FILTERS, LITERAL, PATH
from agent.lab.powershell.bindings.providers.paths import Place, each_place
from agent.lab.powershell.bindings.providers.registry import (
    HIVE,
    below_hive,
    kind_for,
    shown,
    stored,
    write_allowed,
)
from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.world.registry import RegistryKind

_ARGUMENT = "System.Management.Automation.PSArgumentException"
_TYPES = {
    "string": RegistryKind.STRING,
    "expandstring": RegistryKind.EXPAND_STRING,
    "binary": RegistryKind.BINARY,
    "dword": RegistryKind.DWORD,
    "multistring": RegistryKind.MULTI_STRING,
    "qword": RegistryKind.QWORD,
}


def _key_name(found: Place) -> str:
    return f"{HIVE}\\{below_hive(found.path)}".rstrip("\\")


def _no_property(name: str, found: Place) -> ClrError:
    return ClrError(
        f"Property {name} does not exist at path {_key_name(found)}.", _ARGUMENT, bases=("System.ArgumentException",)
    )


def _bag(found: Place, values: dict[str, Any]) -> CustomObject:
    provider, name = "Microsoft.PowerShell.Core\\Registry", _key_name(found)
    return CustomObject(
        {
            "PSPath": f"{provider}::{name}",
            "PSParentPath": f"{provider}::{ntpath.dirname(name)}",
            "PSChildName": ntpath.basename(name),
            "PSDrive": "HKLM",
            "PSProvider": provider,
            **values,
        }
    )


@cmdlet("Get-ItemProperty", (PATH, LITERAL, Parameter("Name", "String[]", 1), *FILTERS), aliases=("gp",))
def get_item_property(invocation: Invocation) -> None:
    """The values of a key as one object; of a file, the file."""
    each_place(invocation, lambda found: _get(invocation, found))


def _get(invocation: Invocation, found: Place) -> None:
    engine = invocation.engine
    if found.provider.name == "Registry":
        _get_values(invocation, found)
        return
    if found.provider.name != "FileSystem":
        raise Refused(f"Get-ItemProperty of {found.path}")
    item = found.provider.item(engine, found.path)
    names = invocation["Name"]
    invocation.write(item if not names else CustomObject({str(each): _member(item, str(each)) for each in names}))


def _member(item: ClrObject, name: str) -> Any:
    try:
        return item.ps_get(name)
    except MissingMember:
        raise ClrError(f"Property {name} does not exist.", _ARGUMENT, bases=("System.ArgumentException",)) from None


def _get_values(invocation: Invocation, found: Place) -> None:
    engine = invocation.engine
    held = engine.machine.registry.values(below_hive(found.path))
    named = {each.name or "(default)": shown(engine, each) for each in held}
    wanted = [str(each) for each in invocation["Name"] or ()]
    if not wanted:
        if named:
            invocation.write(_bag(found, named))
        return
    chosen: dict[str, Any] = {}
    for pattern in wanted:
        fitting = {name: value for name, value in named.items() if fits(pattern, name)}
        if not fitting and not has_wildcard(pattern):
            missing = _no_property(pattern, found)
            command = "Microsoft.PowerShell.Commands.GetItemPropertyCommand"
            invocation.error(missing, f"{_ARGUMENT},{command}", "InvalidArgument", pattern)
        chosen.update(fitting)
    if chosen:
        invocation.write(_bag(found, chosen))


_VALUE = Parameter("Value", "Object", 2, by_property=True)
_TYPE = Parameter("PropertyType", "String", by_property=True, aliases=("Type",))


def _kind(invocation: Invocation, value: Any, parameter: str) -> RegistryKind:
    name = invocation[parameter]
    if name is None:
        return kind_for(value)
    if str(name).lower() not in _TYPES:
        raise ClrError(
            f'Cannot bind parameter. Cannot convert value "{name}" to type "Microsoft.Win32.RegistryValueKind".',
            "System.Management.Automation.ParameterBindingException",
        )
    return _TYPES[str(name).lower()]


def _registry_only(invocation: Invocation, found: Place) -> str:
    if found.provider.name != "Registry":
        raise Refused(f"{invocation.name} of {found.path}")
    write_allowed(invocation.engine)
    return below_hive(found.path)


def _put(invocation: Invocation, found: Place, kind: RegistryKind) -> None:
    key, name, value = below_hive(found.path), str(invocation["Name"]), invocation["Value"]
    if name.lower() == "(default)":
        name = ""
    if not proceed(invocation, "Set Property", f"Item: {_key_name(found)} Property: {name}"):
        return
    data = stored(invocation.engine, value, kind)
    invocation.engine.machine.registry.set(key, name, data, kind)


@cmdlet(
    "Set-ItemProperty",
    (
        PATH,
        LITERAL,
        Parameter("Name", "String", 1, by_property=True, aliases=("PSProperty",)),
        _VALUE,
        Parameter("Type", "String"),
        Parameter("PassThru", "Switch"),
        *FILTERS,
        *CONFIRM,
    ),
    aliases=("sp",),
)
def set_item_property(invocation: Invocation) -> None:
    """Set a registry value; one that exists keeps its type."""

    def put(found: Place) -> None:
        key = _registry_only(invocation, found)
        existing = invocation.engine.machine.registry.value(key, str(invocation["Name"]))
        keeps = existing is not None and "Type" not in invocation
        _put(invocation, found, existing.kind if existing and keeps else _kind(invocation, invocation["Value"], "Type"))
        if invocation.switch("PassThru"):
            invocation.write(_bag(found, {str(invocation["Name"]): invocation["Value"]}))

    each_place(invocation, put)


@cmdlet(
    "New-ItemProperty",
    (
        PATH,
        LITERAL,
        Parameter("Name", "String", 1, mandatory=True, by_property=True, aliases=("PSProperty",)),
        _TYPE,
        _VALUE,
        *FILTERS,
        *CONFIRM,
    ),
)
def new_item_property(invocation: Invocation) -> None:
    """Make a registry value; one that exists is an error without -Force."""

    def put(found: Place) -> None:
        key = _registry_only(invocation, found)
        registry = invocation.engine.machine.registry
        if registry.value(key, str(invocation["Name"])) is not None and not invocation.switch("Force"):
            raise ClrError("The property already exists.", "System.IO.IOException")
        kind = _kind(invocation, invocation["Value"], "PropertyType")
        _put(invocation, found, kind)
        made = registry.value(key, str(invocation["Name"]))
        if made is not None:
            invocation.write(_bag(found, {made.name: shown(invocation.engine, made)}))

    each_place(invocation, put)


@cmdlet(
    "Remove-ItemProperty",
    (PATH, LITERAL, Parameter("Name", "String[]", 1, mandatory=True, aliases=("PSProperty",)), *FILTERS, *CONFIRM),
    aliases=("rp",),
)
def remove_item_property(invocation: Invocation) -> None:
    """Delete registry values."""

    def remove(found: Place) -> None:
        key = _registry_only(invocation, found)
        registry = invocation.engine.machine.registry
        for name in invocation["Name"]:
            if registry.value(key, str(name)) is None:
                raise _no_property(str(name), found)
            if proceed(invocation, "Remove Property", f"Item: {_key_name(found)} Property: {name}"):
                registry.delete_value(key, str(name))

    each_place(invocation, remove)
