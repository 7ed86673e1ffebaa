"""Owns the members of values that are plain Python inside: which table of properties and methods each has."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.bcl import arrays, moments, numbers, strings
from agent.lab.powershell.formatting import format_value, plain
from agent.lab.powershell.types import ENUMS, TypeObject, type_name
from agent.lab.powershell.values import Char, EnumValue

Getter = Callable[[Any], Any]
Method = Callable[..., Any]


def natural_type(value: Any) -> str:
    """The key of the tables for a value."""
    if isinstance(value, Char):
        return "char"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, tuple)):
        return "array"
    if isinstance(value, EnumValue):
        return "enum"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float, decimal.Decimal)):
        return "number"
    return _moment(value)


def _moment(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return "datetime"
    if isinstance(value, dt.timedelta):
        return "timespan"
    return "guid" if isinstance(value, uuid.UUID) else "other"


def _equals(engine: Any, value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _text(engine: Any, value: Any, pattern: Any = "", culture: Any = None) -> str:
    return format_value(value, pattern if isinstance(pattern, str) else "") if pattern else plain(value)


def _get_type(engine: Any, value: Any) -> TypeObject:
    return TypeObject(type_name(value))


def _hash(engine: Any, value: Any) -> int:
    from agent.lab.powershell.errors import Refused

    raise Refused("GetHashCode()")


def _enum_members(engine: Any, kind: Any) -> list[Any]:
    found = ENUMS[kind.full_name_text.lower()]
    return [found(name) for name in found.members]


PROPERTIES: dict[str, dict[str, Getter]] = {
    "string": {"length": len},
    "array": {
        "length": len,
        "count": len,
        "longlength": len,
        "rank": lambda value: 1,
        "isfixedsize": lambda value: True,
        "isreadonly": lambda value: False,
        "issynchronized": lambda value: False,
        "syncroot": lambda value: value,
    },
    "enum": {"value__": int},
    "datetime": moments.DATETIME_PROPERTIES,
    "timespan": moments.TIMESPAN_PROPERTIES,
}
METHODS: dict[str, dict[str, Method]] = {
    "object": {
        "gettype": _get_type,
        "tostring": _text,
        "equals": _equals,
        "gethashcode": _hash,
    },
    "string": strings.METHODS,
    "char": {"compareto": lambda engine, value, other: (value > other) - (value < other)},
    "array": arrays.METHODS,
    "number": numbers.METHODS,
    "bool": {},
    "enum": {},
    "datetime": moments.DATETIME_METHODS,
    "timespan": moments.TIMESPAN_METHODS,
    "guid": {"tobytearray": lambda engine, value: arrays.bytes_of(value.bytes_le)},
    "enumtype": {},
}
