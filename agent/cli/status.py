"""The command `status`: what is owed, to which server, by which run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from agent.model import SecondLook


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
        journal = session.record
        servers = [of_record(journal.server(run, name), next_step=f"easfix resume {run}") for run, name in
                   journal.unclosed()]  # fmt: skip
        looks = [
            {"run": each.run, "server": each.server, "due_at": each.due_at.isoformat(), "is_due": each.due_at <= now()}
            for each in journal.looks_open()
        ]
        codes = (Exit.UNCERTAIN,) if servers or any(each["is_due"] for each in looks) else ()
        outcome = Outcome("status", tuple(servers), codes=codes, extra={"second_looks": looks})
        if options.json or servers:
            show(outcome, options)
        if not options.json:
            for line in _second_looks(journal.looks_open(), now()):
                print(line)
            if not servers and not looks:
                print("Nothing is owed.")
        return int(outcome.exit_code)


def _second_looks(looks: Sequence[SecondLook], now: datetime) -> Iterator[str]:
    """One line a run: which of its servers are to be looked at again, when, and with which command."""
    runs: dict[str, list[SecondLook]] = {}
    for each in looks:
        runs.setdefault(each.run, []).append(each)
    for run, owed in runs.items():
        due = max(each.due_at for each in owed)
        when = "is due" if due <= now else f"comes due at {due:%Y-%m-%d %H:%M} UTC"
        yield f"the second look at {', '.join(sorted(each.server for each in owed))} {when}: easfix verify {run}"
