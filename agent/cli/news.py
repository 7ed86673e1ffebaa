"""Owns what is new since people were told last: drift, debts, servers that are well again, a window that has passed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from agent.cli.telling import GOOD, by_state
from agent.cli.told import Told
from agent.model import ServerState

if TYPE_CHECKING:
    from agent.model import Debt
    from agent.outcome import ServerOutcome
    from agent.window import Windows


@dataclass(frozen=True, slots=True)
class Seen:
    """How a tick found everything; `by_run` are the servers of a run of its own, of which that run has told."""

    now: datetime
    servers: tuple[ServerOutcome, ...]
    by_run: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()  # servers that are still to be changed
    debts: tuple[Debt, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What is worth a message: a headline and lines, both empty for silence; and what has been told from now on."""

    headline: str
    lines: tuple[str, ...]
    told: Told


def news(before: Told, seen: Seen, windows: Windows) -> News:
    """Only what is new; the same drift is told once."""
    states = {each.name: str(each.state) for each in seen.servers if each.state not in GOOD}
    fresh = [each for each in seen.servers if _is_new(each, before, seen)]
    well = sorted(before.servers.keys() - states.keys() & {each.name for each in seen.servers} - seen.by_run)
    debts = {f"{debt.run} {debt.server} {debt.kind}": debt for debt in seen.debts}
    passed = before.closes_at is not None and before.closes_at <= seen.now and bool(seen.left)
    new_debts = [debt for key, debt in debts.items() if key not in before.debts]

    words = [f"window {before.window} passed with work left"] if passed else []
    words += [f"{sum(each.state is state for each in fresh)} {state}" for state in _states(fresh)]
    words += [f"{len(new_debts)} owed"] if new_debts else []
    words += [f"{len(well)} right again"] if well else []
    words += ["ticks work again"] if before.failure else []
    lines = [f"left by the window: {', '.join(seen.left)}"] if passed else []
    lines += by_state(fresh)
    lines += [f"owed to {debt.server} by run {debt.run}: {debt.words}" for debt in new_debts]
    lines += [f"right again: {', '.join(well)}"] if well else []
    told = replace(_next_window(windows, seen.now), servers=states, debts=frozenset(debts))
    return News(", ".join(words), tuple(lines), told)


def _is_new(server: ServerOutcome, before: Told, seen: Seen) -> bool:
    is_told = server.name in seen.by_run or before.servers.get(server.name) == server.state
    return server.state not in GOOD and not is_told


def _states(servers: list[ServerOutcome]) -> list[ServerState]:
    return [state for state in ServerState if any(each.state is state for each in servers)]


def _next_window(windows: Windows, now: datetime) -> Told:
    """The window that is open or opens next: when it will have passed."""
    standing = windows.at(now)
    if not standing.is_open and standing.next_opens_at is not None:
        standing = windows.at(standing.next_opens_at)
    if standing.opening is None or not standing.opening.name:
        return Told()
    return Told(window=standing.opening.name, closes_at=standing.closes_at)
