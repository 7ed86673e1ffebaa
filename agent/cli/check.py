"""The command `check`: look at every server; changes nothing."""

from __future__ import annotations

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection


@click.command("check")
@selection
@globals_
def command(options: Options, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool) -> int:
    """Look at every server and say what is so, what would have to change, and what speaks against it.

    \b
    easfix check
    easfix check --limit EX01,EX02 --json

    Reads only. Exit code 0: nothing to do; 2: changes are pending; 3: something else is wrong, which easfix does not
    mend; 4: could not tell; 5: a guard speaks against it.
    """
    from agent.cli import grid
    from agent.cli.looking import answer, decide_all
    from agent.cli.session import Session
    from agent.cli.view import show

    with Session(options) as session:
        servers = session.servers(limit, skip, beyond_cap=beyond_max_servers)
        with session.progress(servers) as listen:
            decided = decide_all(session, servers, listen)
            outcome = grid.forewarn(session, decided, answer(session, "check", decided))
        is_pending = any(each.plan.steps for each in decided)
        hint = f"{options.line('plan -o plan.json')}, or {options.line('apply --dry-run')}"
        return show(outcome, options, hint if is_pending else "")
