"""The command `show`: one run, server by server, step by step, from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.names import runs
from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from agent.journal import Journal
    from agent.model import RunRecord


RESUMES = "  goes on from there, if its process no longer runs"


@click.command("show")
@click.argument("run", shell_complete=runs)
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
    from agent.report import text

    with Session(options) as session:
        journal = session.record
        record = journal.run(journal.find(run))
        changed = {each.name: () for each in record.servers if proofs_before(each)}
        way_back = _way_back(journal, record, options)
        outcome = Outcome(
            "show",
            tuple(of_record(each) for each in record.servers),
            record.id,
            extra={"record": {**document(record), "way_back": way_back}},
            ended_with=None if record.exit_code is None else Exit(record.exit_code),
        )
        outcome = grid.after(record, changed, grid.before(journal, record, changed, outcome))
        if not options.json:
            for line in text.head(record, way_back):
                print(line)
            print()
        next_step = options.line(f"resume {record.id}") + RESUMES if record.exit_code is None else ""
        code = show(outcome, options, next_step, times=True)
        if not options.json:
            for line in grid.lines(outcome, color=wants_color(options)):
                print(line)
        return code


def _way_back(journal: Journal, record: RunRecord, options: Options) -> str:
    """The command that puts back what the run changed; empty where nothing is left to be put back."""
    from agent.rollback import owed

    if any(owed(each.steps, journal.originals(record.id, each.name)) for each in record.servers):
        return options.line(f"rollback {record.id}")
    return ""
