"""Random plays: a fleet, what goes wrong on it, how the run is conducted, and who dies where. Small is simple."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from paper import Case
from wire import AFTER, BEFORE, Break

PROXY = "CAS01"
SENT = ("detect", "readback", "backup", "clear", "restart", "restart-status", "start-services", "close", "restore")
SPREAD = 400
"""Boundaries within which a play has its deaths, stops and jumps; a run over one server meets about fifty."""


@dataclass(frozen=True)
class Play:
    """Everything that is not the same in two plays."""

    cases: tuple[Case, ...]
    breaks: tuple[Break, ...] = ()
    seed: int = 0  # whose turn it is
    concurrency: int = 1
    canary: int = 1
    first_wave: int = 1
    growth: float = 2.0
    max_failures: int | str = 3
    closes_after: float | None = None  # seconds from the beginning until the window closes
    needs: float = 60.0  # seconds that one server is estimated to take
    puts_back: bool = True  # on_failure: rollback
    dies_at: int | None = None  # the first process, at this boundary
    dies_again_at: int | None = None  # the one that resumes
    stops_at: int | None = None  # the operator presses Ctrl-C
    is_asked_to_stop_at: int | None = None  # somebody says `easfix stop`
    stalls_at: int | None = None  # the first process sleeps, as a laptop does, until it has been taken over
    jumps_at: int | None = None  # the wall clock is set
    jump: float = 0.0
    rival_after: float | None = None  # another run begins on the same servers, so many seconds later
    rolls_back: bool = False  # in the end the operator wants everything back


def maybe(strategy: st.SearchStrategy, likely: int = 1) -> st.SearchStrategy:
    """Mostly nothing."""
    return st.one_of(st.none(), *[strategy] * likely)


AT = st.integers(0, SPREAD)
TIMES = st.floats(0, 300, width=16)


def cases(name: str) -> st.SearchStrategy[Case]:
    """Mostly a server that has the fault and nothing else."""
    plain = st.builds(Case, st.just(name), word=st.sampled_from([8, 264, 8 | 32, 256]), is_inherited=st.booleans())
    child = st.builds(Case, st.just(name), word=st.sampled_from([8, None]), child=st.sampled_from([8, 264, 0]))
    left = st.builds(
        Case,
        st.just(name),
        word=st.sampled_from([8, 264, None, 64, 1 | 8, 0xFFFF_FF08 - 0x1_0000_0000]),
        is_inherited=st.booleans(),
        child=maybe(st.sampled_from([8, 0])),
        restart_seconds=st.sampled_from([0.0, 12.0, 100.0, 900.0]),
        loses_change=st.booleans(),
        cannot_save=st.integers(0, 9).map(lambda found: found == 9),
        stays_down=st.sampled_from(["", "", "SMTPSVC", "W3SVC"]),
        reverts_after=maybe(TIMES),
        reboots_at=maybe(TIMES),
        away=st.lists(st.tuples(TIMES, TIMES).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=2).map(tuple),
        is_denied=st.integers(0, 9).map(lambda found: found == 9),
        is_front_end=st.integers(0, 9).map(lambda found: found == 9),
        is_basic_only=st.integers(0, 9).map(lambda found: found == 9),
    )
    dead = st.builds(Case, st.just(name), stays_down=st.just("SMTPSVC"), is_disabled=st.just(True))
    return st.one_of(plain, plain, child, left, left, dead)


def breaks(names: tuple[str, ...]) -> st.SearchStrategy[Break]:
    """Something that goes wrong on the way to a server, once or for a while."""
    where = st.one_of(
        st.tuples(st.sampled_from(names), st.sampled_from(SENT)), st.just((PROXY, "hop")), st.just((PROXY, "hop"))
    )
    early = st.tuples(st.just("before"), st.sampled_from(BEFORE))
    late = st.tuples(st.just("after"), st.sampled_from(AFTER))
    return st.builds(
        lambda at, how, nth, times: Break(*at, *how, nth, times),
        where,
        st.one_of(early, late),
        st.integers(1, 4),
        st.sampled_from([1, 1, 2, 5, 100]),
    )


@st.composite
def plays(draw: st.DrawFn, most: int = 6) -> Play:
    """One play."""
    names = tuple(f"EX{number:02}" for number in range(1, draw(st.integers(1, most)) + 1))
    return Play(
        cases=tuple(draw(cases(name)) for name in names),
        breaks=tuple(draw(st.lists(breaks(names), max_size=4))),
        seed=draw(st.integers(0, 1000)),
        concurrency=draw(st.integers(1, 4)),
        canary=draw(st.integers(0, 2)),
        first_wave=draw(st.integers(1, 3)),
        growth=draw(st.sampled_from([1.0, 1.5, 2.0, 10.0])),
        max_failures=draw(st.sampled_from([1, 2, 3, "1%", "34%", "50%", "100%"])),
        closes_after=draw(maybe(st.floats(0, 900, width=16))),
        needs=draw(st.sampled_from([0.0, 60.0, 300.0])),
        puts_back=draw(st.sampled_from([True, True, False])),
        dies_at=draw(maybe(AT)),
        dies_again_at=draw(maybe(AT)),
        stops_at=draw(maybe(AT, 1)) if draw(st.booleans()) else None,
        is_asked_to_stop_at=draw(maybe(AT)) if draw(st.booleans()) else None,
        stalls_at=draw(maybe(AT)) if draw(st.booleans()) else None,
        jumps_at=draw(maybe(AT)) if draw(st.booleans()) else None,
        jump=draw(st.sampled_from([0.0, 3600.0, -3600.0, 30.0, -30.0])),
        rival_after=draw(maybe(TIMES)) if draw(st.booleans()) else None,
        rolls_back=draw(st.booleans()),
    )
