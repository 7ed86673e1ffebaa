"""The command `show`: one run, server by server, step by step, from the record."""

from __future__ import annotations

import click

from agent.cli.options import Options, globals_


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
    from agent.cli.history import _document
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.outcome import Outcome, of_record

    with Session(options) as session:
        journal = session.record
        record = journal.run(journal.find(run))
        outcome = Outcome(
            "show", tuple(of_record(each) for each in record.servers), record.id, extra={"record": _document(record)}
        )
        if not options.json:
            print(f"{record.id}  {record.command}, begun {record.started_at:%Y-%m-%d %H:%M:%S} UTC by {record.holder}")
            for name, value in (("reason", record.reason), ("change", record.change), ("plan", record.plan_hash)):
                if value:
                    print(f"{name}: {value}")
            print(f"put back with: easfix rollback {record.id}\n")
        code = show(outcome, options)
        return code if record.exit_code is None else record.exit_code
