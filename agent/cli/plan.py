"""The command `plan`: what would be done, saved under one hash; changes nothing."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection


@click.command("plan")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write the plan to.")
@selection
@globals_
def command(
    options: Options, output: Path | None, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool
) -> int:
    """Save exactly what would be done: flag words before and after, steps, impact, script hashes, under one hash.

    \b
    easfix plan -o plan.json
    easfix plan -o plan.json --skip EX07 && easfix apply plan.json

    Reads only. `easfix apply plan.json` then does exactly that, and refuses a server whose state has moved since.
    """
    from agent import planfile
    from agent.cli.looking import answer, decide_all, make_plan
    from agent.cli.progress import Progress
    from agent.cli.session import Session
    from agent.cli.view import show

    with Session(options) as session:
        servers = session.servers(limit, skip, beyond_cap=beyond_max_servers)
        with Progress(options) as listen:
            decided = decide_all(session, servers, listen)
        plan = make_plan(session, decided)
        if output is not None:
            output.write_text(planfile.dump(plan), encoding="utf-8")
        outcome = answer("plan", decided, plan_hash=plan.hash, plan_file=str(output) if output else None)
        next_step = (
            f"easfix apply {output}   (plan {plan.hash[:12]})" if output else "easfix plan -o plan.json saves it"
        )
        return show(outcome, options, next_step)
