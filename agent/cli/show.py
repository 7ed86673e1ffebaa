"""The command `show`: one run, server by server, step by step, from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from agent.journal import Journal
    from agent.model import RunRecord


@click.command("show")
@click.argument("run")
@globals_
def command(options: Options, run: str) -> int:
    """Show a run: who, why, what was before and after, every step with its times, every proof.

    \b
    easfix show last
    easfix show 20110314-020000 --json

    RUN is the name of a run, its beginning, or `last`. The exit code is the one that the run ended with.
    """
    from agent.cli import grid
    from agent.cli.history import document
    from agent.cli.session import Session
    from agent.cli.view import show, wants_color
    from agent.exits import Exit
    from agent.outcome import Outcome, of_record, proofs_before

    with Session(options) as session:
        journal = session.record
        record = journal.run(journal.find(run))
        changed = {each.name: () for each in record.servers if proofs_before(each)}
        outcome = Outcome(
            "show",
            tuple(of_record(each) for each in record.servers),
            record.id,
            extra={"record": document(record)},
            ended_with=None if record.exit_code is None else Exit(record.exit_code),
        )
        outcome = grid.after(record, changed, grid.before(journal, record, changed, outcome))
        if not options.json:
            print(f"{record.id}  {record.command}, begun {record.started_at:%Y-%m-%d %H:%M:%S} UTC by {record.holder}")
            for name, value in (("reason", record.reason), ("change", record.change), ("plan", record.plan_hash)):
                if value:
                    print(f"{name}: {value}")
            print()
        code = show(outcome, options, _next_step(journal, record))
        if not options.json:
            for line in grid.lines(outcome, color=wants_color(options)):
                print(line)
        return code


def _next_step(journal: Journal, record: RunRecord) -> str:
    """What can be done about the run now; a run that has ended whole and unchanged needs nothing."""
    from agent.rollback import owed

    if record.exit_code is None:
        return f"easfix resume {record.id} goes on from there, if its process no longer runs"
    if any(owed(each.steps, journal.originals(record.id, each.name)) for each in record.servers):
        return f"easfix rollback {record.id} puts it back"
    return ""
