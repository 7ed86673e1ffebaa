"""Owns the arithmetic of a window: how long a server may take at the worst, and which servers of a run will not fit.

What an engineer wants here is a promise: a server that is begun inside the window is also finished, or put back, inside
it. The promise is worth nothing if it is made of a good day's figures, and no server is ever begun if everything is
taken to go wrong at once. So:

From defaults, while this journal knows less than five servers, each of the four stages has its own deadline once: the
look before the change (retry.deadline_seconds), the restart (restart.deadline_seconds, and 30 s to hear of it), the
proof (verify.deadline_seconds), and the way back, which needs no restart but the patience of a look. With the defaults
that is 60 + 630 + 180 + 60 seconds, 16 minutes. A good server takes two or three; this only decides at the end of a
window, when it is better to leave a server for the next one. Who has shorter windows than that lowers
restart.deadline_seconds, and so says how long a restart may really take.

From this journal, the 90th percentile of the servers changed last, and a quarter on top: a tenth of them took longer,
and tonight is not their night either. To this comes what a good server never shows: the proof that fails only after its
whole deadline, and the way back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from agent.config import Config
from agent.model import RestartMethod
from agent.waves import Wave
from agent.window import span

ENOUGH = 5
"""Fewer servers than this say nothing about the next one."""

PERCENTILE = 0.9
MARGIN = 1.25
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long one server may take, and what that rests on."""

    seconds: float
    basis: str  # "from defaults", "from the last 37 servers of this journal"

    @property
    def needs(self) -> timedelta:
        """The time that must be left for a server to be begun."""
        return timedelta(seconds=self.seconds)

    @property
    def words(self) -> str:
        """For plan, question and record: "16 minutes a server: from defaults"."""
        return f"{_long(self.seconds)} a server: {self.basis}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Which servers of a run can be begun and finished in the time that is left, said beforehand."""

    reached: tuple[str, ...]
    not_reached: tuple[str, ...]
    seconds: float  # that those which are reached take at the longest
    words: str


def estimate(config: Config, measured: Sequence[float]) -> Estimate:
    """The time one server needs from admission to proof, or to being put back.

    `measured` are the seconds of servers that were changed (`Journal.measured`).
    """
    if len(measured) < ENOUGH:
        forward = config.retry.deadline_seconds + _restart(config) + config.verify.deadline_seconds
        return Estimate(forward + _way_back(config), "from defaults")
    basis = f"from the last {len(measured)} servers of this journal"
    vain = config.verify.deadline_seconds
    return Estimate(_percentile(measured) * MARGIN + vain + _way_back(config), basis)


def fits(waves: Sequence[Wave], concurrency: int, one: Estimate, left: timedelta | None) -> Forecast:
    """Which servers can still be finished, when each takes as long as is estimated; `left` of None is without end."""
    reached: list[str] = []
    missed: list[str] = []
    longest = 0.0
    for begins, server in _begins(waves, concurrency, one.seconds):
        if left is None or timedelta(seconds=begins + one.seconds) <= left:
            reached.append(server)
            longest = begins + one.seconds
        else:
            missed.append(server)
    return Forecast(tuple(reached), tuple(missed), longest, _told(reached, missed, longest, one, left))


def _restart(config: Config) -> float:
    """A recycled pool answers at once, and without a restart there is nothing to wait for."""
    match config.restart.method:
        case RestartMethod.IISRESET:
            return config.restart.patience_seconds
        case RestartMethod.RECYCLE:
            return config.timeouts.read_seconds
        case RestartMethod.NONE:
            return 0.0


def _way_back(config: Config) -> float:
    """The flags are written back and read: questions of ordinary patience, and no second restart."""
    return config.retry.deadline_seconds if config.run.on_failure == "rollback" else 0.0


def _percentile(measured: Sequence[float]) -> float:
    """By nearest rank: a time that a server really took."""
    return sorted(measured)[math.ceil(len(measured) * PERCENTILE) - 1]


def _begins(waves: Sequence[Wave], concurrency: int, seconds: float) -> Iterator[tuple[float, str]]:
    """When each server begins: a wave after the one before it, and no more than `concurrency` at a time."""
    begins = 0.0
    for wave in waves:
        for at in range(0, len(wave.servers), concurrency):
            yield from ((begins, server) for server in wave.servers[at : at + concurrency])
            begins += seconds


def _told(reached: Sequence[str], missed: Sequence[str], longest: float, one: Estimate, left: timedelta | None) -> str:
    basis = f"({one.words})"
    if not missed:
        here = f"{_counted(len(reached))} {_long(longest)} at the longest {basis}"
        return here if left is None else f"{here}, and the window has {span(left)} left"
    there = f"with {span(left or timedelta(0))} left"
    if not reached:
        return f"no server can be finished {there} {basis}"
    return (
        f"{len(missed)} of {len(reached) + len(missed)} servers will not be reached {there} {basis}: {_names(missed)}"
    )


def _counted(servers: int) -> str:
    return "1 server takes" if servers == 1 else f"{servers} servers take"


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more


def _long(seconds: float) -> str:
    """In minutes, rounded up: an estimate that is said must not be shorter than the one that is kept."""
    if seconds < 60:
        return f"{math.ceil(seconds)} {'second' if math.ceil(seconds) == 1 else 'seconds'}"
    return span(timedelta(minutes=math.ceil(seconds / 60)))
