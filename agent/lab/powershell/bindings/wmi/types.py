"""Owns how a script names WMI: [wmi], [wmiclass], [wmisearcher]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.wmi.cmdlets import run_query
from agent.lab.powershell.bindings.wmi.lookup import by_path
from agent.lab.powershell.bindings.wmi.model import CIMV2
from agent.lab.powershell.bindings.wmi.objects import ManagementClass, ManagementObject
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.powershell.clr import ClrObject, ClrType, method, prop, register, setter
from agent.lab.powershell.conversion import CASTS

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class Searcher(ClrObject):
    """`[wmisearcher]'SELECT ...'`."""

    TYPE = "System.Management.ManagementObjectSearcher"
    BASES = ("System.ComponentModel.Component",)

    def __init__(self, engine: Engine, *arguments: Any) -> None:
        """A query, or a namespace and a query."""
        self.engine = engine
        self.namespace = engine.to_string(arguments[0]) if len(arguments) > 1 else CIMV2
        self.text = engine.to_string(arguments[-1]) if arguments else ""

    @prop("Query")
    def query(self) -> str:
        """The query."""
        return self.text

    @setter("Query")
    def set_query(self, value: Any) -> None:
        """Change the query."""
        self.text = self.engine.to_string(value)

    @method("Get")
    def get(self) -> list[ManagementObject]:
        """Run it."""
        return run_query(self.engine, self.namespace, self.text)


def _as_class(engine: Engine, path: Any) -> ManagementClass:
    found = by_path(engine, engine.to_string(path))
    if not isinstance(found, ManagementClass):
        raise wmi_error("NotFound", "Not found ", -2147217406)
    return found


def _as_object(engine: Engine, path: Any) -> ManagementObject:
    return by_path(engine, engine.to_string(path))


_TYPES: Mapping[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "System.Management.ManagementClass": (_as_class, ManagementClass.BASES, ("wmiclass",)),
    "System.Management.ManagementObject": (_as_object, ManagementObject.BASES, ("wmi",)),
    "System.Management.ManagementObjectSearcher": (Searcher, Searcher.BASES, ("wmisearcher",)),
}
for _name, (_make, _bases, _aliases) in _TYPES.items():
    register(ClrType(_name, bases=_bases, construct=_make), *_aliases)
    CASTS[_name] = _make
