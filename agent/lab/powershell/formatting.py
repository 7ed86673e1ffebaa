"""Owns the -f operator, String.Format and numeric format strings, in en-US."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject
from agent.lab.powershell.dates import format_datetime
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import general, to_string
from agent.lab.powershell.values import EnumValue

_ITEM = re.compile(r"\{\{|\}\}|\{(\d+)(?:\s*,\s*(-?\d+)\s*)?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")
FORMAT = "System.FormatException"


def composite(template: str, arguments: list[Any]) -> str:
    """`template -f arguments`."""

    def one(found: re.Match[str]) -> str:
        token = found.group()
        if token in ("{{", "}}"):
            return token[0]
        if found[1] is None:
            raise ClrError("Error formatting a string: Input string was not in a correct format..", FORMAT)
        if int(found[1]) >= len(arguments):
            raise ClrError(
                "Error formatting a string: Index (zero based) must be greater than or equal to zero and less than the "
                "size of the argument list..",
                FORMAT,
            )
        text = format_value(arguments[int(found[1])], found[3] or "")
        width = int(found[2] or 0)
        return text.ljust(-width) if width < 0 else text.rjust(width)

    return _ITEM.sub(one, template)


def format_value(value: Any, pattern: str) -> str:
    """One value by a .NET format string; the empty pattern is ToString() in en-US."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return format_datetime(value, pattern or "G")
    if not pattern or isinstance(value, (str, bool, list)):
        return plain(value)
    if isinstance(value, EnumValue):
        return _enum(value, pattern)
    if isinstance(value, (int, float, decimal.Decimal)):
        return number(value, pattern)
    if isinstance(value, uuid.UUID):
        return _guid(value, pattern)
    if isinstance(value, ClrObject):
        return plain(value)
    raise Refused(f"the format '{pattern}' of a {type(value).__name__}")


def plain(value: Any) -> str:
    """ToString() without a format."""
    if isinstance(value, list):
        kind = getattr(value, "kind", "System.Object")
        return f"{kind}[]"
    if isinstance(value, dt.datetime):
        return format_datetime(value, "G")
    return to_string(value)


def _enum(value: EnumValue, pattern: str) -> str:
    if pattern in "gG":
        return value.label
    if pattern in "dD":
        return str(int(value))
    if pattern in "xX":
        return f"{int(value):08{pattern}}"
    raise Refused(f"the enumeration format '{pattern}'")


def _guid(value: uuid.UUID, pattern: str) -> str:
    shapes = {"n": value.hex, "d": str(value), "b": f"{{{value}}}", "p": f"({value})"}
    if pattern.lower() not in shapes:
        raise ClrError('Format String can be only "D", "d", "N", "n", "P", "p", "B" or "b".', FORMAT)
    return shapes[pattern.lower()]


def number(value: int | float | decimal.Decimal, pattern: str) -> str:
    """A number by a standard (`N2`, `X8`, `P0` ...) or custom (`0.00`, `#,##0`) format."""
    found = re.fullmatch(r"([A-Za-z])(\d{0,2})", pattern)
    if not found:
        return _custom(value, pattern)
    letter, digits = found[1], int(found[2]) if found[2] else None
    if letter in "dDxX":
        return _integer(value, letter, digits or 0)
    exact = decimal.Decimal(repr(value)) if isinstance(value, float) else decimal.Decimal(value)
    places = 2 if digits is None else digits
    if letter in "fF":
        return f"{_round(exact, places):.{places}f}"
    if letter in "nN":
        return f"{_round(exact, places):,.{places}f}"
    if letter in "pP":
        return f"{_round(exact * 100, places):,.{places}f} %"
    if letter in "cC":
        text = f"${abs(_round(exact, places)):,.{places}f}"
        return f"({text})" if exact < 0 else text
    return _scientific(value, letter, digits)


def _integer(value: Any, letter: str, digits: int) -> str:
    if not isinstance(value, int):
        raise ClrError("Error formatting a string: Format specifier was invalid..", FORMAT)
    if letter in "dD":
        return ("-" if value < 0 else "") + str(abs(int(value))).rjust(digits, "0")
    low = getattr(type(value), "LOW", -(2**31))
    bits = {-128: 8, -32768: 16, -(2**63): 64}.get(low, 32)
    text = format(int(value) % 2**bits if value < 0 else int(value), letter)
    return text.rjust(digits, "0")


def _scientific(value: Any, letter: str, digits: int | None) -> str:
    if letter in "eE":
        mantissa, _, exponent = f"{float(value):.{6 if digits is None else digits}e}".partition("e")
        return f"{mantissa}{letter}{exponent[0]}{int(exponent[1:]):03d}"
    if letter in "gG":
        return general(float(value), digits) if digits else plain(value)
    if letter in "rR":
        return plain(value) if not isinstance(value, float) else repr(value).removesuffix(".0")
    raise ClrError("Error formatting a string: Format specifier was invalid..", FORMAT)


def _round(value: decimal.Decimal, places: int) -> decimal.Decimal:
    """Formats round half away from zero, unlike casts."""
    return value.quantize(decimal.Decimal(1).scaleb(-places), rounding=decimal.ROUND_HALF_UP)


_CUSTOM = re.compile(
    r"((?:[^0#.,%'\"\\;eE]|'[^']*'|\"[^\"]*\"|\\.)*)([0#,]*)(?:\.([0#]*))?(%?)((?:[^0#.,%;'\"\\eE]|'[^']*')*)"
)


def _custom(value: int | float | decimal.Decimal, pattern: str) -> str:
    found = _CUSTOM.fullmatch(pattern)
    if not found:
        raise Refused(f"the number format '{pattern}'")
    prefix, whole, fraction, percent, suffix = found.groups()
    exact = decimal.Decimal(repr(value)) if isinstance(value, float) else decimal.Decimal(value)
    fraction = fraction or ""
    if whole.endswith(","):
        raise Refused(f"the number format '{pattern}'")
    rounded = _round(exact * 100 if percent else exact, len(fraction))
    before, _, after = f"{abs(rounded):.{len(fraction)}f}".partition(".")
    least = whole.replace(",", "").count("0")
    before = before.lstrip("0").rjust(least, "0")
    if "," in whole:
        before = _grouped(before)
    needed = len(fraction.rstrip("#"))
    after = after[:needed] + after[needed:].rstrip("0")
    sign = "-" if rounded < 0 else ""
    return sign + _bare(prefix) + before + (f".{after}" if after else "") + percent + _bare(suffix)


def _grouped(digits: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", digits)


def _bare(text: str) -> str:
    return re.sub(r"'([^']*)'|\"([^\"]*)\"|\\(.)", lambda found: found[1] or found[2] or found[3] or "", text)
