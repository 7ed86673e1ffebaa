"""The command `apply`: carry out a plan, or plan and ask; with --dry-run only show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.model import Plan, Server, ServerPlan
    from agent.outcome import Outcome

GONE = "refused: the configuration does not name this server any more"
MOVED = "refused: the server has changed since the plan was made, or is another one of that name; plan again"


@click.command("apply")
@click.argument("plan_file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[PLAN]")
@click.option("--dry-run", is_flag=True, help="Show what would be done; nothing that could write is even opened.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the record.")
@click.option("--change", default="", metavar="ID", help="The change ticket, for the record.")
@selection
@globals_
def command(
    options: Options,
    plan_file: Path | None,
    dry_run: bool,
    yes: bool,
    reason: str,
    change: str,
    limit: tuple[str, ...],
    skip: tuple[str, ...],
    beyond_max_servers: bool,
) -> int:
    """Clear the flag where it blocks the proxy, restart IIS, prove the proxy path, or put it back and say so.

    \b
    easfix apply --dry-run
    easfix apply --limit EX01 --reason "phones of the Berlin office" --change CHG-4711
    easfix apply plan.json --yes --json

    Without a plan it plans first and asks. With one it does exactly that: a server that has moved since is refused,
    the others go on. What was before is on record before anything is written; `easfix rollback last` puts it back.
    """
    from agent.cli.looking import answer, make_plan
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.model import ServerState

    with Session(options) as session:
        given = _read(session, plan_file) if plan_file is not None else None
        servers = _servers(session, limit, skip, given, beyond_cap=beyond_max_servers)
        if dry_run:
            outcome = _rehearse(session, servers, given, dry_run=True)
            is_pending = any(each.state is ServerState.PENDING for each in outcome.servers)
            return show(outcome, options, "the same without --dry-run" if is_pending else "")
        decided = [] if given else _look(session, servers)
        plan = given or make_plan(session, decided)
        if session.stop.is_set():
            return show(answer(session, "apply", decided), options)
        pending = _pending(plan, servers)
        if not pending:  # nothing is to be done, so no run begins
            return show(_rehearse(session, servers, given) if given else answer(session, "apply", decided), options)
        if not yes:
            _ask(plan, servers, len(pending))
        outcome = _carry_out(session, servers, plan, given is not None, reason, change)
        return show(outcome, options, _next(session, outcome))


def _next(session: Session, outcome: Outcome) -> str:
    """What can be done about the run now, one command a line: only what there is something to do for."""
    from agent.model import ServerState
    from agent.rollback import owed

    run, line = str(outcome.run), session.options.line
    states = {each.state for each in outcome.servers}
    minutes = int(session.second_look.total_seconds() // 60)
    is_unfinished = session.stop.is_set() or ServerState.UNKNOWN in states
    steps = [f"{line(f'resume {run}')}  goes on with it"] if is_unfinished else []
    steps.append(f"{line(f'show {run}')}  tells every step")
    if ServerState.CHANGED in states:
        steps.append(f"{line(f'verify {run}')}  takes the second look, due in {minutes} minutes")
    if any(owed(each.steps, session.journal.originals(run, each.name)) for each in outcome.servers):
        steps.append(f"{line(f'rollback {run}')}  puts back what was changed")
    return "\n      ".join(steps)


def _servers(
    session: Session, limit: tuple[str, ...], skip: tuple[str, ...], plan: Plan | None, *, beyond_cap: bool
) -> tuple[Server, ...]:
    """A plan is about the servers it names, unless --limit says otherwise."""
    from agent.errors import EmptySelection

    if plan is not None and not limit:
        gone = {name.casefold() for name in _gone(session, plan)}
        limit = tuple(each.server for each in plan.servers if each.server.casefold() not in gone)
        if not limit:
            raise EmptySelection("the configuration names none of the plan's servers", where=str(session.path))
    return session.servers(limit, skip, beyond_cap=beyond_cap)


def _gone(session: Session, plan: Plan) -> list[str]:
    """The plan's servers that the configuration does not name any more."""
    from agent.inventory import back_ends

    known = {each.name.casefold() for each in back_ends(session.config)}
    return [each.server for each in plan.servers if each.server.casefold() not in known]


def _rehearse(session: Session, servers: Sequence[Server], plan: Plan | None, **extra: object) -> Outcome:
    """Look and show. No writing transport, no journal: it holds nothing that could write."""
    from dataclasses import replace

    from agent.cli.looking import answer
    from agent.model import ServerState
    from agent.outcome import ServerOutcome

    decided = _look(session, servers)
    if plan is None:
        return answer(session, "apply", decided, **extra)
    outcome = answer(session, "apply", _stale(plan, decided), plan_hash=plan.hash, **extra)
    gone = tuple(ServerOutcome(name, ServerState.SKIPPED, GONE) for name in _gone(session, plan))
    return replace(outcome, servers=(*outcome.servers, *gone))


def _look(session: Session, servers: Sequence[Server]) -> list[Decided]:
    from agent.cli.looking import decide_all

    with session.progress(servers) as listen:
        return decide_all(session, servers, listen)


def _read(session: Session, plan_file: Path) -> Plan:
    from agent import planfile

    _refuse_name(session, plan_file)
    plan = planfile.read(plan_file)
    planfile.refuse_other_scripts(plan, dict(session.playbook.hashes))
    return plan


def _refuse_name(session: Session, plan_file: Path) -> None:
    """UnknownName where the name of a server stands in the place of a plan's file."""
    from agent.errors import UnknownName
    from agent.inventory import back_ends

    names = {each.name.casefold(): each.name for each in back_ends(session.config)}
    found = [names[part.casefold()] for part in str(plan_file).split(",") if part.casefold() in names]
    if found and not plan_file.exists():
        limit = session.options.line(f"apply --limit {','.join(found)}")
        hint = f"Did you mean {limit}?"
        raise UnknownName(
            f"there is no plan file {plan_file}, but a server of that name", meant=tuple(found), next_step=hint
        )


def _stale(plan: Plan, decided: Sequence[Decided]) -> list[Decided]:
    """What the plan would do now: a server that moved since, or that the plan does not know, is refused."""
    from dataclasses import replace

    from agent.model import ServerState

    planned = {each.server.casefold(): each for each in plan.servers}
    found = []
    for each in decided:
        before = planned.get(each.plan.server.casefold())
        reason = ""
        if before is None:
            reason = "refused: the plan does not name this server"
        elif each.looked.error is None and before.fingerprint != each.plan.fingerprint:
            reason = MOVED
        elif each.plan.steps and not before.steps:
            reason = "refused: the plan leaves this server alone, and now it would be changed; plan again"
        if reason:
            changed = replace(each.plan, state=ServerState.SKIPPED, reason=reason, steps=(), impact=None)
            found.append(replace(each, plan=changed))
        else:
            found.append(each)
    return found


def _pending(plan: Plan, servers: Sequence[Server]) -> list[ServerPlan]:
    """What the plan would change on these servers."""
    return [each for each in _planned(plan, servers) if each.steps]


def _planned(plan: Plan, servers: Sequence[Server]) -> list[ServerPlan]:
    chosen = {each.name.casefold() for each in servers}
    return [each for each in plan.servers if each.server.casefold() in chosen]


def _ask(plan: Plan, servers: Sequence[Server], pending: int) -> None:
    """Say what will happen, and ask. Refused for a no."""
    import sys

    from agent.cli.asking import confirm
    from agent.cli.view import question
    from agent.outcome import Outcome, of_plan

    for line in question(Outcome("plan", tuple(of_plan(each) for each in _planned(plan, servers)))):
        print(line, file=sys.stderr)
    count = f"{pending} server{'s' if pending != 1 else ''}"
    advice = "Give --yes where nobody can be asked, best with a plan that somebody has read."
    confirm(f"\nChange {count} (plan {plan.hash[:12]})?", advice)


def carry_out(session: Session, servers: Sequence[Server], plan: Plan, *, reason: str, change: str = "") -> Outcome:
    """Do what a plan says that was made a moment ago; the way in for whoever works without an operator."""
    return _carry_out(session, servers, plan, False, reason, change)


def _carry_out(
    session: Session, servers: Sequence[Server], plan: Plan, is_old: bool, reason: str, change: str
) -> Outcome:
    """Do what the plan says; one that is old says nothing about a server that it leaves alone, so that is looked at."""
    from agent.cli.looking import decide_all
    from agent.cli.working import begin, conclude, tools
    from agent.course import Course
    from agent.fleet import over
    from agent.model import ServerState
    from agent.notice import Notice
    from agent.outcome import BY_OPERATOR

    planned = {each.server.casefold(): each for each in plan.servers}
    session.unlock(servers)
    run = begin(session, "apply", plan, servers, reason, change)
    session.began(run.id)
    for name in _gone(session, plan):
        run.conclude(name, ServerState.SKIPPED, GONE)
    with session.progress(servers, run.id) as listen:
        kit = tools(session, run, listen)

        def conclude_now(name: str, state: ServerState, why: str) -> None:
            run.conclude(name, state, why)
            listen(Notice(name, "server.concluded", message=f"{state}: {why}"))

        def work(server: Server) -> None:
            found = planned.get(server.name.casefold())
            if session.stop.is_set():
                conclude_now(server.name, ServerState.SKIPPED, f"{BY_OPERATOR} before it began")
            elif found is not None and found.steps:
                Course(kit, server, found).go()
            elif found is not None and not is_old:
                conclude_now(server.name, found.state, found.reason)
            else:
                (now,) = _stale(plan, decide_all(session, [server], listen))
                conclude_now(server.name, now.outcome.state, now.outcome.reason)

        over(servers, work, session.config.run.concurrency)
    return conclude(session, run, "apply")
