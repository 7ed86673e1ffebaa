"""Owns `$x.psobject`: an object's properties and type names as objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bcl.natives import PROPERTIES, natural_type
from agent.lab.powershell.clr import ClrObject, MissingMember, prop, setter
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.extended import extended_of
from agent.lab.powershell.types import type_chain
from agent.lab.powershell.values import Hashtable


def property_names(value: Any) -> list[str]:
    """The names of all properties, added ones last."""
    if isinstance(value, Hashtable):
        return ["Count", "Keys", "Values"]
    if isinstance(value, ClrObject):
        added = [each.name for each in extended_of(value).values() if each.kind != "ScriptMethod"]
        own = value.ps_properties()
        return own + [name for name in added if name.lower() not in {each.lower() for each in own}]
    shown = {"length": "Length", "count": "Count"}
    return [shown.get(name, name.title()) for name in PROPERTIES.get(natural_type(value), {})]


class PropertyView(ClrObject):
    """One property of an object."""

    TYPE = "System.Management.Automation.PSPropertyInfo"

    def __init__(self, owner: Any, label: str) -> None:
        """The property `label` of `owner`."""
        self.owner, self.label = owner, label

    @prop("Name")
    def name(self) -> str:
        """Its name."""
        return self.label

    @prop("Value")
    def value(self) -> Any:
        """Its value."""
        from agent.lab.powershell.members import peek_member
        from agent.lab.powershell.scope import MISSING

        extra = extended_of(self.owner).get(self.label.lower()) if isinstance(self.owner, ClrObject) else None
        if extra is not None and not extra.is_note:
            raise Refused(f"the value of the {extra.kind} {self.label} through psobject")
        held = peek_member(self.owner, self.label)
        return None if held is MISSING else held

    @setter("Value")
    def set_value(self, held: Any) -> None:
        """Change it."""
        if not isinstance(self.owner, CustomObject):
            raise Refused("a property set through psobject")
        self.owner.put(self.label, held)

    @prop("MemberType")
    def member_type(self) -> str:
        """NoteProperty or Property."""
        if isinstance(self.owner, ClrObject) and self.label.lower() in extended_of(self.owner):
            return extended_of(self.owner)[self.label.lower()].kind
        return "NoteProperty" if isinstance(self.owner, CustomObject) else "Property"


class PropertyList(ClrObject):
    """`$x.psobject.Properties`."""

    TYPE = "System.Management.Automation.PSMemberInfoIntegratingCollection`1"

    def __init__(self, owner: Any) -> None:
        """The properties of `owner`."""
        self.owner = owner

    def ps_iterate(self) -> Iterator[Any] | None:
        """Each property."""
        return iter([PropertyView(self.owner, name) for name in property_names(self.owner)])

    def ps_index(self, key: Any) -> Any:
        """The property of that name, or $null."""
        for name in property_names(self.owner):
            if name.lower() == str(key).lower():
                return PropertyView(self.owner, name)
        return None

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """Item() and Remove()."""
        if name.lower() == "item":
            return self.ps_index(arguments[0])
        if name.lower() == "remove" and isinstance(self.owner, CustomObject):
            self.owner.drop(str(arguments[0]))
            return None
        raise Refused(f"psobject.Properties.{name}()")


class ObjectView(ClrObject):
    """`$x.psobject`."""

    TYPE = "System.Management.Automation.PSObject"

    def __init__(self, owner: Any) -> None:
        """A view of `owner`."""
        self.owner = owner

    @prop("Properties")
    def properties(self) -> PropertyList:
        """Its properties."""
        return PropertyList(self.owner)

    @prop("TypeNames")
    def type_names(self) -> list[str]:
        """Its types, nearest first."""
        if isinstance(self.owner, ClrObject):
            return list(self.owner.ps_type_names())
        return [name for name in type_chain(self.owner) if not name.split(".")[-1].startswith("I")]

    @prop("BaseObject")
    def base_object(self) -> Any:
        """The object itself."""
        return self.owner

    def ps_get(self, name: str) -> Any:
        """What is not modelled is refused, not $null."""
        try:
            return super().ps_get(name)
        except MissingMember:
            raise Refused(f"psobject.{name}") from None
