"""The command `status`: what is owed, to which server, by which run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from agent.cli.session import Session
    from agent.model import SecondLook, ServerRecord


@click.command("status")
@globals_
def command(options: Options) -> int:
    """List what is owed: servers that are changed but not proved, unknown or held, and second looks that are due.

    \b
    easfix status
    easfix status --json

    Reads the record only; no server is asked. Exit code 4 when something is owed, 0 when nothing is.
    """
    from agent.cli.session import Session, now
    from agent.cli.view import show
    from agent.exits import Exit
    from agent.outcome import Outcome, of_record

    with Session(options) as session:
        owed, open_looks = _owed(session)
        servers = [of_record(record, next_step=f"easfix resume {run}") for run, record in owed]
        looks = [
            {"run": each.run, "server": each.server, "due_at": each.due_at.isoformat(), "is_due": each.due_at <= now()}
            for each in open_looks
        ]
        codes = (Exit.UNCERTAIN,) if servers or any(each["is_due"] for each in looks) else ()
        outcome = Outcome("status", tuple(servers), codes=codes, extra={"second_looks": looks})
        if options.json or servers:
            show(outcome, options)
        if not options.json:
            for line in _second_looks(open_looks, now()):
                print(line)
            if not servers and not looks:
                print("Nothing is owed.")
        return int(outcome.exit_code)


def _owed(session: Session) -> tuple[list[tuple[str, ServerRecord]], Sequence[SecondLook]]:
    """The servers that something is owed to, each with its run, and the second looks that nobody took."""
    from agent.errors import NoJournal

    try:
        journal = session.record
    except NoJournal:
        return [], ()
    return [(run, journal.server(run, name)) for run, name in journal.unclosed()], journal.looks_open()


def _second_looks(looks: Sequence[SecondLook], now: datetime) -> Iterator[str]:
    """One line a run: which of its servers are to be looked at again, when, and with which command."""
    runs: dict[str, list[SecondLook]] = {}
    for each in looks:
        runs.setdefault(each.run, []).append(each)
    for run, owed in runs.items():
        due = max(each.due_at for each in owed)
        when = "is due" if due <= now else f"comes due at {due:%Y-%m-%d %H:%M} UTC"
        yield f"the second look at {', '.join(sorted(each.server for each in owed))} {when}: easfix verify {run}"
