"""Owns the methods of arrays and System.Array, and ArrayList."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.comparison import order
from agent.lab.powershell.conversion import convert, iterate, to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import EntryList, TypedArray, byte_array

_RANGE = "System.ArgumentOutOfRangeException"


def bytes_of(content: bytes) -> TypedArray:
    """`byte[]`."""
    return byte_array(content)


def same(left: Any, right: Any) -> bool:
    """.NET equality: exact, with case."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return type(left) is type(right) and bool(left == right)


def position_of(items: list[Any], sought: Any) -> int:
    """The first index of an equal item, -1 without."""
    return next((index for index, item in enumerate(items) if same(item, sought)), -1)


def _fixed(*_: Any) -> None:
    raise ClrError("Collection was of a fixed size.", "System.NotSupportedException")


def _set(engine: Any, items: list[Any], value: Any, position: Any) -> None:
    items[int(position)] = value


METHODS: dict[str, Any] = {
    "getenumerator": lambda engine, items: EntryList(items),
    "clone": lambda engine, items: TypedArray(items, items.kind) if isinstance(items, TypedArray) else list(items),
    "getlength": lambda engine, items, dimension: len(items),
    "getupperbound": lambda engine, items, dimension: len(items) - 1,
    "getlowerbound": lambda engine, items, dimension: 0,
    "getvalue": lambda engine, items, position: items[int(position)],
    "setvalue": _set,
    "contains": lambda engine, items, sought: position_of(items, sought) >= 0,
    "indexof": lambda engine, items, sought: position_of(items, sought),
    "add": _fixed,
    "remove": _fixed,
    "removeat": _fixed,
    "insert": _fixed,
    "clear": _fixed,
    "tostring": lambda engine, items: f"{getattr(items, 'kind', 'System.Object')}[]",
}


class ArrayList(ClrObject):
    """System.Collections.ArrayList."""

    TYPE = "System.Collections.ArrayList"
    BASES = ("System.Collections.IList", "System.Collections.ICollection", "System.Collections.IEnumerable")

    def __init__(self, items: Iterable[Any] = (), kind: str = "System.Object") -> None:
        """`items` are copied; `kind` is the element type of a generic list."""
        self.kind = kind
        self.items = [self._fit(item) for item in items]

    def _fit(self, item: Any) -> Any:
        return item if self.kind == "System.Object" else convert(None, item, self.kind)

    def ps_iterate(self) -> Iterator[Any] | None:
        """The items."""
        return iter(list(self.items))

    def ps_truth(self) -> bool:
        """As an array."""
        return to_bool(self.items)

    def _at(self, position: Any) -> int:
        index = int(convert(None, position, "System.Int32"))
        if not 0 <= index < len(self.items):
            raise ClrError(
                "Index was out of range. Must be non-negative and less than the size of the collection.\r\nParameter "
                "name: index",
                _RANGE,
                bases=("System.ArgumentException",),
            )
        return index

    def ps_index(self, key: Any) -> Any:
        """`$list[key]`; PowerShell lets negative indexes count from the end."""
        if isinstance(key, list):
            return [self.items[each] for each in key if -len(self.items) <= each < len(self.items)]
        index = int(convert(None, key, "System.Int32"))
        if not -len(self.items) <= index < len(self.items):
            return None
        return self.items[index]

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$list[key] = value`."""
        index = int(convert(None, key, "System.Int32"))
        self.items[self._at(index + len(self.items) if index < 0 else index)] = self._fit(value)

    @prop("Count")
    def count(self) -> int:
        """How many."""
        return len(self.items)

    @prop("Capacity")
    def capacity(self) -> int:
        """Not modelled."""
        raise Refused("ArrayList.Capacity")

    @method("Add")
    def add(self, item: Any) -> Any:
        """Append; an ArrayList gives the index, a generic list nothing."""
        self.items.append(self._fit(item))
        return len(self.items) - 1 if self.TYPE == "System.Collections.ArrayList" else None

    @method("AddRange")
    def add_range(self, items: Any) -> None:
        """Append each."""
        self.items.extend(self._fit(item) for item in (iterate(items) or [items]))

    @method("Insert")
    def insert(self, position: Any, item: Any) -> None:
        """Put it there."""
        self.items.insert(int(position), self._fit(item))

    @method("Remove")
    def remove(self, item: Any) -> Any:
        """Take the first equal one away."""
        found = position_of(self.items, item)
        if found >= 0:
            del self.items[found]
        return None if self.TYPE == "System.Collections.ArrayList" else found >= 0

    @method("RemoveAt")
    def remove_at(self, position: Any) -> None:
        """Take that one away."""
        del self.items[self._at(position)]

    @method("RemoveRange")
    def remove_range(self, position: Any, count: Any) -> None:
        """Take some away."""
        del self.items[int(position) : int(position) + int(count)]

    @method("Clear")
    def clear(self) -> None:
        """Take all away."""
        self.items.clear()

    @method("Contains")
    def contains(self, item: Any) -> bool:
        """Whether an equal one is there."""
        return position_of(self.items, item) >= 0

    @method("IndexOf")
    def index_of(self, item: Any) -> int:
        """Where the first equal one is."""
        return position_of(self.items, item)

    @method("Reverse")
    def reverse(self) -> None:
        """Turn it round."""
        self.items.reverse()

    @method("Sort")
    def sort(self) -> None:
        """Sort it."""
        self.items[:] = sort(self.items)

    @method("ToArray")
    def to_array(self, *kind: Any) -> list[Any]:
        """A copy as an array."""
        return list(self.items) if self.kind == "System.Object" else TypedArray(self.items, self.kind)

    @method("Item")
    def item(self, position: Any) -> Any:
        """One item."""
        return self.items[self._at(position)]

    @method("GetEnumerator")
    def enumerator(self) -> EntryList:
        """The items."""
        return EntryList(self.items)


class GenericList(ArrayList):
    """System.Collections.Generic.List`1."""

    TYPE = "System.Collections.Generic.List`1"


def sort(items: list[Any]) -> list[Any]:
    """Sorted by .NET's order of the items."""
    import functools

    return sorted(items, key=functools.cmp_to_key(lambda left, right: order(left, right, True)))


def _array_sort(engine: Any, items: list[Any]) -> None:
    items[:] = sort(items)


def _array_reverse(engine: Any, items: list[Any]) -> None:
    items.reverse()


def _make_list(engine: Any, items: Any = ()) -> ArrayList:
    return ArrayList() if isinstance(items, int) else ArrayList(iterate(items) or [items])


def _array_copy(engine: Any, source: list[Any], target: list[Any], count: Any) -> None:
    target[: int(count)] = source[: int(count)]


register(
    ClrType(
        "System.Array",
        static={
            "Sort": _array_sort,
            "Reverse": _array_reverse,
            "IndexOf": lambda engine, items, sought: position_of(items, sought),
            "Copy": _array_copy,
        },
    ),
    "array",
)
register(ClrType("System.Collections.ArrayList", construct=_make_list), "collections.arraylist")


def make_generic(name: str) -> Any:
    """A generic list of that element type; `name` as `New-Object` gets it, None where it is another type."""
    lower = name.lower().replace(" ", "").removeprefix("system.")
    for head in ("collections.generic.list[", "collections.generic.list`1["):
        if lower.startswith(head) and lower.endswith("]"):
            from agent.lab.powershell.types import resolve

            return GenericList((), resolve(lower[len(head) : -1].strip("[]")))
    return None
