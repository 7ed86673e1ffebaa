"""Owns how values become text: expandable strings, casts to string, numbers and dates."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrObject
from agent.lab.powershell.values import EnumValue


def general(number: float, digits: int = 15) -> str:
    """A double as .NET's `G15` writes it."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    mantissa, _, exponent = f"{number:.{digits - 1}e}".partition("e")
    power = int(exponent)
    mantissa = mantissa.rstrip("0").rstrip(".")
    if power >= digits or power < -4:
        return f"{mantissa}E{'-' if power < 0 else '+'}{abs(power):02d}"
    return format(decimal.Decimal(f"{mantissa}e{power}"), "f")


def timespan(value: dt.timedelta) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`."""
    micro = value // dt.timedelta(microseconds=1)
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    seconds, micro = divmod(micro, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    day_part = f"{days}." if days else ""
    tail = f".{micro:06d}0" if micro else ""
    return f"{sign}{day_part}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{tail}"


def decimal_text(value: decimal.Decimal) -> str:
    """A decimal with its own scale, never an exponent."""
    return format(value, "f")


def scalar(value: Any) -> str | None:
    """The invariant text of a plain value, None for collections and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, EnumValue):
        return value.label
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return general(value, 7 if type(value).__name__ == "Single" else 15)
    if isinstance(value, decimal.Decimal):
        return decimal_text(value)
    return _moment(value)


def _moment(value: Any) -> str | None:
    if isinstance(value, dt.datetime):
        return value.strftime("%m/%d/") + f"{value.year:04d}" + value.strftime(" %H:%M:%S")
    if isinstance(value, dt.timedelta):
        return timespan(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    return None


def to_string(value: Any, separator: str = " ") -> str:
    """What `"$value"` and `[string]$value` give; `separator` is $OFS."""
    if type(value) is str:  # nearly always
        return value
    plain = scalar(value)
    if plain is not None:
        return plain
    if isinstance(value, (list, tuple)):
        return separator.join(to_string(item, separator) for item in value)
    if isinstance(value, (bytes, bytearray)):
        return separator.join(str(unit) for unit in value)
    if isinstance(value, CustomObject):
        return "@{" + "; ".join(f"{name}={_inside(held, separator)}" for name, held in value.items()) + "}"
    if isinstance(value, ClrObject):
        items = value.ps_iterate() if _enumerates(value) else None
        if items is not None:
            return separator.join(to_string(item, separator) for item in items)
        return value.ps_string()
    return str(value)


def _inside(value: Any, separator: str) -> str:
    """An array inside a bag shows as its type."""
    return f"{getattr(value, 'kind', 'System.Object')}[]" if isinstance(value, list) else to_string(value, separator)


def _enumerates(value: ClrObject) -> bool:
    """A collection object without its own text is written item by item."""
    own: Callable[..., Any] = type(value).ps_string
    return own is ClrObject.ps_string
