"""Owns System.Diagnostics.Stopwatch and Thread.Sleep, on the machine's clock."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrObject, ClrType, method, prop, register
from agent.lab.powershell.values import Long

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class Stopwatch(ClrObject):
    """Elapsed time."""

    TYPE = "System.Diagnostics.Stopwatch"

    def __init__(self, engine: Engine) -> None:
        """Not running, at zero."""
        self.clock = engine.machine.clock
        self.kept = 0.0
        self.since: float | None = None

    def seconds(self) -> float:
        """What it shows."""
        return self.kept + (self.clock.monotonic() - self.since if self.since is not None else 0.0)

    @prop("IsRunning")
    def is_running(self) -> bool:
        """Whether it runs."""
        return self.since is not None

    @prop("Elapsed")
    def elapsed(self) -> dt.timedelta:
        """As a TimeSpan."""
        return dt.timedelta(seconds=self.seconds())

    @prop("ElapsedMilliseconds")
    def milliseconds(self) -> Long:
        """In whole milliseconds."""
        return Long(int(self.seconds() * 1000))

    @prop("ElapsedTicks")
    def ticks(self) -> Long:
        """In 100 ns."""
        return Long(int(self.seconds() * 10_000_000))

    @method("Start")
    def start(self) -> None:
        """Go on."""
        if self.since is None:
            self.since = self.clock.monotonic()

    @method("Stop")
    def stop(self) -> None:
        """Halt."""
        self.kept, self.since = self.seconds(), None

    @method("Reset")
    def reset(self) -> None:
        """Halt, at zero."""
        self.kept, self.since = 0.0, None


def _start_new(engine: Engine) -> Stopwatch:
    made = Stopwatch(engine)
    made.start()
    return made


def _sleep(engine: Engine, milliseconds: Any) -> None:
    if isinstance(milliseconds, dt.timedelta):
        engine.sleep(milliseconds.total_seconds())
    else:
        engine.sleep(int(engine.convert(milliseconds, "System.Int32")) / 1000)


register(ClrType("System.Diagnostics.Stopwatch", construct=Stopwatch, static={"StartNew": _start_new}))
register(ClrType("System.Threading.Thread", static={"Sleep": _sleep}))
