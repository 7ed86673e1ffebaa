"""Owns Get-Date, New-TimeSpan, Start-Sleep, Get-Random."""

from __future__ import annotations

import datetime as dt
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.conversion import convert, iterate
from agent.lab.powershell.dates import format_datetime
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.values import INT32_HIGH, local_time

_UNIX = {
    "Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "H": "HH", "M": "mm", "S": "ss", "I": "hh", "p": "tt", "b": "MMM",
    "B": "MMMM", "a": "ddd", "A": "dddd", "j": None, "e": "d", "D": "MM/dd/yy", "T": "HH:mm:ss", "R": "HH:mm",
}  # fmt: skip


@cmdlet(
    "Get-Date",
    [
        Parameter("Date", "DateTime", position=0, by_value=True, by_property=True, aliases=("LastWriteTime",)),
        *(Parameter(name, "Int32") for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")),
        Parameter("Format", "String"),
        Parameter("UFormat", "String"),
        Parameter("DisplayHint", "String"),
    ],
)
def get_date(invocation: Invocation) -> None:
    """The machine's time, or the given one with parts replaced."""
    when: dt.datetime = invocation["Date"] or local_time(invocation.engine.machine.clock.now())
    parts = {name.lower(): invocation[name] for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")}
    when = when.replace(**{name: held for name, held in parts.items() if held is not None})
    if "Format" in invocation:
        invocation.write(format_datetime(when, invocation["Format"]))
    elif "UFormat" in invocation:
        invocation.write(_unix(when, invocation["UFormat"]))
    else:
        invocation.write(when)


def _unix(when: dt.datetime, pattern: str) -> str:
    out, position = [], 0
    pattern = pattern.removeprefix("+")
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char != "%" or position == len(pattern):
            out.append(char)
            continue
        spelled = _UNIX.get(pattern[position])
        if spelled is None:
            raise Refused(f"Get-Date -UFormat %{pattern[position]}")
        out.append(format_datetime(when, spelled if len(spelled) > 1 else "%" + spelled))
        position += 1
    return "".join(out)


@cmdlet(
    "New-TimeSpan",
    [
        Parameter("Start", "DateTime", position=0, by_value=True, by_property=True),
        Parameter("End", "DateTime", position=1),
        *(Parameter(name, "Int32") for name in ("Days", "Hours", "Minutes", "Seconds")),
    ],
)
def new_timespan(invocation: Invocation) -> None:
    """Between two moments, or of so many units."""
    if "Start" in invocation or "End" in invocation:
        now = local_time(invocation.engine.machine.clock.now())
        start, end = invocation["Start"] or now, invocation["End"] or now
        invocation.write(end.replace(tzinfo=None) - start.replace(tzinfo=None))
        return
    units = {name.lower(): invocation[name] or 0 for name in ("Days", "Hours", "Minutes", "Seconds")}
    invocation.write(dt.timedelta(**units))


@cmdlet(
    "Start-Sleep",
    [
        Parameter("Seconds", "Int32", position=0, by_value=True, by_property=True),
        Parameter("Milliseconds", "Int32", by_property=True),
    ],
    aliases=("sleep",),
)
def start_sleep(invocation: Invocation) -> None:
    """Wait on the machine's clock."""
    if "Milliseconds" in invocation:
        seconds = invocation["Milliseconds"] / 1000
    elif "Seconds" in invocation:
        seconds = float(invocation["Seconds"])
    else:
        raise ClrError(
            "Cannot process command because of one or more missing mandatory parameters: Seconds.",
            "System.Management.Automation.ParameterBindingException",
            bases=("System.Management.Automation.RuntimeException",),
        )
    if seconds < 0:
        raise ClrError(
            f"Cannot validate argument on parameter 'Seconds'. The {int(seconds)} argument is less than the minimum "
            "allowed range of 0. Supply an argument that is greater than or equal to 0 and then try the command again.",
            "System.Management.Automation.ParameterBindingException",
            bases=("System.Management.Automation.RuntimeException",),
        )
    invocation.engine.sleep(seconds)


@cmdlet(
    "Get-Random",
    [
        Parameter("Maximum", position=0),
        Parameter("Minimum"),
        Parameter("InputObject", "Object[]", by_value=True),
        Parameter("Count", "Int32"),
        Parameter("SetSeed", "Int32"),
    ],
)
def get_random(invocation: Invocation) -> None:
    """A number of the machine's own generator, or one of the given objects."""
    rng = invocation.engine.machine.rng
    if "InputObject" in invocation or "Count" in invocation or "SetSeed" in invocation:
        if invocation.input is not None and "InputObject" in invocation and "Count" not in invocation:
            items: list[Any] = list(iterate(invocation["InputObject"]) or [])
            if len(items) > 1:
                invocation.write(rng.choice(items))
                return
        raise Refused("Get-Random over pipeline input, -Count or -SetSeed")
    low = int(convert(None, invocation["Minimum"] or 0, "System.Int32"))
    high = int(convert(None, invocation["Maximum"], "System.Int32")) if "Maximum" in invocation else INT32_HIGH
    if low >= high:
        raise ClrError(f"The Minimum value ({low}) cannot be greater than or equal to the Maximum value ({high}).")
    invocation.write(rng.randrange(low, high))
