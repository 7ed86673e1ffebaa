"""Owns which type a value has, and which type a name in brackets means."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

from agent.lab.powershell import clr
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import (
    INT32_HIGH,
    INT32_LOW,
    SIZED,
    Char,
    EnumKind,
    EnumValue,
    Single,
    SizedInt,
    TypedArray,
)

ENUMS: dict[str, EnumKind] = {}

_S = "System."
_M = "System.Management.Automation."
# Accelerators of PowerShell 2.0 and the full names of what they stand for (language specification 4.2, about_types).
NAMES: dict[str, str] = {
    name.lower(): full
    for full, names in {
        _S + "Int32": "int int32 system.int32",
        _S + "Int64": "long int64 system.int64",
        _S + "Int16": "int16 system.int16",
        _S + "UInt16": "uint16 system.uint16",
        _S + "UInt32": "uint32 system.uint32",
        _S + "UInt64": "uint64 system.uint64",
        _S + "Byte": "byte system.byte",
        _S + "SByte": "sbyte system.sbyte",
        _S + "String": "string system.string",
        _S + "Char": "char system.char",
        _S + "Boolean": "bool boolean system.boolean",
        _S + "Double": "double system.double",
        _S + "Single": "float single system.single",
        _S + "Decimal": "decimal system.decimal",
        _S + "DateTime": "datetime system.datetime",
        _S + "TimeSpan": "timespan system.timespan",
        _S + "Guid": "guid system.guid",
        _S + "Object": "object system.object",
        _S + "Array": "array system.array",
        _S + "Void": "void system.void",
        _S + "Type": "type system.type",
        _S + "Version": "version system.version",
        _S + "Uri": "uri system.uri",
        _S + "Exception": "exception system.exception",
        _S + "Enum": "enum system.enum",
        _S + "ValueType": "valuetype system.valuetype",
        _S + "Collections.Hashtable": "hashtable collections.hashtable system.collections.hashtable",
        _S + "Collections.IDictionary": "collections.idictionary system.collections.idictionary",
        _S + "Collections.IEnumerable": "collections.ienumerable system.collections.ienumerable",
        _S + "Collections.ICollection": "collections.icollection system.collections.icollection",
        _S + "Collections.IList": "collections.ilist system.collections.ilist",
        _S
        + "Text.RegularExpressions.Regex": "regex text.regularexpressions.regex system.text.regularexpressions.regex",
        _M + "ScriptBlock": "scriptblock management.automation.scriptblock system.management.automation.scriptblock",
        _M + "SwitchParameter": "switch system.management.automation.switchparameter",
        _M + "PSObject": "psobject management.automation.psobject system.management.automation.psobject",
        _M + "PSCustomObject": "system.management.automation.pscustomobject",
        _M + "ErrorRecord": "system.management.automation.errorrecord management.automation.errorrecord",
        "System.Xml.XmlDocument": "xml xml.xmldocument system.xml.xmldocument",
    }.items()
    for name in names.split()
}
REFUSED_NAMES = {"pscustomobject": "[pscustomobject]", "ordered": "[ordered]"}  # domain 6.5

_INTEGER_BASES = ("System.ValueType", "System.IConvertible", "System.IFormattable", "System.IComparable")
_COLLECTION = ("System.Collections.IList", "System.Collections.ICollection", "System.Collections.IEnumerable")
_EXACT: dict[type, str] = {
    bool: _S + "Boolean",
    str: _S + "String",
    Char: _S + "Char",
    float: _S + "Double",
    Single: _S + "Single",
    decimal.Decimal: _S + "Decimal",
    dt.timedelta: _S + "TimeSpan",
    uuid.UUID: _S + "Guid",
    list: _S + "Object[]",
    tuple: _S + "Object[]",
    bytes: _S + "Byte[]",
    **{kind: kind.TYPE for kind in SIZED},
}


def register_enum(kind: EnumKind, *aliases: str) -> EnumKind:
    """Make an enumeration known under its full name, the name without `System.`, and the aliases."""
    for name in (kind.name, kind.name.removeprefix("System."), *aliases):
        ENUMS[name.lower()] = kind
    return kind


def type_name(value: Any) -> str:
    """The full .NET name of a value's type; System.Object for $null."""
    exact = _EXACT.get(type(value))
    if exact is not None:
        return exact
    if isinstance(value, EnumValue):
        return value.kind.name
    if isinstance(value, int):
        return _S + "Int32" if INT32_LOW <= value <= INT32_HIGH else _S + "Int64"
    if isinstance(value, ClrObject):
        return value.ps_type_names()[0]
    if isinstance(value, TypedArray):
        return value.kind + "[]"
    if isinstance(value, dt.datetime):
        return _S + "DateTime"
    return _S + "Object" if value is None else f"System.{type(value).__name__}"


def type_chain(value: Any) -> tuple[str, ...]:
    """The type, its ancestors and interfaces, for `-is`."""
    name = type_name(value)
    if isinstance(value, ClrObject):
        return (*value.ps_type_names(), *value.BASES)
    if isinstance(value, list):
        return (name, "System.Array", *_COLLECTION, _S + "Object")
    if isinstance(value, EnumValue):
        return (name, "System.Enum", *_INTEGER_BASES, _S + "Object")
    if isinstance(value, str) and not isinstance(value, Char):
        return (name, "System.IComparable", "System.Collections.IEnumerable", "System.IConvertible", _S + "Object")
    return (name, *_INTEGER_BASES, _S + "Object")


class TypeObject(ClrObject):
    """`[int]`: a System.Type as a value."""

    TYPE = "System.RuntimeType"
    BASES = ("System.Type", "System.Reflection.MemberInfo")

    def __init__(self, name: str) -> None:
        """`name` is the full name."""
        self.full_name_text = name

    @prop("Name")
    def name(self) -> str:
        """The name without its namespace."""
        return self.full_name_text.rpartition(".")[2].rpartition("+")[2]

    @prop("FullName")
    def full_name(self) -> str:
        """The name with its namespace."""
        return self.full_name_text

    @prop("Namespace")
    def namespace(self) -> str:
        """The namespace."""
        return self.full_name_text.rpartition(".")[0]

    @prop("IsArray")
    def is_array(self) -> bool:
        """Whether it is an array type."""
        return self.full_name_text.endswith("[]")

    @prop("IsEnum")
    def is_enum(self) -> bool:
        """Whether it is an enumeration."""
        return self.full_name_text.lower() in ENUMS

    @prop("BaseType")
    def base_type(self) -> TypeObject | None:
        """The base class, for the types whose base the lab knows."""
        name = self.full_name_text
        if name == "System.Object":
            return None
        if self.is_array():
            return TypeObject("System.Array")
        if name.lower() in ENUMS:
            return TypeObject("System.Enum")
        if name in _VALUE_TYPES:
            return TypeObject("System.ValueType")
        if name in ("System.String", "System.Array", "System.Collections.Hashtable"):
            return TypeObject("System.Object")
        raise Refused(f"BaseType of [{name}]")

    @method("ToString")
    def text(self) -> str:
        """The full name."""
        return self.full_name_text

    def ps_string(self) -> str:
        """The full name."""
        return self.full_name_text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeObject) and other.full_name_text == self.full_name_text

    def __hash__(self) -> int:
        return hash(self.full_name_text)


_VALUE_TYPES = {
    _S + name
    for name in [
        "Int32",
        "Int64",
        "Int16",
        "UInt16",
        "UInt32",
        "UInt64",
        "Byte",
        "SByte",
        "Boolean",
        "Double",
        "Single",
        "Decimal",
        "Char",
        "DateTime",
        "TimeSpan",
        "Guid",
    ]
}
_SIZED_BY_NAME: dict[str, type[SizedInt]] = {kind.TYPE: kind for kind in SIZED}


def sized_kind(name: str) -> type[SizedInt] | None:
    """The class of a sized integer by its full name."""
    return _SIZED_BY_NAME.get(name)


def resolve(text: str) -> str:
    """The full name of the type a script names, arrays included; Refused for one the lab does not know."""
    name = "".join(text.split())
    lower = name.lower()
    if lower in REFUSED_NAMES:
        raise Refused(f"{REFUSED_NAMES[lower]} is not in PowerShell 2.0")
    if lower.endswith("[]"):
        return resolve(name[:-2]) + "[]"
    if lower in NAMES:
        return NAMES[lower]
    if lower in ENUMS:
        return ENUMS[lower].name
    kind = find_type(lower)
    if kind is not None:
        return kind.name
    raise Refused(f"the type [{name}]")


def find_type(name: str) -> ClrType | None:
    """The declared type of that name: as written, or by its full name."""
    lower = name.lower()
    return clr.TYPES.get(lower) or clr.TYPES.get(NAMES.get(lower, lower).lower())


def is_exception_name(name: str) -> bool:
    """Whether a `catch [Name]` may name it though no binding declares it: exceptions are matched by name."""
    return name.lower().endswith("exception")


def no_such_type(name: str) -> ClrError:
    """The error of a type that does not exist, as PowerShell words it."""
    return ClrError(
        f"Unable to find type [{name}]: make sure that the assembly containing this type is loaded.",
        "System.Management.Automation.RuntimeException",
    )
