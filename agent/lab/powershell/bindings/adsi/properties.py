"""Owns DirectoryEntry.Properties: collections of values that read the ADSI cache once and write through to it.

[.NET Framework 2.0 reference source, System.DirectoryServices: PropertyCollection, PropertyValueCollection]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.native import CLEAR, UPDATE, AdsObject
from agent.lab.powershell.clr import ClrError, ClrObject, method, prop, setter

_ABSENT = (hresult.signed(hresult.PROPERTY_NOT_SUPPORTED), hresult.signed(hresult.PROPERTY_NOT_FOUND))


class PropertyValueCollection(ClrObject):
    """The values of one property as they were when first asked; changes go to the ADSI cache at once."""

    TYPE = "System.DirectoryServices.PropertyValueCollection"
    BASES = ("System.Collections.CollectionBase",)

    def __init__(self, native: AdsObject, name: str) -> None:
        """An unknown or unset property gives an empty collection; every other failure is the caller's."""
        self.native = native
        self.property_name = name
        try:
            self.items = native.get_ex(name)
        except ClrError as error:
            if error.hresult not in _ABSENT:
                raise
            self.items = []

    def store(self) -> None:
        """Write the whole list to the cache."""
        self.native.put_ex(UPDATE, self.property_name, list(self.items))

    def ps_iterate(self) -> Iterator[Any] | None:
        """The values."""
        return iter(list(self.items))

    def ps_string(self) -> str:
        """The text of the value, or of the values one after the other."""
        return " ".join(self.native.engine.to_string(item) for item in self.items)

    def ps_truth(self) -> bool:
        """As a collection: empty is false, one value is itself."""
        return bool(self.items) and (len(self.items) > 1 or bool(self.items[0]))

    def ps_index(self, key: Any) -> Any:
        """The value at a position."""
        position = self.native.engine.convert(key, "System.Int32")
        if not 0 <= position < len(self.items):
            raise ClrError(
                "Index was out of range. Must be non-negative and less than the size of the collection.\r\n"
                "Parameter name: index",
                "System.ArgumentOutOfRangeException",
                bases=("System.ArgumentException",),
            )
        return self.items[position]

    def ps_set_index(self, key: Any, value: Any) -> None:
        """Replace the value at a position."""
        self.ps_index(key)
        self.items[self.native.engine.convert(key, "System.Int32")] = value
        self.store()

    @prop("Value")
    def value(self) -> Any:
        """$null, the one value, or the array of them."""
        if not self.items:
            return None
        return self.items[0] if len(self.items) == 1 else list(self.items)

    @setter("Value")
    def set_value(self, value: Any) -> None:
        """Replace all; $null clears the property."""
        self.clear()
        if value is not None:
            self.items = list(value) if isinstance(value, list) else [value]
            self.store()

    @prop("Count")
    def count(self) -> int:
        """How many values."""
        return len(self.items)

    @prop("PropertyName")
    def name(self) -> str:
        """The name that was asked for."""
        return self.property_name

    @prop("Capacity")
    def capacity(self) -> int:
        """Room in the list, rounded up as ArrayList does."""
        return max(4, len(self.items))

    @method("Add")
    def add(self, value: Any) -> int:
        """Append a value; its position."""
        self.items.append(value)
        self.store()
        return len(self.items) - 1

    @method("AddRange")
    def add_range(self, values: Any) -> None:
        """Append each."""
        self.items.extend(values if isinstance(values, list) else [values])
        self.store()

    @method("Insert")
    def insert(self, position: int, value: Any) -> None:
        """Insert before a position."""
        self.items.insert(position, value)
        self.store()

    @method("Remove")
    def remove(self, value: Any) -> None:
        """Remove one value."""
        if value not in self.items:
            raise ClrError(
                "Cannot remove the specified item because it was not found in the specified Collection.",
                "System.ArgumentException",
            )
        self.items.remove(value)
        self.store()

    @method("RemoveAt")
    def remove_at(self, position: int) -> None:
        """Remove the value at a position."""
        del self.items[position]
        self.store()

    @method("Contains")
    def contains(self, value: Any) -> bool:
        """Whether the value is there."""
        return value in self.items

    @method("IndexOf")
    def index_of(self, value: Any) -> int:
        """Its position, or -1."""
        return self.items.index(value) if value in self.items else -1

    @method("Item")
    def item(self, position: Any) -> Any:
        """The value at a position."""
        return self.ps_index(position)

    @method("Clear")
    def clear(self) -> None:
        """Mark the property for deletion (ADS_PROPERTY_CLEAR)."""
        self.items = []
        self.native.put_ex(CLEAR, self.property_name, None)


class PropertyCollection(ClrObject):
    """`$entry.psbase.Properties`; a collection once made stays as it was until RefreshCache or CommitChanges."""

    TYPE = "System.DirectoryServices.PropertyCollection"
    BASES = ("System.Collections.IDictionary",)

    def __init__(self, bind: Callable[[], AdsObject], made: dict[str, PropertyValueCollection]) -> None:
        """`bind` gives the bound object, or raises why it cannot be had; `made` is what the entry keeps."""
        self._bind = bind
        self._made = made

    def ps_index(self, key: Any) -> PropertyValueCollection:
        """The collection of a property's values; empty where there is none."""
        name = str(key)
        if name.lower() not in self._made:
            self._made[name.lower()] = PropertyValueCollection(self._bind(), name)
        return self._made[name.lower()]

    @method("Item")
    def item(self, key: Any) -> PropertyValueCollection:
        """The same as an index."""
        return self.ps_index(key)

    @method("Contains")
    def contains(self, name: Any) -> bool:
        """Whether the property has a value."""
        try:
            self._bind().get_ex(str(name))
        except ClrError as error:
            if error.hresult in _ABSENT:
                return False
            raise
        return True

    @prop("PropertyNames")
    def property_names(self) -> list[str]:
        """The names of the properties in the cache, where the provider can list them."""
        native = self._bind()
        names = getattr(native, "listed", None)
        if names is None:
            raise ClrError(
                "The directory cannot report the number of properties.", "System.NotSupportedException"
            )  # IADsPropertyList is not there in the IIS provider
        return list(names())

    @prop("Count")
    def count(self) -> int:
        """How many, under the same condition."""
        return len(self.property_names())

    def ps_iterate(self) -> Iterator[Any] | None:
        """A scalar to the pipeline, as an IDictionary is."""
        return None
