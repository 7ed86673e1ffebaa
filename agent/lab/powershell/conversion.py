"""Owns how one type becomes another: casts, parameter types, operands."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from agent.lab.powershell import clr
from agent.lab.powershell.clr import ClrError, ClrObject
from agent.lab.powershell.dates import parse_datetime, parse_timespan
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import ENUMS, TypeObject, resolve, sized_kind, type_chain, type_name
from agent.lab.powershell.values import (
    INT32_HIGH,
    INT32_LOW,
    INT64_HIGH,
    INT64_LOW,
    Char,
    EnumValue,
    Hashtable,
    Long,
    Single,
    SwitchParameter,
    TypedArray,
    byte_array,
)

RUNTIME = "System.Management.Automation.RuntimeException"
CAST_ERROR = "System.Management.Automation.PSInvalidCastException"
# What bindings add: full type name -> function(engine, value) giving the object, or raising ClrError.
CASTS: dict[str, Callable[[Any, Any], Any]] = {}


def cast_failure(value: Any, name: str, detail: str = "") -> ClrError:
    """The error of a cast that cannot be, as 2.0 words it."""
    if detail:
        text = f'Cannot convert value "{to_string(value)}" to type "{name}". Error: "{detail}"'
    else:
        shown = type_name(value) if isinstance(value, (list, tuple)) else to_string(value)
        text = f'Cannot convert the "{shown}" value of type "{type_name(value)}" to type "{name}".'
    cause = (
        ClrError(detail, "System.FormatException" if "format" in detail else "System.OverflowException")
        if detail
        else None
    )
    inner = ClrError(text, CAST_ERROR, bases=("System.InvalidCastException",), inner=cause)
    return ClrError(text, RUNTIME, inner=inner)  # 2.0 shows a RuntimeException here


def to_bool(value: Any) -> bool:
    """What `if ($value)` sees: empty, zero, $null are false; one item counts as itself; more are true."""
    if value is True or value is False:  # nearly always
        return bool(value)
    if value is None:
        return False
    if isinstance(value, (bool, int, float, decimal.Decimal)):
        return bool(value)
    if isinstance(value, Char):
        return value != "\0"
    if isinstance(value, str):
        return len(value) > 0
    if isinstance(value, (list, tuple)):
        return len(value) > 1 or (len(value) == 1 and to_bool(value[0]))
    if isinstance(value, Hashtable):
        return True
    if isinstance(value, ClrObject):
        return value.ps_truth()
    return True


def iterate(value: Any) -> Iterator[Any] | None:
    """The items the pipeline unrolls, None for a scalar."""
    if isinstance(value, (list, tuple)):
        return iter(list(value))
    if isinstance(value, ClrObject):
        return value.ps_iterate()
    if isinstance(value, (bytes, bytearray)):
        return iter(byte_array(bytes(value)))
    return None


def round_half_even(number: float | decimal.Decimal) -> int:
    """Banker's rounding, as every cast to an integer does it."""
    return round(number)


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def parse_number(text: str) -> int | float:
    """The number in a string operand; ValueError where there is none. The empty string is 0."""
    text = text.strip()
    if not text:
        return 0
    if re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", text):
        return _hexadecimal(text)
    if re.fullmatch(r"[+-]?\d+", text):
        return fit(int(text))
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)[dDlL]?([kKmMgGtTpP][bB])?", text) and not _NUMBER.fullmatch(text):
        raise Refused(f'the string "{text}" as a number with a suffix')
    if "," in text and re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", text):
        return parse_number(text.replace(",", ""))
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _hexadecimal(text: str) -> int | float:
    number = int(text.lstrip("+-"), 16)
    if number > 2**32 - 1 or text[0] == "-":
        return fit(number if text[0] != "-" else -number)
    return number - 2**32 if number > INT32_HIGH else number  # 0xFFFFFFFF is -1


def fit(number: int) -> int | float:
    """An integer in the smallest of Int32, Int64, Double that holds it."""
    if INT32_LOW <= number <= INT32_HIGH:
        return number
    return Long(number) if INT64_LOW <= number <= INT64_HIGH else float(number)


def to_number(value: Any, name: str = "System.Int32") -> Any:
    """A number from any operand; ClrError where it is none. `name` is the type an error names."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, str):
        try:
            return parse_number(value)
        except ValueError:
            raise cast_failure(value, name, "Input string was not in a correct format.") from None
    if isinstance(value, EnumValue):
        return int(value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return value
    if isinstance(value, SwitchParameter):
        return int(value.on)
    raise cast_failure(value, name)


def _integer(value: Any, name: str, low: int, high: int) -> int:
    number = to_number(value, name)
    if isinstance(number, float) and (number != number or number in (float("inf"), float("-inf"))):
        raise cast_failure(value, name, f"Value was either too large or too small for an {name[7:]}.")
    whole = round_half_even(number) if not isinstance(number, int) else int(number)
    if not low <= whole <= high:
        article = "an" if name[7:8] in "IU" and name != "System.UInt" else "a"
        shown = {"System.Byte": "unsigned byte", "System.SByte": "signed byte"}.get(name, name[7:])
        raise cast_failure(value, name, f"Value was either too large or too small for {article} {shown}.")
    return whole


def _char(value: Any) -> Char:
    if isinstance(value, Char):
        return value
    if isinstance(value, str) and len(value) == 1:
        return Char(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFF:
        return Char(chr(value))
    if isinstance(value, str):
        raise cast_failure(value, "System.Char", "String must be exactly one character long.")
    raise cast_failure(value, "System.Char")


def _enum(value: Any, name: str) -> EnumValue:
    kind = ENUMS[name.lower()]
    if isinstance(value, EnumValue) and value.kind is kind:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return kind(int(value))
    text = ",".join(to_string(item) for item in value) if isinstance(value, list) else to_string(value)
    found = kind(int(text)) if text.strip().lstrip("-").isdigit() else kind.find(text)
    if found is None:
        allowed = ", ".join(kind.members)
        raise ClrError(
            f'Cannot convert value "{text}" to type "{name}" due to invalid enumeration values. Specify one of the '
            f'following enumeration values and try again. The possible enumeration values are "{allowed}".',
            CAST_ERROR,
            bases=("System.InvalidCastException",),
        )
    return found


def _array(engine: Any, value: Any, element: str) -> list[Any]:
    if isinstance(value, str) and element == "System.Char":
        items: list[Any] = [Char(unit) for unit in value]
    else:
        found = iterate(value)
        items = [value] if found is None else list(found)
    if element == "System.Object":
        return items if not isinstance(value, list) or isinstance(value, TypedArray) else value
    return TypedArray((convert(engine, item, element) for item in items), element)


def _boolean(value: Any) -> bool:
    return to_bool(value)


def _guid(value: Any) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(to_string(value))
    except ValueError:
        detail = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        raise cast_failure(value, "System.Guid", detail) from None


def _timespan(value: Any) -> dt.timedelta:
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return dt.timedelta(microseconds=value // 10)
    if isinstance(value, str):
        return parse_timespan(value)
    raise cast_failure(value, "System.TimeSpan")


def _datetime(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, str):
        return parse_datetime(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 3155378975999999999:  # the last tick
        return dt.datetime(1, 1, 1) + dt.timedelta(microseconds=value // 10)
    raise cast_failure(value, "System.DateTime")


def _decimal(value: Any) -> decimal.Decimal:
    if isinstance(value, str):
        try:
            return decimal.Decimal(value.strip() or "0")
        except decimal.InvalidOperation:
            detail = "Input string was not in a correct format."
            raise cast_failure(value, "System.Decimal", detail) from None
    number = to_number(value, "System.Decimal")
    return decimal.Decimal(repr(float(number))) if isinstance(number, float) else decimal.Decimal(number)


def _type(value: Any) -> TypeObject:
    return value if isinstance(value, TypeObject) else TypeObject(resolve(to_string(value)))


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "System.Boolean": _boolean,
    "System.Char": _char,
    "System.Double": lambda value: float(to_number(value, "System.Double")),
    "System.Single": lambda value: Single(to_number(value, "System.Single")),
    "System.Decimal": _decimal,
    "System.DateTime": _datetime,
    "System.TimeSpan": _timespan,
    "System.Guid": _guid,
    "System.Type": _type,
    "System.Object": lambda value: value,
    "System.Management.Automation.PSObject": lambda value: value,
    "System.Management.Automation.SwitchParameter": lambda value: SwitchParameter(to_bool(value)),
    "System.Int32": lambda value: _integer(value, "System.Int32", INT32_LOW, INT32_HIGH),
}


def convert(engine: Any, value: Any, name: str) -> Any:
    """The value as type `name` (a full name); ClrError where it cannot be, Refused where the lab does not know."""
    plain = _PLAIN.get(name)
    if plain is not None:
        return None if value is None and name == "System.Object" else plain(value)
    if name == "System.String":
        return to_string(value, engine.separator() if engine is not None else " ")
    kind = sized_kind(name)
    if kind is not None:
        return kind(_integer(value, name, kind.LOW, kind.HIGH))
    if name.endswith("[]"):
        return None if value is None else _array(engine, value, name[:-2])
    if name.lower() in ENUMS:
        return _enum(value, name)
    return _object(engine, value, name)


def _object(engine: Any, value: Any, name: str) -> Any:
    if value is None:
        return None
    if name in type_chain(value):
        return value
    if name in CASTS:
        return CASTS[name](engine, value)
    if name == "System.Array":
        return _array(engine, value, "System.Object")
    declared = clr.TYPES.get(name.lower())
    if declared is not None and declared.construct is not None:
        try:
            return declared.construct(engine, value)
        except ClrError as error:
            raise cast_failure(value, name, error.message) from error
        except TypeError:
            raise cast_failure(value, name) from None
    raise cast_failure(value, name)
