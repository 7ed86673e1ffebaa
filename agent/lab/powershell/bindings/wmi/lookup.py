"""Owns finding a WMI class or instance by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.model import find_class
from agent.lab.powershell.bindings.wmi.objects import ManagementClass, ManagementObject
from agent.lab.powershell.bindings.wmi.wql import wmi_error

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


def by_path(engine: Engine, path: str) -> ManagementObject:
    """`[wmi]'Win32_Service.Name="W3SVC"'` and `[wmiclass]'root\\cimv2:Win32_Process'`."""
    space, relative = _split(path)
    kind, _, keys = relative.partition(".") if "=" in relative else (relative, "", "")
    if relative.endswith("=@"):
        kind, keys = relative[:-2], ""
    found = find_class(engine, space, kind)
    if kind == relative:
        return ManagementClass(engine, found)
    wanted = _keys(keys)
    for row in found.rows(engine):
        if all(str(row.get(key, "")).lower() == text.lower() for key, text in wanted.items()):
            return ManagementObject(engine, found, row)
    raise wmi_error("NotFound", "Not found ", -2147217406)


def _split(path: str) -> tuple[str, str]:
    space, colon, relative = path.partition(":")
    if not colon or "=" in space:
        return r"root\cimv2", path
    return space, relative


def _keys(text: str) -> dict[str, str]:
    wanted = {}
    for pair in text.split(","):
        name, _, value = pair.partition("=")
        if name:
            wanted[name.strip()] = value.strip().strip("\"'").replace("\\\\", "\\")
    return wanted
