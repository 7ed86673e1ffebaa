"""Owns the way of values over the wire: PowerShell's serialization rules on psrpcore's types. [MS-PSRP] 2.2.5

Depth counts objects, not containers: at depth 0 an object goes as its text, an array or hashtable still as itself.
"""

from __future__ import annotations

import datetime as dt
import decimal
import functools
import uuid
from collections.abc import Callable
from typing import Any

from psrpcore import types as ps

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bcl.arrays import ArrayList
from agent.lab.powershell.bcl.versions import Version
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember
from agent.lab.powershell.errors import ErrorRecord, Refused
from agent.lab.powershell.extended import extended_of
from agent.lab.powershell.scriptblock import ScriptBlock
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import TypeObject, type_name
from agent.lab.powershell.values import (
    INT32_HIGH,
    INT32_LOW,
    LOCAL,
    Byte,
    Char,
    DictionaryEntry,
    EnumValue,
    Hashtable,
    Int16,
    Long,
    SByte,
    Single,
    TypedArray,
    UInt16,
    UInt32,
    UInt64,
    byte_array,
)

DEPTH = 1  # what remoting uses for a type that asks for nothing else
_SIZED: dict[type, Callable[[Any], Any]] = {
    Long: ps.PSInt64,
    Byte: ps.PSByte,
    SByte: ps.PSSByte,
    Int16: ps.PSInt16,
    UInt16: ps.PSUInt16,
    UInt32: ps.PSUInt,
    UInt64: ps.PSUInt64,
}
_FROM_SIZED: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (ps.PSInt64, Long),
    (ps.PSByte, Byte),
    (ps.PSSByte, SByte),
    (ps.PSInt16, Int16),
    (ps.PSUInt16, UInt16),
    (ps.PSUInt, UInt32),
    (ps.PSUInt64, UInt64),
)


def to_wire(value: Any, depth: int = DEPTH) -> Any:
    """The psrpcore value of what a script put out."""
    if value is None or isinstance(value, bool):
        return value
    plain = _plain(value)
    if plain is not None:
        return plain
    if isinstance(value, (list, tuple, ArrayList)):
        return _array(value, depth)
    if isinstance(value, Hashtable):
        return _dictionary(value, depth)
    return _object(value, depth)


def _plain(value: Any) -> Any:
    if isinstance(value, Char):
        return ps.PSChar(ord(value))
    if isinstance(value, str):
        return ps.PSString(value)
    if isinstance(value, EnumValue):
        return _enum(value)
    if isinstance(value, int):
        narrow = INT32_LOW <= value <= INT32_HIGH
        return _SIZED.get(type(value), ps.PSInt if narrow else ps.PSInt64)(int(value))
    if isinstance(value, float):
        return ps.PSSingle(value) if isinstance(value, Single) else ps.PSDouble(value)
    if isinstance(value, decimal.Decimal):
        return ps.PSDecimal(value)
    return _other_plain(value)


def _other_plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return _moment(value)
    if isinstance(value, dt.timedelta):
        return ps.PSDuration(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if isinstance(value, uuid.UUID):
        return ps.PSGuid(hex=value.hex)
    if isinstance(value, Version):
        return ps.PSVersion(value.ps_string())
    if isinstance(value, ScriptBlock):
        return ps.PSScriptBlock(value.code.text)
    if isinstance(value, TypeObject):
        return ps.PSString(value.full_name_text)
    if isinstance(value, (bytes, bytearray)):
        return ps.PSByteArray(bytes(value))
    return None


def _moment(value: dt.datetime) -> ps.PSDateTime:
    zone = None if value.tzinfo is None else dt.UTC
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    return ps.PSDateTime(*parts, tzinfo=zone)


def _enum(value: EnumValue) -> Any:
    """psrpcore writes an enumeration's type and name only for a class of its own."""
    kind = value.kind
    made = _enum_class(kind.name, tuple(kind.members.items()), kind.flags)
    try:
        return made(int(value))
    except ValueError:  # a number without a name
        return ps.PSInt(int(value))


@functools.cache
def _enum_class(name: str, members: tuple[tuple[str, int], ...], flags: bool) -> Any:
    base: Any = ps.PSFlagBase if flags else ps.PSEnumBase
    return ps.PSType([name], rehydrate=False)(base(name.rpartition(".")[2], list(members)))


def _array(value: Any, depth: int) -> Any:
    if isinstance(value, TypedArray) and value.kind == "System.Byte":
        return ps.PSByteArray(bytes(value))
    made = ps.PSList(to_wire(item, depth) for item in (value.items if isinstance(value, ArrayList) else value))
    if isinstance(value, ArrayList):
        made.PSObject.type_names = [value.TYPE, "System.Object"]
    else:
        made.PSObject.type_names = [type_name(value), "System.Array", "System.Object"]
    return made


def _dictionary(value: Hashtable, depth: int) -> Any:
    made = ps.PSDict({to_wire(key, depth): to_wire(held, depth) for key, held in value.items()})
    made.PSObject.type_names = ["System.Collections.Hashtable", "System.Object"]
    return made


def _object(value: Any, depth: int) -> Any:
    if depth <= 0 or not isinstance(value, ClrObject):
        return ps.PSString(to_string(value))
    if isinstance(value, ErrorRecord):
        return _error(value, depth)
    items = value.ps_iterate()
    if items is not None and not value.ps_properties():
        return _array(list(items), depth)
    made = ps.PSObject()
    made.PSObject.type_names = list(dict.fromkeys((*value.ps_type_names(),)))
    made.PSObject.to_string = to_string(value)
    _own(made, value, depth - 1)
    for member in extended_of(value).values():
        if member.is_note:
            ps.add_note_property(made, member.name, to_wire(member.held, depth - 1), force=True)
    return made


def _own(made: Any, value: ClrObject, depth: int) -> None:
    """Notes of a bag are extended properties, those of a .NET object adapted ones."""
    if isinstance(value, CustomObject):
        for name, held in value.items():
            ps.add_note_property(made, name, to_wire(held, depth), force=True)
        return
    names = ["Key", "Value"] if isinstance(value, DictionaryEntry) else value.ps_properties()
    for name in names:
        try:
            held = value.ps_get(name)
        except (ClrError, MissingMember):
            held = None  # a getter that throws goes as $null
        made.PSObject.adapted_properties.append(ps.PSNoteProperty(name, value=to_wire(held, depth)))


def _error(record: ErrorRecord, depth: int) -> Any:
    made = ps.PSObject()
    made.PSObject.type_names = ["System.Management.Automation.ErrorRecord", "System.Object"]
    made.PSObject.to_string = record.message
    category = record.category_info()
    notes = {
        "Exception": _object(record.exception(), 1),
        "TargetObject": to_wire(record.target, depth - 1),
        "FullyQualifiedErrorId": record.error_id,
        "InvocationInfo": None,
        "ErrorCategory_Category": ps.PSInt(_category(category.texts["Category"])),
        "ErrorCategory_Activity": category.texts["Activity"],
        "ErrorCategory_Reason": category.texts["Reason"],
        "ErrorCategory_TargetName": category.texts["TargetName"],
        "ErrorCategory_TargetType": category.texts["TargetType"],
        "ErrorCategory_Message": category.ps_string(),
        "SerializeExtendedInfo": False,
    }
    for name, held in notes.items():
        ps.add_note_property(made, name, held)
    return made


def _category(name: str) -> int:
    members: Any = ps.ErrorCategory.__members__
    return int(members[name].value) if name in members else 0


def from_wire(value: Any) -> Any:
    """The script's value of a psrpcore value that arrived."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, ps.PSChar):
        return Char(chr(int(value)))
    if isinstance(value, ps.PSScriptBlock):
        from agent.lab.powershell.compiling.blocks import script_code

        return ScriptBlock(script_code(str(value)))
    if isinstance(value, str):
        return str(value)
    sized = next((kind for wire, kind in _FROM_SIZED if isinstance(value, wire)), None)
    return _from_rest(value) if sized is None else sized(int(value))


def _from_rest(value: Any) -> Any:
    if isinstance(value, ps.PSSingle):
        return Single(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal(value)
    if isinstance(value, dt.datetime):
        zone = None if value.tzinfo is None else LOCAL if value.utcoffset() else dt.UTC
        return dt.datetime.fromtimestamp(value.timestamp(), dt.UTC).replace(tzinfo=zone) if zone else _naive(value)
    if isinstance(value, dt.timedelta):
        return dt.timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=value.int)
    return _from_compound(value)


def _naive(value: dt.datetime) -> dt.datetime:
    return dt.datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)


def _from_compound(value: Any) -> Any:
    if isinstance(value, bytes):
        return byte_array(value)
    if isinstance(value, ps.PSVersion):
        return Version(str(value))
    if isinstance(value, dict):
        return Hashtable([(from_wire(key), from_wire(held)) for key, held in value.items()])
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if isinstance(value, ps.PSSecureString):
        raise Refused("a secure string as an argument")
    if isinstance(value, ps.PSObject):
        meta = value.PSObject
        held = {each.name: each for each in (*meta.adapted_properties, *meta.extended_properties)}
        bag = CustomObject({name: from_wire(each.get_value(value)) for name, each in held.items()})
        bag.type_names = tuple(name for name in meta.type_names if name not in bag.ps_type_names())
        return bag
    raise Refused(f"a {type(value).__name__} as an argument")
