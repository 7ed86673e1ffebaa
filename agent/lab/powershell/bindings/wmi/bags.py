"""Owns System.Management.ManagementBaseObject: a bag of WMI properties, which methods take and return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from agent.lab.powershell.bindings.wmi.model import Row
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.powershell.clr import ClrObject, MissingMember, method, prop
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_SYSTEM = ("__GENUS", "__CLASS", "__SUPERCLASS", "__DYNASTY", "__RELPATH", "__PROPERTY_COUNT", "__DERIVATION",
           "__SERVER", "__NAMESPACE", "__PATH")  # fmt: skip


class ManagementBaseObject(ClrObject):
    """A bag of WMI properties: what a method returns."""

    TYPE = "System.Management.ManagementBaseObject"
    BASES: ClassVar[tuple[str, ...]] = ("System.ComponentModel.Component", "System.MarshalByRefObject")
    GENUS = 2

    def __init__(self, engine: Engine, kind: str, row: Mapping[str, Any]) -> None:
        """`kind` is the WMI class, `__PARAMETERS` for the result of a method."""
        self.engine = engine
        self.kind = kind
        self.row: Row = dict(row)

    def system(self, name: str) -> Any:
        """A system property."""
        match name:
            case "__GENUS":
                return self.GENUS
            case "__CLASS" | "__DYNASTY":
                return self.kind
            case "__PROPERTY_COUNT":
                return len(self.row)
            case "__DERIVATION":
                return []
        return None

    def ps_type_names(self) -> tuple[str, ...]:
        """The WMI class is part of the type's name."""
        first = f"{self.TYPE}#{self.kind}"
        return (first, *super().ps_type_names())

    def ps_properties(self) -> list[str]:
        """System properties first, as 2.0 lists them."""
        return [*_SYSTEM, *self.row]

    def ps_get(self, name: str) -> Any:
        """A WMI property, a system property, then .NET's own."""
        if name in self.row:
            return self.row[name]
        for key, value in self.row.items():
            if key.lower() == name.lower():
                return value
        if name.upper() in _SYSTEM:
            return self.system(name.upper())
        return super().ps_get(name)

    def ps_index(self, key: Any) -> Any:
        """`$object['Name']`."""
        for known, value in self.row.items():
            if known.lower() == str(key).lower():
                return value
        raise wmi_error("NotFound", "Not found ", -2147217406)

    @prop("Properties")
    def properties(self) -> list[PropertyValue]:
        """Name and value of each."""
        return [PropertyValue(self, name) for name in self.row]

    @method("GetPropertyValue")
    def property_value(self, name: Any) -> Any:
        """The value; ManagementException where there is no such property."""
        return self.ps_index(name)

    @method("GetText")
    def text(self, _format: Any = None) -> str:
        """Not made here."""
        raise Refused("ManagementObject.GetText")


class PropertyValue(ClrObject):
    """One item of `$object.Properties`."""

    TYPE = "System.Management.PropertyData"

    def __init__(self, owner: ManagementBaseObject, name: str) -> None:
        """The property `name` of `owner`."""
        self.owner, self.key = owner, name

    @prop("Name")
    def name(self) -> str:
        """The property's name."""
        return self.key

    @prop("Value")
    def value(self) -> Any:
        """The property's value."""
        return self.owner.row[self.key]

    @prop("IsArray")
    def is_array(self) -> bool:
        """Whether the value is an array."""
        return isinstance(self.owner.row[self.key], list)


class ParameterBag(ManagementBaseObject):
    """In parameters to be filled in."""

    def ps_set(self, name: str, value: Any) -> None:
        """Set a parameter."""
        for key in self.row:
            if key.lower() == name.lower():
                self.row[key] = value
                return
        raise MissingMember(name)

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$parameters['Name'] = value`."""
        self.ps_set(str(key), value)
