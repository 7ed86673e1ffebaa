"""Owns DateTime and TimeSpan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrType, register
from agent.lab.powershell.conversion import convert
from agent.lab.powershell.dates import format_datetime, parse_datetime, parse_timespan
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import LOCAL, EnumKind, Long, local_time

DAY_OF_WEEK = register_enum(
    EnumKind(
        "System.DayOfWeek",
        {
            name: number
            for number, name in enumerate(
                ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
            )
        },
    )
)
KIND = register_enum(EnumKind("System.DateTimeKind", {"Unspecified": 0, "Utc": 1, "Local": 2}))
_EPOCH = dt.datetime(1, 1, 1)
_MICRO = dt.timedelta(microseconds=1)


def ticks(when: dt.datetime) -> Long:
    """100 ns units since the year 1."""
    return Long((when.replace(tzinfo=None) - _EPOCH) // _MICRO * 10)


def _kind(when: dt.datetime) -> Any:
    return KIND(0 if when.tzinfo is None else 2 if when.tzinfo is LOCAL else 1)


DATETIME_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "year": lambda when: when.year,
    "month": lambda when: when.month,
    "day": lambda when: when.day,
    "hour": lambda when: when.hour,
    "minute": lambda when: when.minute,
    "second": lambda when: when.second,
    "millisecond": lambda when: when.microsecond // 1000,
    "dayofweek": lambda when: DAY_OF_WEEK((when.weekday() + 1) % 7),
    "dayofyear": lambda when: when.timetuple().tm_yday,
    "date": lambda when: when.replace(hour=0, minute=0, second=0, microsecond=0),
    "timeofday": lambda when: when - when.replace(hour=0, minute=0, second=0, microsecond=0),
    "ticks": ticks,
    "kind": _kind,
    "datetime": lambda when: format_datetime(when, "F"),
}


def _number(value: Any) -> float:
    return float(convert(None, value, "System.Double"))


def _adder(unit: str) -> Callable[..., dt.datetime]:
    def add(engine: Any, when: dt.datetime, amount: Any) -> dt.datetime:
        number = _number(amount)
        if unit == "milliseconds":
            return when + dt.timedelta(milliseconds=round(number))
        return when + dt.timedelta(milliseconds=round(dt.timedelta(**{unit: number}) / dt.timedelta(milliseconds=1)))

    return add


def _add_months(engine: Any, when: dt.datetime, months: Any) -> dt.datetime:
    total = when.year * 12 + when.month - 1 + int(convert(None, months, "System.Int32"))
    year, month = divmod(total, 12)
    day = min(when.day, days_in_month(year, month + 1))
    return when.replace(year=year, month=month + 1, day=day)


def days_in_month(year: int, month: int) -> int:
    """DateTime.DaysInMonth."""
    import calendar

    return calendar.monthrange(year, month)[1]


def _text(engine: Any, when: dt.datetime, pattern: Any = "G", culture: Any = None) -> str:
    if pattern is None or not isinstance(pattern, str):
        return format_datetime(when, "G")
    return format_datetime(when, pattern or "G")


def _universal(engine: Any, when: dt.datetime) -> dt.datetime:
    return when.replace(tzinfo=dt.UTC)


def _local(engine: Any, when: dt.datetime) -> dt.datetime:
    return when.replace(tzinfo=LOCAL)


def _subtract(engine: Any, when: dt.datetime, other: Any) -> Any:
    from agent.lab.powershell.arithmetic import subtract

    return subtract(when, other)


def _file_time(engine: Any, when: dt.datetime) -> Long:
    return Long(ticks(when) - 504911232000000000)  # ticks of 1601-01-01


def _compare(engine: Any, left: dt.datetime, right: dt.datetime) -> int:
    first, second = left.replace(tzinfo=None), right.replace(tzinfo=None)
    return (first > second) - (first < second)


DATETIME_METHODS: dict[str, Any] = {
    **{f"add{unit}": _adder(unit) for unit in ("days", "hours", "minutes", "seconds", "milliseconds")},
    "addmonths": _add_months,
    "addyears": lambda engine, when, years: _add_months(engine, when, int(years) * 12),
    "add": lambda engine, when, span: when + convert(None, span, "System.TimeSpan"),
    "addticks": lambda engine, when, count: when + dt.timedelta(microseconds=int(count) // 10),
    "subtract": _subtract,
    "tostring": _text,
    "touniversaltime": _universal,
    "tolocaltime": _local,
    "toshortdatestring": lambda engine, when: format_datetime(when, "d"),
    "tolongdatestring": lambda engine, when: format_datetime(when, "D"),
    "toshorttimestring": lambda engine, when: format_datetime(when, "t"),
    "tolongtimestring": lambda engine, when: format_datetime(when, "T"),
    "tofiletime": _file_time,
    "tofiletimeutc": _file_time,
    "compareto": _compare,
    "equals": lambda engine, left, right: isinstance(right, dt.datetime) and _compare(engine, left, right) == 0,
}


def _whole(span: dt.timedelta, unit: dt.timedelta, within: int) -> int:
    micro = abs(span) // unit % within if within else abs(span) // unit
    return -micro if span < dt.timedelta(0) else micro


def _total(**unit: int) -> Callable[[Any], float]:
    size = dt.timedelta(**unit)
    return lambda span: span / size


TIMESPAN_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "days": lambda span: _whole(span, dt.timedelta(days=1), 0),
    "hours": lambda span: _whole(span, dt.timedelta(hours=1), 24),
    "minutes": lambda span: _whole(span, dt.timedelta(minutes=1), 60),
    "seconds": lambda span: _whole(span, dt.timedelta(seconds=1), 60),
    "milliseconds": lambda span: _whole(span, dt.timedelta(milliseconds=1), 1000),
    "ticks": lambda span: Long(span // _MICRO * 10),
    "totaldays": _total(days=1),
    "totalhours": _total(hours=1),
    "totalminutes": _total(minutes=1),
    "totalseconds": _total(seconds=1),
    "totalmilliseconds": _total(milliseconds=1),
}
TIMESPAN_METHODS: dict[str, Any] = {
    "add": lambda engine, span, other: span + other,
    "subtract": lambda engine, span, other: span - other,
    "negate": lambda engine, span: -span,
    "duration": lambda engine, span: abs(span),
    "compareto": lambda engine, span, other: (span > other) - (span < other),
    "tostring": lambda engine, span: to_string(span),
}


def _make_datetime(engine: Any, *parts: Any) -> dt.datetime:
    if len(parts) == 1:
        moment: dt.datetime = convert(None, parts[0], "System.DateTime")
        return moment
    numbers = [int(part) for part in parts[:6]]
    try:
        return dt.datetime(*numbers)  # type: ignore[arg-type] # three to six integers
    except ValueError:
        text = "Year, Month, and Day parameters describe an un-representable DateTime."
        raise ClrError(text, "System.ArgumentOutOfRangeException", bases=("System.ArgumentException",)) from None


def _make_timespan(engine: Any, *parts: Any) -> dt.timedelta:
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        return dt.timedelta(microseconds=numbers[0] // 10)
    if len(numbers) == 3:
        numbers = [0, *numbers]
    names = ("days", "hours", "minutes", "seconds", "milliseconds")
    return dt.timedelta(**dict(zip(names, numbers, strict=False)))


def _parse_exact(engine: Any, text: Any, pattern: Any, *rest: Any) -> dt.datetime:
    spelled = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
    layout = to_string(pattern)
    for token, code in spelled.items():
        layout = layout.replace(token, code)
    if any(
        char.isalpha()
        for char in layout.replace("%Y", "")
        .replace("%m", "")
        .replace("%d", "")
        .replace("%H", "")
        .replace("%M", "")
        .replace("%S", "")
        .replace("T", "")
        .replace("Z", "")
    ):
        raise Refused(f"ParseExact with the format '{to_string(pattern)}'")
    try:
        return dt.datetime.strptime(to_string(text), layout)
    except ValueError:
        raise ClrError("String was not recognized as a valid DateTime.", "System.FormatException") from None


register(
    ClrType(
        "System.DateTime",
        construct=_make_datetime,
        static={
            "Parse": lambda engine, text, *rest: parse_datetime(to_string(text)),
            "ParseExact": _parse_exact,
            "FromFileTime": lambda engine, count: (
                _EPOCH + dt.timedelta(microseconds=(int(count) + 504911232000000000) // 10)
            ).replace(tzinfo=LOCAL),
            "DaysInMonth": lambda engine, year, month: days_in_month(int(year), int(month)),
            "SpecifyKind": lambda engine, when, kind: when.replace(
                tzinfo=(None, dt.UTC, LOCAL)[int(convert(None, kind, "System.DateTimeKind"))]
            ),
        },
        constants={
            "Now": lambda engine: local_time(engine.machine.clock.now()),
            "UtcNow": lambda engine: engine.machine.clock.now().replace(tzinfo=dt.UTC),
            "Today": lambda engine: DATETIME_PROPERTIES["date"](local_time(engine.machine.clock.now())),
            "MinValue": lambda engine: dt.datetime.min,
            "MaxValue": lambda engine: dt.datetime.max,
        },
    )
)
register(
    ClrType(
        "System.TimeSpan",
        construct=_make_timespan,
        static={
            **{
                f"From{unit.title()}": (lambda name: lambda engine, amount: dt.timedelta(**{name: _number(amount)}))(
                    unit
                )
                for unit in ("days", "hours", "minutes", "seconds", "milliseconds")
            },
            "FromTicks": lambda engine, count: dt.timedelta(microseconds=int(count) // 10),
            "Parse": lambda engine, text: parse_timespan(to_string(text)),
        },
        constants={"Zero": lambda engine: dt.timedelta(0)},
    )
)
