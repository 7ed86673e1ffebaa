"""Owns the values a script handles that Python has no type for: sized integers, arrays, hashtables, property bags.

The rest are plain Python: None `$null`, bool, int (Int32 in range, else Int64), float Double, Decimal, str String,
list `object[]`, datetime DateTime (tzinfo None Unspecified, LOCAL Local, UTC Utc), timedelta TimeSpan, UUID Guid.
"""

from __future__ import annotations

import datetime as _dt
import functools
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember, method, prop, setter

INT32_LOW, INT32_HIGH = -(2**31), 2**31 - 1
INT64_LOW, INT64_HIGH = -(2**63), 2**63 - 1


class SizedInt(int):
    """A .NET integer other than Int32."""

    TYPE: ClassVar[str]
    LOW: ClassVar[int]
    HIGH: ClassVar[int]


class Long(SizedInt):
    """System.Int64."""

    TYPE, LOW, HIGH = "System.Int64", INT64_LOW, INT64_HIGH


class Byte(SizedInt):
    """System.Byte."""

    TYPE, LOW, HIGH = "System.Byte", 0, 255


class SByte(SizedInt):
    """System.SByte."""

    TYPE, LOW, HIGH = "System.SByte", -128, 127


class Int16(SizedInt):
    """System.Int16."""

    TYPE, LOW, HIGH = "System.Int16", -32768, 32767


class UInt16(SizedInt):
    """System.UInt16."""

    TYPE, LOW, HIGH = "System.UInt16", 0, 65535


class UInt32(SizedInt):
    """System.UInt32."""

    TYPE, LOW, HIGH = "System.UInt32", 0, 2**32 - 1


class UInt64(SizedInt):
    """System.UInt64."""

    TYPE, LOW, HIGH = "System.UInt64", 0, 2**64 - 1


SIZED: tuple[type[SizedInt], ...] = (Long, Byte, SByte, Int16, UInt16, UInt32, UInt64)


class Single(float):
    """System.Single; arithmetic is done in double."""


class Char(str):
    """System.Char, one UTF-16 unit."""

    __slots__ = ()


class TypedArray(list[Any]):
    """A .NET array with an element type, such as `byte[]`; a plain list is `object[]`."""

    def __init__(self, items: Iterable[Any], kind: str) -> None:
        """`kind` is the full name of the element type, e.g. System.Byte."""
        super().__init__(items)
        self.kind = kind


_BYTES = tuple(Byte(unit) for unit in range(256))


def byte_array(content: bytes) -> TypedArray:
    """`byte[]` of the content."""
    return TypedArray([_BYTES[unit] for unit in content], "System.Byte")


class _Local(_dt.tzinfo):
    """The lab's machines live in UTC; this marks a DateTime whose Kind is Local."""

    def utcoffset(self, when: _dt.datetime | None) -> _dt.timedelta:
        return _dt.timedelta(0)

    def dst(self, when: _dt.datetime | None) -> _dt.timedelta:
        return _dt.timedelta(0)

    def tzname(self, when: _dt.datetime | None) -> str:
        return "GMT Standard Time"


LOCAL = _Local()


def local_time(when: _dt.datetime) -> _dt.datetime:
    """The instant as a DateTime of kind Local, as Get-Date and event logs give it."""
    return when.astimezone(LOCAL) if when.tzinfo else when.replace(tzinfo=LOCAL)


class EnumKind:
    """One .NET enumeration: names and numbers; made known to scripts with `types.register_enum`."""

    def __init__(self, name: str, members: Mapping[str, int], *, flags: bool = False) -> None:
        """`name` is the full type name."""
        self.name = name
        self.members = dict(members)
        self.flags = flags
        self._by_lower = {key.lower(): key for key in members}

    def find(self, text: str) -> EnumValue | None:
        """The member of that name (case-insensitive, comma-separated when flags), or None."""
        total = 0
        for part in text.split(","):
            key = self._by_lower.get(part.strip().lower())
            if key is None:
                return None
            total |= self.members[key]
        return EnumValue(total, self)

    def __call__(self, value: int | str) -> EnumValue:
        """The member of that name or number; ValueError for an unknown name."""
        if isinstance(value, str):
            found = self.find(value)
            if found is None:
                raise ValueError(value)
            return found
        return EnumValue(value, self)


class EnumValue(int):
    """A value of an EnumKind; prints as its name."""

    kind: EnumKind

    def __new__(cls, value: int, kind: EnumKind) -> EnumValue:
        """The number `value` of the enumeration `kind`."""
        self = super().__new__(cls, value)
        self.kind = kind
        return self

    @property
    def label(self) -> str:
        """The member's name, comma-separated names of flags, or the number."""
        number = int(self)
        for name, member in self.kind.members.items():
            if member == number:
                return name
        if self.kind.flags:
            parts = [name for name, member in self.kind.members.items() if member and number & member == member]
            if sum(self.kind.members[name] for name in parts) == number:
                return ", ".join(parts)
        return str(number)


class SwitchParameter(ClrObject):
    """What a `[switch]` parameter holds inside a function."""

    TYPE = "System.Management.Automation.SwitchParameter"

    def __init__(self, on: bool) -> None:
        """`on` is whether the switch was given."""
        self.on = on

    @prop("IsPresent")
    def is_present(self) -> bool:
        """Whether the switch is on."""
        return self.on

    def ps_truth(self) -> bool:
        """A switch is as true as it is on."""
        return self.on

    def ps_string(self) -> str:
        """`True` or `False`."""
        return str(self.on)


def _fold(key: Any) -> Any:
    """Keys are equal without case for strings; True is not 1, 'a' is not [char]'a'."""
    if type(key) is str:  # nearly always
        return ("s", key.lower())
    if isinstance(key, str) and not isinstance(key, Char):
        return ("s", key.lower())
    return (type(key).__name__, key)


def _bucket(key: Any) -> int:
    return _word_bucket(key) if type(key) is str else _hash(_fold(key))


@functools.lru_cache(maxsize=4096)
def _word_bucket(word: str) -> int:
    """Of a name, as most keys are, and the same ones again and again."""
    return _hash(_fold(word))


def _hash(folded: Any) -> int:
    return zlib.crc32(repr(folded).encode("utf-8", "surrogatepass"))


class Hashtable(ClrObject):
    """System.Collections.Hashtable as `@{}` makes it: keys without case, order of entries NOT kept (by a hash)."""

    TYPE = "System.Collections.Hashtable"
    BASES = ("System.Collections.IDictionary", "System.Collections.ICollection", "System.Collections.IEnumerable")

    def __init__(self, entries: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()) -> None:
        """`entries` are copied in."""
        self._entries: dict[Any, tuple[Any, Any]] = {}
        for key, value in entries.items() if isinstance(entries, Mapping) else entries:
            self.put(key, value)

    def put(self, key: Any, value: Any) -> None:
        """Add or replace an entry."""
        self._entries[_fold(key)] = (key, value)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default`."""
        return self._entries.get(_fold(key), (None, default))[1]

    def __contains__(self, key: object) -> bool:
        return _fold(key) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> list[tuple[Any, Any]]:
        """Entries in bucket order: stable, and not the order of insertion."""
        return sorted(self._entries.values(), key=lambda entry: _bucket(entry[0]))

    def ps_get(self, name: str) -> Any:
        """An entry wins over a property of the class."""
        if name in self:
            return self.get(name)
        try:
            return super().ps_get(name)
        except MissingMember:
            return None

    def ps_set(self, name: str, value: Any) -> None:
        """`$h.name = value` sets an entry."""
        self.put(name, value)

    def ps_index(self, key: Any) -> Any:
        """`$h[key]`; an array of keys gives the array of values."""
        if isinstance(key, list):
            return [self.get(each) for each in key]
        return self.get(key)

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$h[key] = value`."""
        self.put(key, value)

    @prop("Count")
    def count(self) -> int:
        """Number of entries."""
        return len(self._entries)

    @prop("Keys")
    def keys(self) -> list[Any]:
        """The keys."""
        return [key for key, _ in self.items()]

    @prop("Values")
    def values(self) -> list[Any]:
        """The values."""
        return [value for _, value in self.items()]

    @method("Add")
    def add(self, key: Any, value: Any) -> None:
        """Add an entry; ArgumentException where the key exists."""
        if key in self:
            raise ClrError(
                f"Item has already been added. Key in dictionary: '{key}'  Key being added: '{key}'",
                "System.ArgumentException",
            )
        self.put(key, value)

    @method("Remove")
    def remove(self, key: Any) -> None:
        """Remove an entry, if there."""
        self._entries.pop(_fold(key), None)

    @method("Clear")
    def clear(self) -> None:
        """Remove all."""
        self._entries.clear()

    @method("Clone")
    def clone(self) -> Hashtable:
        """A shallow copy."""
        return Hashtable(self.items())

    @method("ContainsKey")
    def contains_key(self, key: Any) -> bool:
        """Whether the key is there."""
        return key in self

    @method("Contains")
    def contains(self, key: Any) -> bool:
        """Whether the key is there."""
        return key in self

    @method("ContainsValue")
    def contains_value(self, value: Any) -> bool:
        """Whether some entry has the value."""
        return any(type(held) is type(value) and held == value for _, held in self._entries.values())

    @method("Item")
    def item(self, key: Any) -> Any:
        """The value of the key."""
        return self.get(key)

    @method("GetEnumerator")
    def enumerate_entries(self) -> EntryList:
        """The entries, which the pipeline enumerates."""
        return EntryList([DictionaryEntry(key, value) for key, value in self.items()])


class DictionaryEntry(ClrObject):
    """One entry of a hashtable, as GetEnumerator() gives it."""

    TYPE = "System.Collections.DictionaryEntry"

    def __init__(self, key: Any, value: Any) -> None:
        """A key with its value."""
        self.held_key, self.held_value = key, value

    @prop("Name")
    def name(self) -> Any:
        """The alias PowerShell gives Key."""
        return self.held_key

    @prop("Key")
    def key(self) -> Any:
        """The key."""
        return self.held_key

    @prop("Value")
    def value(self) -> Any:
        """The value."""
        return self.held_value

    @setter("Value")
    def set_value(self, value: Any) -> None:
        """The copy changes, not the hashtable."""
        self.held_value = value


class EntryList(ClrObject):
    """An enumerator: the pipeline and foreach see its items."""

    TYPE = "System.Collections.Hashtable+HashtableEnumerator"

    def __init__(self, items: Sequence[Any]) -> None:
        """`items` in order."""
        self.items = list(items)

    def ps_iterate(self) -> Iterator[Any] | None:
        """The items."""
        return iter(self.items)
