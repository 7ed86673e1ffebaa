"""The command `stop`: ask a run to stop, wherever it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.names import runs
from agent.cli.options import Options, globals_, words

if TYPE_CHECKING:
    from agent.cli.session import Session
    from agent.model import RunRecord


@click.command("stop")
@click.argument("run", required=False, default="", shell_complete=runs)
@click.option("--all", "every", is_flag=True, help="Every run that has not ended.")
@click.option("--reason", callback=words, default="", metavar="TEXT", help="Why, for the record.")
@globals_
def command(options: Options, run: str, every: bool, reason: str) -> int:
    """Ask a run to stop: each server finishes the step under way, and no other step or server is begun.

    A restart that has begun is waited for and proved, because that is what ends the outage.

    \b
    easfix stop last --reason "the board has no mail"
    easfix stop --all

    It is a flag in the journal, so it works from any machine that shares it. What is left in between is owed:
    `easfix status` lists it, `easfix resume` lifts the stop and finishes, `easfix rollback` puts back.
    """
    from agent.cli.session import Session
    from agent.errors import UsageError

    if bool(run) == every:
        raise UsageError("name one run, or give --all", next_step="easfix status tells which runs are at work.")
    with Session(options) as session:
        records = [session.record.run(name) for name in _names(session, run)]
        going = [each for each in records if each.ended_at is None]
        for each in going:
            session.journal.ask_stop(each.id, session.holder("").user, reason)
        return _show(session, records, going, every=every)


def _names(session: Session, run: str) -> tuple[str, ...]:
    from agent.cli.takeover import named

    return (named(session, run),) if run else session.record.not_ended()


def _show(session: Session, records: list[RunRecord], going: list[RunRecord], *, every: bool) -> int:
    from agent.cli.view import show
    from agent.exits import Exit
    from agent.outcome import Outcome

    options = session.options
    if options.json:
        asked = [{"run": each.id, "asked": session.record.stop_asked(each.id)} for each in going]
        name = None if every else records[0].id
        return show(Outcome("stop", (), name, extra={"stopping": asked}, ended_with=Exit.OK), options)
    for each in going:
        print(f"run {each.id} is asked to stop {session.record.stop_asked(each.id)}. Its holder: {each.holder}.")
    if going:
        print(
            f"Each server finishes the step under way. {options.line('status')} tells what is at work and what is owed."
        )
    elif every:
        print("no run is at work: nothing to stop")
    else:
        (record,) = records
        print(f"run {record.id} has ended already: nothing to stop. {options.line(f'show {record.id}')} tells more.")
    return int(Exit.OK)
