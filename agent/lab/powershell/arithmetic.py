"""Owns + - * / % and the bitwise operators: the left operand decides, Int32 overflows to double (2.0 semantics)."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject
from agent.lab.powershell.conversion import convert, iterate, round_half_even, to_number
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import type_name
from agent.lab.powershell.values import (
    INT32_HIGH,
    INT32_LOW,
    INT64_HIGH,
    INT64_LOW,
    Char,
    EnumValue,
    Hashtable,
    Long,
    TypedArray,
    UInt32,
    UInt64,
)

Number = int | float | decimal.Decimal
RUNTIME = "System.Management.Automation.RuntimeException"


def is_number(value: Any) -> bool:
    """Whether the value is a .NET number (a bool is not)."""
    return isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, (bool, EnumValue))


def _no_operator(value: Any, name: str) -> ClrError:
    return ClrError(
        f"Method invocation failed because [{type_name(value)}] doesn't contain a method named '{name}'.", RUNTIME
    )


def _wide(left: Any, right: Any) -> bool:
    """Whether the result is Int64 or wider though it would fit Int32."""
    return (
        isinstance(left, (Long, UInt32, UInt64))
        or isinstance(right, (Long, UInt32, UInt64))
        or not (INT32_LOW <= left <= INT32_HIGH and INT32_LOW <= right <= INT32_HIGH)
    )


def _whole(result: int, left: int, right: int) -> Number:
    """An integer result: Int32 or Int64 as the operands were, double where it does not fit."""
    if isinstance(left, UInt64) or isinstance(right, UInt64):
        raise Refused("arithmetic on UInt64")
    if _wide(left, right):
        return Long(result) if INT64_LOW <= result <= INT64_HIGH else float(result)
    return result if INT32_LOW <= result <= INT32_HIGH else float(result)


def _pair(left: Any, right: Any) -> tuple[Number, Number]:
    """Both operands as numbers of one family: int, float or Decimal."""
    first, second = to_number(left), to_number(right)
    if isinstance(first, decimal.Decimal) or isinstance(second, decimal.Decimal):
        return _decimal(first), _decimal(second)
    if isinstance(first, float) or isinstance(second, float):
        return float(first), float(second)
    return first, second


def _decimal(number: Number) -> decimal.Decimal:
    return decimal.Decimal(repr(float(number))) if isinstance(number, float) else decimal.Decimal(number)


def _numeric(left: Any, right: Any, name: str, compute: Callable[[Any, Any], Any]) -> Number:
    if not isinstance(left, (int, float, decimal.Decimal, str, type(None))):
        raise _no_operator(left, name)
    first, second = _pair(left, right)
    if isinstance(first, int) and isinstance(second, int):
        return _whole(compute(first, second), first, second)
    try:
        return compute(first, second)  # type: ignore[no-any-return] # float or Decimal as its operands
    except OverflowError:
        return float("inf")


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    if type(left) is int and type(right) is int:
        result = left + right
        return result if INT32_LOW <= result <= INT32_HIGH else _whole(result, left, right)
    if left is None:
        return right
    if isinstance(left, str) and not isinstance(left, Char):
        return left + to_string(right)
    if isinstance(left, (list, tuple)):
        items = iterate(right)
        return [*left, *(items if items is not None and not isinstance(right, Hashtable) else [right])]
    return _add_other(left, right)


def _add_other(left: Any, right: Any) -> Any:
    if isinstance(left, Char) and isinstance(right, str):
        return left + right
    if isinstance(left, Hashtable):
        return _add_hashtable(left, right)
    if isinstance(left, (dt.datetime, dt.timedelta)):
        if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
            raise _no_operator(left, "op_Addition")
        return left + convert(None, right, "System.TimeSpan")
    if isinstance(left, ClrObject) and (items := iterate(left)) is not None:
        return [*items, *(iterate(right) or [right])]
    if isinstance(left, Char):
        left = ord(left)
    return _numeric(left, right, "op_Addition", lambda first, second: first + second)


def _add_hashtable(left: Hashtable, right: Any) -> Hashtable:
    if not isinstance(right, Hashtable):
        raise ClrError("You can add another hash table only to a hash table.", RUNTIME)
    result = Hashtable(left.items())
    for key, value in right.items():
        result.add(key, value)
    return result


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    if type(left) is int and type(right) is int:
        result = left - right
        return result if INT32_LOW <= result <= INT32_HIGH else _whole(result, left, right)
    if isinstance(left, dt.datetime):
        if isinstance(right, (dt.datetime, dt.timedelta)):
            return _date_difference(left, right)
        return left - convert(None, right, "System.TimeSpan")
    if isinstance(left, dt.timedelta):
        return left - convert(None, right, "System.TimeSpan")
    return _numeric(left, right, "op_Subtraction", lambda first, second: first - second)


def _date_difference(left: dt.datetime, right: dt.datetime | dt.timedelta) -> dt.datetime | dt.timedelta:
    """Kinds do not matter to .NET: it subtracts the ticks."""
    if isinstance(right, dt.timedelta):
        return left - right
    return left.replace(tzinfo=None) - right.replace(tzinfo=None)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`; repeats strings and arrays."""
    if left is None:
        raise Refused("$null as the left operand of *")
    if isinstance(left, str) and not isinstance(left, Char):
        return left * _times(right)
    if isinstance(left, list):
        return list(left) * _times(right)
    return _numeric(left, right, "op_Multiply", lambda first, second: first * second)


def _times(right: Any) -> int:
    count = int(convert(None, right, "System.Int32"))
    if count < 0:
        raise ClrError(
            "Specified argument was out of the range of valid values.\r\nParameter name: times",
            "System.ArgumentOutOfRangeException",
            bases=("System.ArgumentException",),
        )
    return count


def _zero() -> ClrError:
    inner = ClrError(
        "Attempted to divide by zero.", "System.DivideByZeroException", bases=("System.ArithmeticException",)
    )
    return ClrError("Attempted to divide by zero.", RUNTIME, inner=inner)


def divide(left: Any, right: Any) -> Any:
    """`left / right`: an integer where it is exact, else a double."""
    if not isinstance(left, (int, float, decimal.Decimal, str, type(None))):
        raise _no_operator(left, "op_Division")
    first, second = _pair(left, right)
    if isinstance(first, int) and isinstance(second, int):
        if second == 0:
            raise _zero()
        if first % second == 0:
            return _whole(first // second, first, second)
        return first / second
    if isinstance(first, decimal.Decimal) and second == 0:
        raise _zero()
    if second == 0:
        return (
            float("nan")
            if first == 0 or first != first
            else float("inf")
            if _same_sign(first, second)
            else -float("inf")
        )
    return _trim(first / second)  # type: ignore[operator] # _pair gave both one family


def _trim(quotient: Any) -> Any:
    """.NET decimals carry 28 digits and no needless zeros after a division."""
    return quotient.normalize() + 0 if isinstance(quotient, decimal.Decimal) else quotient


def _same_sign(first: Any, second: Any) -> bool:
    return (str(first)[0] == "-") == (str(second)[0] == "-")


def remainder(left: Any, right: Any) -> Any:
    """`left % right`; the sign is the dividend's."""
    if not isinstance(left, (int, float, decimal.Decimal, str, type(None))):
        raise _no_operator(left, "op_Modulus")
    first, second = _pair(left, right)
    if isinstance(first, int) and isinstance(second, int):
        if second == 0:
            raise _zero()
        result = abs(first) % abs(second)
        return _whole(-result if first < 0 else result, first, second)
    if isinstance(first, decimal.Decimal):
        if second == 0:
            raise _zero()
        return first % second  # type: ignore[operator] # _pair gave both one family
    return float("nan") if second == 0 else _float_remainder(float(first), float(second))


def _float_remainder(first: float, second: float) -> float:
    import math

    return math.fmod(first, second)


def negate(value: Any) -> Any:
    """Unary minus."""
    return subtract(0, value)


def plus(value: Any) -> Any:
    """Unary plus: the operand as a number."""
    return add(0, value)


def _bits(left: Any, right: Any) -> tuple[int, int, bool]:
    first, second = _bit_operand(left), _bit_operand(right)
    return first, second, _wide(first, second)


def _bit_operand(value: Any) -> int:
    """Bitwise operands are Int32 where they fit, else Int64."""
    number = to_number(value)
    if isinstance(number, UInt64):
        raise Refused("a bitwise operator on UInt64")
    if not isinstance(number, int):
        number = round_half_even(number)
        if not INT64_LOW <= number <= INT64_HIGH:
            return int(convert(None, value, "System.Int64"))
        return number if INT32_LOW <= number <= INT32_HIGH else Long(number)
    return number


def bitwise(name: str) -> Callable[[Any, Any], Any]:
    """The function of -band, -bor or -bxor."""
    compute: Callable[[int, int], int] = {
        "-band": int.__and__,
        "-bor": int.__or__,
        "-bxor": int.__xor__,
    }[name]

    def apply(left: Any, right: Any) -> Any:
        if isinstance(left, EnumValue):
            return left.kind(compute(int(left), int(convert(None, right, left.kind.name))))
        first, second, wide = _bits(left, right)
        result = compute(int(first), int(second))
        return Long(result) if wide else result

    return apply


def complement(value: Any) -> Any:
    """`-bnot value`."""
    number = _bit_operand(value)
    result = ~int(number)
    return Long(result) if isinstance(number, (Long, UInt32)) else result


def span(left: Any, right: Any) -> list[int]:
    """`left..right`, downwards too."""
    first, last = (int(convert(None, end, "System.Int32")) for end in (left, right))
    return list(range(first, last + 1)) if first <= last else list(range(first, last - 1, -1))


def typed_like(kind: str, items: list[Any]) -> TypedArray:
    """An array of `kind` (element type name) of the items."""
    return TypedArray(items, kind)
