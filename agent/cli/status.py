"""The command `status`: what is owed, to which server, by which run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from agent.cli.session import Session
    from agent.journal import Journal
    from agent.model import RunRecord, SecondLook
    from agent.outcome import ServerOutcome

RESUME = "easfix resume "


@dataclass(frozen=True, slots=True)
class Found:
    """What the record says is not finished: servers, runs that work on, with the server names, and second looks."""

    servers: tuple[ServerOutcome, ...] = ()
    at_work: tuple[tuple[RunRecord, tuple[str, ...]], ...] = ()
    looks: tuple[SecondLook, ...] = ()


@click.command("status")
@globals_
def command(options: Options) -> int:
    """List what is owed: servers that are unknown, held, or came to a bad end last, and second looks.

    \b
    easfix status
    easfix status --json

    Reads the record only; no server is asked. Exit code 3 where a server's last run failed on it, 4 where something
    else is owed, 0 when nothing is, or when runs are just at work.
    """
    from agent.cli.session import Session, now
    from agent.cli.view import show
    from agent.exits import Exit
    from agent.outcome import Outcome

    with Session(options) as session:
        found, moment = _found(session), now()
        is_due = any(each.due_at <= moment for each in found.looks)
        extra: dict[str, object] = {
            "second_looks": [_look(each, moment) for each in found.looks],
            "at_work": [_work(record, names) for record, names in found.at_work],
        }
        codes = (Exit.UNCERTAIN,) if is_due or any(each.next_step.startswith(RESUME) for each in found.servers) else ()
        outcome = Outcome("status", found.servers, codes=codes, extra=extra)
        notes = (*_at_work(found), *_second_looks(found.looks, moment))
        words = "a second look is due" if is_due else "nothing is owed"
        return show(outcome, options, notes=notes, words=words)


def _found(session: Session) -> Found:
    from agent.cli.working import is_at_work
    from agent.errors import NoJournal

    try:
        journal = session.record
    except NoJournal:
        return Found()
    held: dict[str, list[str]] = {}
    for run, name in journal.unclosed():
        held.setdefault(run, []).append(name)
    records = [journal.run(run) for run in held]
    at_work = tuple((each, tuple(held[each.id])) for each in records if is_at_work(each))
    servers = [_owed(each, name) for each in records if not is_at_work(each) for name in held[each.id]]
    listed = {name.casefold() for names in held.values() for name in names}
    return Found((*servers, *_bad_ends(journal, listed)), at_work, journal.looks_open())


def _owed(run: RunRecord, name: str) -> ServerOutcome:
    """A server that a run holds whose process is gone, or that nobody can ask."""
    from dataclasses import replace

    from agent.cli.working import is_at_work
    from agent.outcome import of_record

    (record,) = (each for each in run.servers if each.name == name)
    outcome = of_record(record, next_step=f"{RESUME}{run.id}")
    if is_at_work(run) is None and record.state is None:
        return replace(outcome, reason=f"{run.holder} holds it, and from here nobody can tell whether it lives")
    return outcome


def _bad_ends(journal: Journal, listed: set[str]) -> Iterator[ServerOutcome]:
    """The servers that no run owes anything, and that the last one to find out left in a bad way."""
    from dataclasses import replace

    from agent.model import ServerState
    from agent.outcome import of_record

    for run, name, state in journal.last_concluded():
        if name.casefold() in listed or state not in (ServerState.FAILED, ServerState.REVERTED, ServerState.UNKNOWN):
            continue
        outcome = of_record(journal.server(run, name), next_step=f"easfix verify {run} --limit {name}")
        yield replace(outcome, reason=f"run {run}: {outcome.reason}")


def _look(look: SecondLook, now: datetime) -> dict[str, object]:
    due = look.due_at
    return {"run": look.run, "server": look.server, "due_at": due.isoformat(), "is_due": due <= now}


def _work(run: RunRecord, names: Sequence[str]) -> dict[str, object]:
    holder = run.holder
    since = run.started_at.isoformat()
    return {"run": run.id, "servers": list(names), "host": holder.host, "pid": holder.pid, "since": since}


def _at_work(found: Found) -> Iterator[str]:
    for run, names in found.at_work:
        who = f"process {run.holder.pid} on {run.holder.host} since {run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"at work: {who}: run {run.id} on {', '.join(names)}"


def _second_looks(looks: Sequence[SecondLook], now: datetime) -> Iterator[str]:
    """One line a run: which of its servers are to be looked at again, when, and with which command."""
    runs: dict[str, list[SecondLook]] = {}
    for each in looks:
        runs.setdefault(each.run, []).append(each)
    for run, owed in runs.items():
        due = max(each.due_at for each in owed)
        when = "is due" if due <= now else f"comes due at {due:%Y-%m-%d %H:%M:%S} UTC"
        yield f"the second look at {', '.join(sorted(each.server for each in owed))} {when}: easfix verify {run}"
