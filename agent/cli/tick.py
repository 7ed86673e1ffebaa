"""Owns one tick of a schedule: second looks that are due, drift, debts, and the remedy where one is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.cli.news import Seen
from agent.cli.post import Post
from agent.cli.remedy import Remedy, remedy
from agent.cli.tickline import counted, line, why_not
from agent.exits import Exit
from agent.model import ServerState
from agent.outcome import Outcome, ServerOutcome

if TYPE_CHECKING:
    from agent.cli.looking import Decided
    from agent.cli.scheduled import Schedule
    from agent.cli.session import Session
    from agent.model import Debt, SecondLook, Server
    from agent.schedule import Tick

TROUBLE = frozenset({ServerState.REVERTED, ServerState.FAILED, ServerState.UNKNOWN})
"""What a second look can find that a look at the flags alone does not tell."""

NOT_TAKEN = "not taken"


@dataclass(frozen=True, slots=True)
class Look:
    """A second look that a tick took, or could not take."""

    run: str
    server: str
    state: str  # of the server, or NOT_TAKEN
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tick came to: the answer, and the same in one line."""

    outcome: Outcome
    line: str


@dataclass(frozen=True, slots=True)
class _Found:
    """All that a tick has found and done."""

    looks: tuple[Look, ...] = ()
    decided: tuple[Decided, ...] = ()
    done: Remedy = field(default_factory=Remedy)
    debts: tuple[Debt, ...] = ()
    at_work: Mapping[str, str] = field(default_factory=dict)  # servers that were not looked at, with the run there


def take(session: Session, schedule: Schedule, tick: Tick) -> Taken:
    """One tick; of several processes with one journal, only the first one does its work."""
    servers = schedule.servers(session.config)
    about: dict[str, object] = {"words": schedule.words, "at": tick.at.isoformat(), "missed": tick.missed}
    if schedule.timetable:
        claim = schedule.name(session.config), tick.at, session.holder("tick")
        if not session.journal.claim_tick(*claim):
            outcome = Outcome("run", (), codes=session.codes, extra={"schedule": {**about, "is_ours": False}})
            return Taken(outcome, line(schedule, tick, outcome, ["another process takes this tick"]))
    looks = tuple(_second_looks(session, servers))
    busy = dict(_at_work(session, servers))
    decided, drift = _drift(session, [each for each in servers if each.name not in busy])
    done = remedy(session, decided, f"{schedule.words}, tick of {tick.at:%Y-%m-%d %H:%M:%S} UTC")
    found = _Found(looks, tuple(decided), done, tuple(_debts(session)), busy)
    outcome = _answer(session, drift, found, {**about, "is_ours": True})
    summary = line(schedule, tick, outcome, _parts(found))
    Post(session.config, session.redactor, session.options, schedule).tick(_seen(outcome, found), summary)
    return Taken(outcome, summary)


def _second_looks(session: Session, servers: Sequence[Server]) -> Iterator[Look]:
    """Take every one that is due, run by run; one that cannot be taken stays due and stops nothing."""
    from agent.cli.verify import second_look
    from agent.errors import EasfixError, JournalError

    for run, looks in _due(session, servers).items():
        names = tuple(look.server for look in looks)
        if session.stop.is_set():
            return
        try:
            outcome = second_look(session, run, names, forced=False)
        except JournalError:
            raise
        except EasfixError as error:
            yield from (Look(run, name, NOT_TAKEN, error.message) for name in names)
        else:
            yield from (Look(run, each.name, str(each.state), each.reason) for each in outcome.servers)


def _due(session: Session, servers: Sequence[Server]) -> dict[str, list[SecondLook]]:
    """The second looks whose time has come, of these servers, by run."""
    mine = {each.name.casefold() for each in servers}
    due: dict[str, list[SecondLook]] = {}
    for look in session.journal.looks_due():
        if look.server.casefold() in mine:
            due.setdefault(look.run, []).append(look)
    return due


def _at_work(session: Session, servers: Sequence[Server]) -> Iterator[tuple[str, str]]:
    """The servers that a living run works on, each with the run: what a restart looks like from outside is no drift."""
    from agent.cli.takeover import stale_after, works_on

    for server in servers:
        held = session.journal.held_by(server.name)
        if held and works_on(session.journal, session.journal.run(held[0].run), stale_after(session)):
            yield server.name, held[0].run


def _drift(session: Session, servers: Sequence[Server]) -> tuple[list[Decided], Outcome]:
    """Look at every server, as `check` does."""
    from agent.cli import grid
    from agent.cli.looking import answer, decide_all

    with session.progress(servers) as listen:
        decided = decide_all(session, servers, listen)
        return decided, grid.forewarn(session, decided, answer(session, "run", decided))


def _debts(session: Session) -> Iterator[Debt]:
    """What is owed, and nobody works on now."""
    from agent.cli.takeover import stale_after, works_on

    for debt in session.journal.debts():
        if works_on(session.journal, session.journal.run(debt.run), stale_after(session)) is False:
            yield debt


def _answer(session: Session, drift: Outcome, found: _Found, about: dict[str, object]) -> Outcome:
    """Every server once, with what the second looks and the remedy came to."""
    run = found.done.outcome
    is_uncertain = bool(found.debts) or any(each.state == NOT_TAKEN for each in found.looks)
    codes = [*session.codes, *drift.codes, *(run.codes if run else ()), *([Exit.UNCERTAIN] if is_uncertain else ())]
    extra: dict[str, object] = {
        **drift.extra,
        "schedule": about,
        "second_looks": [
            {"run": each.run, "server": each.server, "state": each.state, "reason": each.reason} for each in found.looks
        ],
        "debts": [
            {"run": each.run, "server": each.server, "kind": str(each.kind), "words": each.words}
            for each in found.debts
        ],
        "at_work": [{"server": name, "run": run} for name, run in found.at_work.items()],
        "remediation": {"why_not": found.done.why_not, "held_back": dict(found.done.held_back)},
    }
    return Outcome("run", _together(drift, found), run.run if run else None, tuple(dict.fromkeys(codes)), extra)


def _together(drift: Outcome, found: _Found) -> tuple[ServerOutcome, ...]:
    """As the run of this tick left it, else as a second look found it, else as it was seen."""
    worked = {each.name: each for each in found.done.outcome.servers} if found.done.outcome else {}
    looked = {each.server: each for each in found.looks if each.state in TROUBLE}

    def one(seen: ServerOutcome) -> ServerOutcome:
        if seen.name in worked:
            return worked[seen.name]
        if look := looked.get(seen.name):
            return replace(seen, state=ServerState(look.state), reason=look.reason)
        if why := found.done.held_back.get(seen.name):
            return replace(seen, reason=f"{seen.reason}; left to a person: {why}")
        return seen

    return tuple(one(each) for each in drift.servers)


def _parts(found: _Found) -> list[str]:
    """What a line says beside the servers' states."""
    return [
        counted(len(found.looks), "second look", "second looks"),
        counted(len(found.debts), "debt", "debts"),
        f"at work: {', '.join(f'run {run} on {name}' for name, run in found.at_work.items())}" if found.at_work else "",
        f"run {found.done.outcome.run}" if found.done.outcome else "",
        f"left to a person: {', '.join(found.done.held_back)}" if found.done.held_back else "",
        why_not(found.done.why_not),
    ]


def _seen(outcome: Outcome, found: _Found) -> Seen:
    from agent.cli.session import now

    states = {each.name: each.state for each in outcome.servers}
    pending = [each.plan.server for each in found.decided if each.plan.steps]
    left = tuple(name for name in pending if states[name] not in (ServerState.CHANGED, ServerState.RIGHT))
    by_run = frozenset(each.name for each in found.done.outcome.servers) if found.done.outcome else frozenset()
    return Seen(now(), outcome.servers, by_run, left, found.debts)
