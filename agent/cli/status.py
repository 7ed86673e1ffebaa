"""The command `status`: what is owed, to which server, by which run, and the command that settles it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from agent.cli.session import Session
    from agent.journal import Journal
    from agent.model import Debt, RunRecord, SecondLook, ServerRecord
    from agent.outcome import ServerOutcome


@dataclass(frozen=True, slots=True)
class Work:
    """A run that works on: its servers, and by whom it was asked to stop, if it was."""

    run: RunRecord
    servers: tuple[str, ...]
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the record says is not finished."""

    owed: tuple[ServerOutcome, ...] = ()  # servers that a run holds and nobody works on
    debts: tuple[Debt, ...] = ()  # the same, for the document
    bad_ends: tuple[ServerOutcome, ...] = ()
    at_work: tuple[Work, ...] = ()
    broken_off: tuple[Work, ...] = ()  # the same of runs that died: the servers that they did not come to
    looks: tuple[SecondLook, ...] = ()
    stopped_short: tuple[Work, ...] = ()  # the same of runs that ended before they came to all their servers
    no_journal: str = ""  # where it would be


LAST_RUNS = 50
"""How many runs back servers are looked for that no run came to, or that none could reach."""


@click.command("status")
@globals_
def command(options: Options) -> int:
    """List what is owed: servers that are unknown, held, or came to a bad end last, and second looks.

    \b
    easfix status
    easfix status --json

    Reads the record only; no server is asked. Each debt has its kind: changed and not restarted, restarted and not
    proved, unknown, or just not let go; since when; and the command that settles it. Exit code 3 where a server's last
    run failed on it, 4 where something else is owed, 0 when nothing is, or when runs are just at work.
    """
    from agent.cli.session import Session, now
    from agent.cli.view import show
    from agent.exits import Exit
    from agent.outcome import Outcome

    with Session(options) as session:
        found, moment = _found(session), now()
        is_due = any(each.due_at <= moment for each in found.looks)
        extra: dict[str, object] = {
            "debts": [_debt(session, each) for each in found.debts],
            "second_looks": [_look(each, moment) for each in found.looks],
            "at_work": [_work(each) for each in found.at_work],
            "broken_off": [_work(each) for each in found.broken_off],
            "no_journal": found.no_journal,
            "stopped_short": [_work(each) for each in found.stopped_short],
        }
        codes = (Exit.UNCERTAIN,) if is_due or found.owed or found.broken_off else ()
        outcome = Outcome("status", (*found.owed, *found.bad_ends), codes=codes, extra=extra)
        notes = (*_at_work(found), *_broken_off(session, found), *_second_looks(session, found.looks, moment))
        words = _words(found, is_due=is_due)
        if found.no_journal:
            notes = (f"there is no journal at {found.no_journal}: nothing was run with this configuration", *notes)
        return show(outcome, options, notes=notes, words=words)


def _words(found: Found, *, is_due: bool) -> str:
    """What is said where no server is listed."""
    if found.broken_off:
        return "a run broke off"
    if found.no_journal:
        return "nothing is on record"
    if found.stopped_short and not is_due:
        return "nothing is owed to a server, and a run ended before it came to all of them"
    return "a second look is due" if is_due else "nothing is owed"


def _found(session: Session) -> Found:
    from agent.cli.takeover import stale_after, works_on
    from agent.errors import NoJournal

    try:
        journal = session.record
    except NoJournal as error:
        return Found(no_journal=error.where)
    debts = journal.debts()
    records = {name: journal.run(name) for name in dict.fromkeys((*journal.not_ended(), *(each.run for each in debts)))}
    lives = {name: works_on(journal, record, stale_after(session)) for name, record in records.items()}
    owed = [each for each in debts if not lives[each.run]]
    listed = {each.server.casefold() for each in debts}
    return Found(
        tuple(_owed(session, records[each.run], each, lives[each.run]) for each in owed),
        tuple(owed),
        (*_bad_ends(session, journal, listed), *_never_reached(session, journal, listed)),
        tuple(_going(journal, record, debts) for name, record in records.items() if lives[name]),
        tuple(
            filter(lambda work: work.servers, (_left(record) for name, record in records.items() if not lives[name]))
        ),
        journal.looks_open(),
        tuple(work for work in _stopped_short(journal, records) if work.servers),
    )


def _going(journal: Journal, record: RunRecord, debts: Sequence[Debt]) -> Work:
    names = tuple(each.server for each in debts if each.run == record.id)
    return Work(record, names, journal.stop_asked(record.id))


def _left(record: RunRecord) -> Work:
    """What a run that died did not come to."""
    from agent.outcome import is_to_come

    return Work(record, tuple(each.name for each in record.servers if record.ended_at is None and is_to_come(each)))


def _stopped_short(journal: Journal, known: Collection[str]) -> Iterator[Work]:
    """What runs that ended did not come to, unless a later run was about it; of the last runs only."""
    from agent.outcome import is_to_come

    seen: set[str] = set()
    for record in journal.history(LAST_RUNS):
        if record.id not in known and record.ended_at is not None:
            yield Work(
                record, tuple(each.name for each in record.servers if is_to_come(each) and each.name not in seen)
            )
        seen |= {each.name for each in record.servers}


def _never_reached(session: Session, journal: Journal, listed: Collection[str]) -> Iterator[ServerOutcome]:
    """The servers that the last run about them could not reach; of the last runs only."""
    from agent.model import ServerState
    from agent.outcome import of_record

    seen: set[str] = set()
    for record in journal.history(LAST_RUNS):
        for each in record.servers:
            is_last = each.name not in seen and each.name.casefold() not in listed and record.ended_at is not None
            if each.state is ServerState.UNREACHABLE and is_last:
                outcome = of_record(each, next_step=session.options.line(f"apply --limit {each.name}"))
                yield replace(outcome, reason=f"run {record.id}: {outcome.reason}")
        seen |= {each.name for each in record.servers}


def _owed(session: Session, run: RunRecord, debt: Debt, lives: bool | None) -> ServerOutcome:
    """A server that a run holds whose process is gone, or that nobody can ask."""
    from agent.outcome import of_record, sentences

    (record,) = (each for each in run.servers if each.name == debt.server)
    reason = f"{debt.words}, since {debt.since:%Y-%m-%d %H:%M:%S} UTC (run {run.id})"
    if lives is None and record.state is None:
        reason = f"{reason}; {run.holder} holds it, and from here nobody can tell whether it lives"
    outcome = of_record(_without_a_hint(record), next_step=_settles(session, debt))
    return replace(outcome, reason=sentences(reason, outcome.reason if record.reason else ""))


def _without_a_hint(record: ServerRecord) -> ServerRecord:
    """The record's own words without the command that they end with: it stands beside them, as it is typed here."""
    return replace(record, reason=record.reason.partition(" easfix resume ")[0])


def _settles(session: Session, debt: Debt) -> str:
    return session.options.line(f"resume {debt.run} --limit {debt.server}")


def _bad_ends(session: Session, journal: Journal, listed: set[str]) -> Iterator[ServerOutcome]:
    """The servers that no run owes anything, and that the last one to find out left in a bad way."""
    from agent.model import ServerState
    from agent.outcome import of_record

    for run, name, state in journal.last_concluded():
        if name.casefold() in listed or state not in (ServerState.FAILED, ServerState.REVERTED, ServerState.UNKNOWN):
            continue
        record = journal.server(run, name)
        # Where the run began with nothing, there is nothing of it to look at again.
        is_new = state is ServerState.UNKNOWN and not record.steps
        again = f"apply --limit {name}" if is_new else f"verify {run} --limit {name}"
        outcome = of_record(record, next_step=session.options.line(again))
        yield replace(outcome, reason=f"run {run}: {outcome.reason}")


def _debt(session: Session, debt: Debt) -> dict[str, object]:
    """A debt for the document."""
    return {
        "run": debt.run,
        "server": debt.server,
        "kind": str(debt.kind),
        "words": debt.words,
        "since": debt.since.isoformat(),
        "settle": _settles(session, debt),
    }


def _look(look: SecondLook, now: datetime) -> dict[str, object]:
    due = look.due_at
    return {"run": look.run, "server": look.server, "due_at": due.isoformat(), "is_due": due <= now}


def _work(work: Work) -> dict[str, object]:
    holder, since = work.run.holder, work.run.started_at.isoformat()
    found = {"run": work.run.id, "servers": list(work.servers), "host": holder.host, "pid": holder.pid, "since": since}
    return {**found, "stop_asked": work.asked}


def _at_work(found: Found) -> Iterator[str]:
    for each in found.at_work:
        run, names = each.run, ", ".join(each.servers) or "no server now"
        who = f"process {run.holder.pid} on {run.holder.host} since {run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        asked = f"; asked to stop {each.asked}" if each.asked else ""
        yield f"at work: {who}: run {run.id} on {names}{asked}"


def _broken_off(session: Session, found: Found) -> Iterator[str]:
    for each in found.broken_off:
        names = ", ".join(each.servers)
        yield f"run {each.run.id} broke off before it came to {names}: {session.options.line(f'resume {each.run.id}')}"
    for each in found.stopped_short:
        names = ", ".join(each.servers)
        yield f"run {each.run.id} ended before it came to {names}: {session.options.line(f'resume {each.run.id}')}"


def _second_looks(session: Session, looks: Sequence[SecondLook], now: datetime) -> Iterator[str]:
    """One line a run: which of its servers are to be looked at again, when, and with which command."""
    runs: dict[str, list[SecondLook]] = {}
    for each in looks:
        runs.setdefault(each.run, []).append(each)
    for run, owed in runs.items():
        due = max(each.due_at for each in owed)
        when = "is due" if due <= now else f"comes due at {due:%Y-%m-%d %H:%M:%S} UTC"
        names = ", ".join(sorted(each.server for each in owed))
        yield f"the second look at {names} {when}: {session.options.line(f'verify {run}')}"
