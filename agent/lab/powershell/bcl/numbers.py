"""Owns numbers: their methods, Parse, limits, Math and Convert."""

from __future__ import annotations

import base64
import decimal
import math
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrType, register
from agent.lab.powershell.comparison import order
from agent.lab.powershell.conversion import convert
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import INT32_HIGH, INT32_LOW, SIZED, EnumKind, byte_array

METHODS: dict[str, Any] = {
    "compareto": lambda engine, value, other: order(value, other),
}
ROUNDING = register_enum(EnumKind("System.MidpointRounding", {"ToEven": 0, "AwayFromZero": 1}))


def _format_error() -> ClrError:
    return ClrError("Input string was not in a correct format.", "System.FormatException")


def _parser(name: str) -> Callable[..., Any]:
    def parse(engine: Any, text: Any, *rest: Any) -> Any:
        if rest:
            raise Refused(f"[{name}]::Parse with a style or culture")
        spelled = to_string(text).strip()
        body = spelled.lstrip("+-")
        whole = name not in ("System.Double", "System.Single", "System.Decimal")
        if not body or (whole and not body.isdigit()) or spelled.lower().startswith(("0x", "nan")):
            raise _format_error()
        try:
            return convert(None, decimal.Decimal(spelled) if not whole else int(spelled), name)
        except decimal.InvalidOperation:
            raise _format_error() from None
        except ClrError:
            short = name.rpartition(".")[2]
            raise ClrError(
                f"Value was either too large or too small for an {short}.",
                "System.OverflowException",
                bases=("System.ArithmeticException",),
            ) from None

    return parse


def _limits(low: Any, high: Any) -> dict[str, Callable[..., Any]]:
    return {"MinValue": lambda engine: low, "MaxValue": lambda engine: high}


register(
    ClrType("System.Int32", static={"Parse": _parser("System.Int32")}, constants=_limits(INT32_LOW, INT32_HIGH)), "int"
)
for _kind in SIZED:
    register(
        ClrType(
            _kind.TYPE, static={"Parse": _parser(_kind.TYPE)}, constants=_limits(_kind(_kind.LOW), _kind(_kind.HIGH))
        )
    )
register(
    ClrType(
        "System.Double",
        static={
            "Parse": _parser("System.Double"),
            "IsNaN": lambda engine, value: math.isnan(float(value)),
            "IsInfinity": lambda engine, value: math.isinf(float(value)),
        },
        constants={
            **_limits(-1.7976931348623157e308, 1.7976931348623157e308),
            "NaN": lambda engine: math.nan,
            "PositiveInfinity": lambda engine: math.inf,
            "NegativeInfinity": lambda engine: -math.inf,
            "Epsilon": lambda engine: 5e-324,
        },
    )
)
register(
    ClrType(
        "System.Decimal",
        static={"Parse": _parser("System.Decimal")},
        constants=_limits(-decimal.Decimal(2**96 - 1), decimal.Decimal(2**96 - 1)),
    )
)
register(ClrType("System.Boolean", static={"Parse": lambda engine, text: _boolean(text)}), "bool")


def _boolean(text: Any) -> bool:
    word = to_string(text).strip().lower()
    if word not in ("true", "false"):
        raise ClrError("String was not recognized as a valid Boolean.", "System.FormatException")
    return word == "true"


def _number(value: Any) -> float | decimal.Decimal:
    return value if isinstance(value, decimal.Decimal) else float(convert(None, value, "System.Double"))


def _round(engine: Any, value: Any, digits: Any = 0, mode: Any = 0) -> Any:
    if not isinstance(digits, int) or isinstance(digits, (str, bool)) or type(digits).__name__ == "EnumValue":
        digits, mode = 0, digits
    away = int(convert(None, mode, "System.MidpointRounding")) == 1
    number = _number(value)
    exact = number if isinstance(number, decimal.Decimal) else decimal.Decimal(repr(number))
    how = decimal.ROUND_HALF_UP if away else decimal.ROUND_HALF_EVEN
    rounded = exact.quantize(decimal.Decimal(1).scaleb(-int(digits)), rounding=how)
    return rounded if isinstance(number, decimal.Decimal) else float(rounded)


def _like(value: Any, compute: Callable[[Any], Any]) -> Any:
    """The result in the operand's own type."""
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, int):
        return type(value)(compute(int(value))) if not isinstance(value, bool) else int(compute(int(value)))
    return compute(value)


def _float(function: Callable[..., float]) -> Callable[..., Any]:
    def call(engine: Any, *values: Any) -> float:
        try:
            return float(function(*(float(_number(value)) for value in values)))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return call


def _extreme(largest: bool) -> Callable[..., Any]:
    def pick(engine: Any, left: Any, right: Any) -> Any:
        if isinstance(left, str) or isinstance(right, str):
            left, right = _number(left), _number(right)
        if isinstance(left, float) or isinstance(right, float):
            left, right = float(left), float(right)
        return max(left, right) if largest else min(left, right)

    return pick


def _log(engine: Any, value: Any, base: Any = None) -> float:
    number = float(_number(value))
    if number <= 0:
        return -math.inf if number == 0 else math.nan
    return math.log(number) if base is None else math.log(number, float(base))


register(
    ClrType(
        "System.Math",
        static={
            "Round": _round,
            "Floor": lambda engine, value: _whole(value, math.floor),
            "Ceiling": lambda engine, value: _whole(value, math.ceil),
            "Truncate": lambda engine, value: _whole(value, math.trunc),
            "Abs": lambda engine, value: _like(value, abs),
            "Sign": lambda engine, value: (_number(value) > 0) - (_number(value) < 0),
            "Max": _extreme(True),
            "Min": _extreme(False),
            "Pow": _float(math.pow),
            "Sqrt": _float(math.sqrt),
            "Log": _log,
            "Log10": _float(math.log10),
            "Exp": _float(math.exp),
            "Sin": _float(math.sin),
            "Cos": _float(math.cos),
            "Tan": _float(math.tan),
            "Atan": _float(math.atan),
            "Atan2": _float(math.atan2),
        },
        constants={"PI": lambda engine: math.pi, "E": lambda engine: math.e},
    )
)


def _whole(value: Any, function: Callable[[Any], int]) -> Any:
    number = _number(value)
    return decimal.Decimal(function(number)) if isinstance(number, decimal.Decimal) else float(function(number))


def _based(name: str) -> Callable[..., Any]:
    def make(engine: Any, value: Any, base: Any = None) -> Any:
        if base is None:
            return convert(None, value, name)
        try:
            number = int(to_string(value), int(base))
        except ValueError:
            raise _format_error() from None
        if name == "System.Int32" and number > INT32_HIGH:
            number -= 2**32
        return convert(None, number, name)

    return make


def _to_text(engine: Any, value: Any, base: Any = None) -> str:
    if base is None or int(base) == 10:
        return to_string(value)
    number = int(value) % 2**32 if value < 0 else int(value)
    letters = {2: "b", 8: "o", 16: "x"}
    if int(base) not in letters:
        raise ClrError("Invalid Base.", "System.ArgumentException")
    return format(number, letters[int(base)])


def _from_base64(engine: Any, text: Any) -> Any:
    try:
        return byte_array(base64.b64decode("".join(to_string(text).split()), validate=True))
    except ValueError:
        raise ClrError("Invalid length for a Base-64 char array.", "System.FormatException") from None


register(
    ClrType(
        "System.Convert",
        static={
            "ToInt32": _based("System.Int32"),
            "ToInt64": _based("System.Int64"),
            "ToInt16": _based("System.Int16"),
            "ToUInt32": _based("System.UInt32"),
            "ToByte": _based("System.Byte"),
            "ToDouble": _based("System.Double"),
            "ToDecimal": _based("System.Decimal"),
            "ToChar": _based("System.Char"),
            "ToBoolean": lambda engine, value: _boolean(value) if isinstance(value, str) else bool(value),
            "ToDateTime": _based("System.DateTime"),
            "ToString": _to_text,
            "ToBase64String": lambda engine, content: base64.b64encode(bytes(content)).decode("ascii"),
            "FromBase64String": _from_base64,
        },
    )
)
