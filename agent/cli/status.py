"""The command `status`: what is owed, to which server, by which run."""

from __future__ import annotations

import click

from agent.cli.options import Options, globals_


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
        code = show(outcome, options)
        if not options.json:
            for each in looks:
                when = "due" if each["is_due"] else "comes due"
                print(f"second look at {each['server']} {when} {each['due_at']}: easfix verify {each['run']}")
        return code
