"""The command `plan`: what would be done, saved under one hash; changes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_, quoted
from agent.cli.select import selection

if TYPE_CHECKING:
    from agent.errors import ConfigError
    from agent.model import Plan


@click.command("plan")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write the plan to; - for standard output.",
)
@selection
@globals_
def command(
    options: Options, output: Path | None, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool
) -> int:
    """Save exactly what would be done: flag words before and after, steps, impact, script hashes, under one hash.

    \b
    easfix plan -o plan.json
    easfix plan -o plan.json --skip EX07
    easfix apply plan.json

    Reads only, and ends with 2 where changes are pending. `easfix apply plan.json` then does exactly that, and
    refuses a server whose state has moved since.
    """
    from agent import planfile
    from agent.cli.conduct import document, lines, of_plan
    from agent.cli.looking import answer, decide_all, make_plan
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.errors import UsageError

    if _is_standard(output) and options.json:
        raise UsageError("-o - and --json both want standard output", next_step="Give -o the name of a file.")
    if output is not None and not _is_standard(output):
        _refuse_place(output)  # now, not when every server has been looked at
    with Session(options) as session:
        servers = session.servers(limit, skip, beyond_cap=beyond_max_servers)
        with session.progress(servers) as listen:
            decided = decide_all(session, servers, listen)
        if session.stop.is_set():  # half a plan would look like a whole one
            return show(answer(session, "plan", decided), options, "the same again: no plan was saved")
        plan = make_plan(session, decided)
        if _is_standard(output):  # the plan and nothing else, so that it can be piped
            print(planfile.dump(plan), end="")
            return int(answer(session, "plan", decided).exit_code)
        if output is not None:
            _save(planfile.dump(plan), output)
        found = of_plan(session, plan)
        extra = {"plan_hash": plan.hash, "plan_file": str(output) if output else None, **document(found)}
        outcome = answer(session, "plan", decided, [each for each in plan.servers if each.leads_to], **extra)
        return show(outcome, options, _next_step(plan, output, options), lines(session, found))


def _is_standard(output: Path | None) -> bool:
    return output is not None and str(output) == "-"


def _refuse_place(output: Path) -> None:
    """ConfigError where no plan could be written there."""
    folder = output.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112 - Path's own raises where a folder on the way may not be searched
        raise _unwritable("there is no such folder", output)
    if not os.access(output if os.path.exists(output) else folder, os.W_OK):  # noqa: PTH110 - likewise
        raise _unwritable("Permission denied", output)


def _save(text: str, output: Path) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(error.strerror or str(error), output) from error


def _unwritable(why: str, output: Path) -> ConfigError:
    from agent.errors import ConfigError

    hint = "Name a place that you may write to: easfix plan -o plan.json"
    return ConfigError(f"the plan cannot be written: {why}", where=str(output), next_step=hint)


def _next_step(plan: Plan, output: Path | None, options: Options) -> str:
    if not any(each.steps for each in plan.servers):
        return ""
    if output is None:
        save, carry_out = options.line("plan -o plan.json"), options.line("apply plan.json")
        return f"{save} saves this plan, {carry_out} does exactly that"
    return f"{options.line(f'apply {quoted(str(output))}')} does exactly that (plan {plan.hash[:12]})"
