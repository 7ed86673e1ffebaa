"""Owns the one line that a person reads about a tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agent.cli.remedy import NEVER
from agent.exits import MEANING
from agent.model import ServerState
from agent.schedule import missed_words

if TYPE_CHECKING:
    from agent.cli.scheduled import Schedule
    from agent.outcome import Outcome, ServerOutcome
    from agent.schedule import Tick

NAMED = 5
"""Servers of one state that are named; the others are counted."""


def line(schedule: Schedule, tick: Tick, outcome: Outcome, parts: Sequence[str]) -> str:
    """When, what of which servers, what else, and what the exit code says."""
    told = "; ".join(part for part in (missed_words(tick.missed), *states(outcome.servers), *parts) if part)
    code = outcome.exit_code
    start = f"{tick.at:%Y-%m-%d %H:%M:%S} UTC  {schedule.words}"
    return f"{start}: {told}. Exit code {int(code)}: {MEANING[code]}."


def states(servers: Sequence[ServerOutcome]) -> Iterator[str]:
    """ "12 right", "1 pending (EX03)": those that are not right by name, as far as they fit."""
    for state in ServerState:
        names = [each.name for each in servers if each.state is state]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        who = "" if state is ServerState.RIGHT else f" ({', '.join(names[:NAMED])}{more})"
        if names:
            yield f"{len(names)} {state}{who}"


def counted(count: int, one: str, many: str) -> str:
    """ "1 debt", "2 debts"; empty for none."""
    return f"{count} {one if count == 1 else many}" if count else ""


def why_not(words: str) -> str:
    """Why nothing was changed, unless that is how it was ordered."""
    return f"not changed: {words}" if words not in ("", NEVER) else ""
