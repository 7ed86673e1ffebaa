"""The command `rollback`: put back what a run changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.names import runs, servers
from agent.cli.options import Options, globals_, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.session import Session
    from agent.model import RunRecord, ServerRecord
    from agent.outcome import Outcome, ServerOutcome

BEFORE = 100
"""Of how many runs the one is sought that is meant, where this one changed nothing."""


@click.command("rollback")
@click.argument("run", shell_complete=runs)
@click.option("--limit", multiple=True, metavar="NAMES", shell_complete=servers, help="Only these servers of the run.")
@click.option("--dry-run", is_flag=True, help="Show what would be put back; nothing is sent to any server.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--reason", callback=words, default="rolled back by the operator", show_default=True, metavar="TEXT", help="Why."
)
@click.option("--take-over", is_flag=True, help="The run's process certainly no longer runs.")
@globals_
def command(
    options: Options, run: str, limit: tuple[str, ...], dry_run: bool, yes: bool, reason: str, take_over: bool
) -> int:
    """Put back what a run changed, per property, from the record and nothing else. IIS is not restarted.

    \b
    easfix rollback last --dry-run
    easfix rollback 20110314-020000-1f3a9c --limit EX01 --yes

    RUN is the name of a run, its beginning, or `last`. A value that was inherited is put back by deleting our own.
    A directory that no longer holds what easfix wrote is refused, not overwritten.
    """
    from dataclasses import replace

    from agent.cli.session import Session
    from agent.cli.takeover import named
    from agent.cli.view import show
    from agent.model import ServerState

    with Session(options) as session:
        name = named(session, run)
        names = _owing(session, name, limit, dry_run=dry_run)
        preview = _preview(session, name, names, dry_run=dry_run)
        if dry_run or not any(each.directories for each in preview.servers):
            meant = _another(session, name, dry_run=dry_run)
            told = replace(preview, extra={**preview.extra, "last_change": meant}) if meant else preview
            hint = options.line(f"rollback {meant} --dry-run") + "  is about the last run that changed a server"
            return show(told, options, hint if meant else "")
        if not yes:
            _ask(preview)
        refused = tuple(each for each in preview.servers if each.state is ServerState.SKIPPED)
        left = [each for each in names if each not in {server.name for server in refused}]
        done = _put_back(session, name, left, reason, forced=take_over)
        servers = done.servers if options.json else tuple(_of_the_way_back(each) for each in done.servers)
        next_step = options.line(f"show {name}") + "  tells the whole run"
        return show(replace(done, servers=(*servers, *refused)), options, next_step)


def _of_the_way_back(found: ServerOutcome) -> ServerOutcome:
    """For a person: what this command did and what is so now; the run's own steps and proofs are for `show`."""
    from dataclasses import replace

    from agent.model import Action
    from agent.outcome import changes_of

    steps = tuple(each for each in found.steps if each.step.action is Action.RESTORE)
    return replace(
        found, directories=changes_of(steps), steps=steps, proof_before=(), proof_past=(), outage_seconds=None
    )


def _owing(session: Session, name: str, limit: tuple[str, ...], *, dry_run: bool) -> list[str]:
    from agent.cli.working import chosen

    journal = session.record if dry_run else session.journal
    return chosen(journal.run(name), limit)


def _preview(session: Session, name: str, names: Sequence[str], *, dry_run: bool) -> Outcome:
    """What would be put back, from the record alone."""
    from dataclasses import replace

    from agent.model import ServerState
    from agent.outcome import Outcome, of_record
    from agent.rollback import deletions, preview

    journal = session.record if dry_run else session.journal
    servers = []
    for each in journal.run(name).servers:
        if each.name not in names:
            continue
        changes = preview(each.steps, journal.originals(name, each.name))
        newer = journal.newer_change(name, each.name, in_force=True) if changes else None
        found = replace(of_record(each), directories=changes, steps=(), proof=(), outage_seconds=None)
        if newer:
            why = f"refused: run {newer} has changed it since, and what that wrote would be overwritten"
            hint = f"easfix rollback {newer} --limit {each.name} comes first"
            found = replace(found, state=ServerState.SKIPPED, reason=why, directories=(), next_step=hint)
        elif changes:
            deleted = deletions(each.steps, journal.originals(name, each.name))
            reason = f"to be put back; {deleted}" if deleted else "to be put back"
            found = replace(found, state=ServerState.PENDING, reason=reason)
        elif _wrote(each):
            found = replace(found, state=ServerState.RIGHT, reason="nothing of this run is left to be put back")
        else:
            found = replace(found, state=ServerState.RIGHT, reason="this run changed nothing here")
        servers.append(found)
    return Outcome("rollback", tuple(servers), name, extra={"dry_run": True} if dry_run else {})


def _wrote(server: ServerRecord) -> bool:
    """The run began to write to the server, whatever became of it."""
    from agent.model import Action

    return any(each.step.action is Action.CLEAR for each in server.steps)


def _another(session: Session, name: str, *, dry_run: bool) -> str:
    """The run that is meant, perhaps, where this one changed nothing: the last one that changed a server."""
    from agent.model import ServerState

    journal = session.record if dry_run else session.journal
    if any(_wrote(each) for each in journal.run(name).servers):
        return ""
    changed = (
        run.id
        for run in journal.history(BEFORE)
        if run.id != name and any(each.state is ServerState.CHANGED for each in run.servers)
    )
    return next(changed, "")


def _ask(preview: Outcome) -> None:
    """Say what will be put back, and ask. Refused for a no."""
    import sys

    from agent.cli.asking import confirm
    from agent.cli.view import question

    for line in question(preview):
        print(line, file=sys.stderr)
    count = sum(bool(each.directories) for each in preview.servers)
    confirm(f"\nPut back {count} server{'s' if count != 1 else ''}?")


def _put_back(session: Session, name: str, names: Sequence[str], reason: str, *, forced: bool) -> Outcome:
    from agent.cli.working import conclude, known, plan_of, take_over, tools
    from agent.course import Course
    from agent.fleet import over
    from agent.model import Server
    from agent.rollback import owed

    record = session.journal.run(name)
    plans = plan_of(session, record)
    steps = {each.name: each.steps for each in record.servers}
    owing = [each for each in names if owed(steps[each], session.journal.originals(name, each))]
    servers = known(session, owing)
    session.unlock(servers)
    run = take_over(session, name, "rollback", reason=reason, forced=forced)
    with session.progress(servers, name) as listen:
        kit = tools(session, run, listen)

        def work(server: Server) -> None:
            if session.stop.is_set():
                return  # it stays owed
            Course(kit, server, plans[server.name.casefold()]).go_back(reason)

        over(servers, work, session.config.run.concurrency)
    return conclude(session, run, "rollback", owing, is_left=_leaves_some(record, names))


def _leaves_some(record: RunRecord, names: Sequence[str]) -> bool:
    """The run broke off, and of the servers that were not named some are held, or were not come to: it is not over."""
    from agent.outcome import is_to_come

    others = (each for each in record.servers if each.name not in names)
    return record.ended_at is None and any(not each.is_closed or is_to_come(each) for each in others)
