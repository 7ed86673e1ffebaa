"""The command `apply`: carry out a plan, or plan and ask; with --dry-run only show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_, weighty_words, words
from agent.cli.select import selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.cli.conduct import Permit
    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.model import Debt, Plan, Server, ServerPlan
    from agent.outcome import Outcome


@click.command("apply")
@click.argument("plan_file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[PLAN]")
@click.option("--dry-run", is_flag=True, help="Show what would be done; nothing that could write is even opened.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--reason", callback=words, default="", metavar="TEXT", help="Why, for the record.")
@click.option("--change", callback=words, default="", metavar="ID", help="The change ticket, for the record.")
@click.option(
    "--outside-window",
    callback=weighty_words,
    default="",
    metavar="REASON",
    help="Work outside any change window; kept on record.",
)
@selection
@globals_
def command(
    options: Options,
    plan_file: Path | None,
    dry_run: bool,
    yes: bool,
    reason: str,
    change: str,
    outside_window: str,
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

    The canary goes first and alone (run.canary), then 1, 2, 4, 8 servers at a time (run.first_wave, run.growth), at
    most run.concurrency; before each wave the last one is looked at again. A canary that fails stops the run. With
    run.max_failures: 3 the run stops when the 3rd server has failed, with 10% when the first 10% of the servers to be
    changed have: not one later. An unreachable server has failed. Servers under way are finished, or put back; the
    others are skipped, and `easfix resume` takes them up. Nothing begins that cannot be finished in the change window.
    """
    from agent.cli.carryout import carry_out
    from agent.cli.conduct import Permit, of_plan, refuse
    from agent.cli.heirs import debts_on
    from agent.cli.looking import answer, make_plan
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.model import ServerState

    with Session(options) as session:
        given = _read(session, plan_file) if plan_file is not None else None
        servers = _servers(session, limit, skip, given, beyond_cap=beyond_max_servers)
        if dry_run:
            outcome, notes = _rehearse(session, servers, given, outside_window)
            is_pending = any(each.state is ServerState.PENDING for each in outcome.servers)
            return show(outcome, options, "the same without --dry-run" if is_pending else "", notes)
        decided = [] if given else _look(session, servers)
        plan = given or make_plan(session, decided)
        if session.stop.is_set():
            return show(answer(session, "apply", decided), options)
        debts = debts_on(session, servers)
        if not _pending(plan, servers) and not debts:  # nothing is to be done, so no run begins
            return show(_rehearsed(session, servers, plan) if given else answer(session, "apply", decided), options)
        chosen = _only(session, plan, servers)
        permit = Permit(
            of_plan(session, chosen, [debt.server for debt in debts], outside_window),
            reason,
            change,
            _approver(session, plan, change),
        )
        refuse(session, permit.orders)
        if not yes:
            _ask(session, plan, chosen, permit, debts)
        outcome = carry_out(session, servers, plan, permit=permit, is_old=given is not None)
        return show(outcome, options, _next(session, outcome))


def _next(session: Session, outcome: Outcome) -> str:
    """What can be done about the run now, one command a line: only what there is something to do for."""
    from agent.model import ServerState
    from agent.rollback import owed

    run, line = str(outcome.run), session.options.line
    states = {each.state for each in outcome.servers}
    minutes = int(session.second_look.total_seconds() // 60)
    doubted = [each for each in outcome.servers if each.state is ServerState.UNKNOWN]
    is_unfinished = session.stop.is_set() or any(each.steps for each in doubted)
    steps = [f"{line(f'resume {run}')}  goes on with it"] if is_unfinished else []
    if unseen := ",".join(each.name for each in doubted if not each.steps):  # the run has begun with nothing there
        steps.append(f"{line(f'apply --limit {unseen}')}  once they answer as they should")
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
    from agent.cli.carryout import gone
    from agent.errors import EmptySelection

    if plan is not None and not limit:
        missing = {name.casefold() for name in gone(session, plan)}
        limit = tuple(
            each.server for each in plan.servers if not each.leads_to and each.server.casefold() not in missing
        )
        if not limit:
            raise EmptySelection("the configuration names none of the plan's servers", where=str(session.path))
    return session.servers(limit, skip, beyond_cap=beyond_cap)


def _rehearse(
    session: Session, servers: Sequence[Server], plan: Plan | None, outside_window: str
) -> tuple[Outcome, list[str]]:
    """Look and show. No writing transport, no journal: it holds nothing that could write."""
    from agent.cli.conduct import document, lines, of_plan
    from agent.cli.looking import answer, make_plan

    decided = _look(session, servers)
    chosen = _only(session, plan, servers) if plan else make_plan(session, decided)
    orders = of_plan(session, chosen, (), outside_window)
    extra = {"dry_run": True, **document(orders)}
    if plan is None:
        proxies = [each for each in chosen.servers if each.leads_to]
        return answer(session, "apply", decided, proxies, **extra), lines(session, orders)
    return _as_planned(session, decided, plan, extra), lines(session, orders)


def _rehearsed(session: Session, servers: Sequence[Server], plan: Plan) -> Outcome:
    """What a plan that leaves everything alone comes to now."""
    return _as_planned(session, _look(session, servers), plan, {})


def _as_planned(session: Session, decided: Sequence[Decided], plan: Plan, extra: Mapping[str, object]) -> Outcome:
    from dataclasses import replace

    from agent.cli.carryout import GONE, gone, stale
    from agent.cli.looking import answer
    from agent.model import ServerState
    from agent.outcome import ServerOutcome

    found = stale(plan, decided)
    pending = {each.plan.server for each in found if each.plan.steps}
    proxies = [each for each in plan.servers if pending & set(each.leads_to)]
    outcome = answer(session, "apply", found, proxies, plan_hash=plan.hash, **extra)
    missing = tuple(ServerOutcome(name, ServerState.SKIPPED, GONE) for name in gone(session, plan))
    return replace(outcome, servers=(*outcome.servers, *missing))


def _only(session: Session, plan: Plan, servers: Sequence[Server]) -> Plan:
    """The plan for these servers and the proxies that lead to them, in the order in which they are gone through."""
    from dataclasses import replace

    from agent.cli.carryout import by_name

    planned = by_name(plan)
    found = (planned.get(each.name.casefold()) for each in servers)
    chosen = [each for each in found if each is not None]
    pending = {each.server for each in chosen if each.steps}
    proxies = {proxy.name for proxy in session.proxies}
    led = [each for each in plan.servers if each.server in proxies and pending & set(each.leads_to)]
    return replace(plan, servers=(*chosen, *led))


def _approver(session: Session, plan: Plan, change: str) -> str:
    """Who has agreed, where somebody must have; raises `NotApproved`."""
    from agent.cli.account import account
    from agent.cli.approval import require_approval

    return require_approval(session, plan, account(), change).by if session.config.approval.require_approval else ""


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


def _pending(plan: Plan, servers: Sequence[Server]) -> list[ServerPlan]:
    """What the plan would change on these servers."""
    return [each for each in _planned(plan, servers) if each.steps]


def _planned(plan: Plan, servers: Sequence[Server]) -> list[ServerPlan]:
    chosen = {each.name.casefold() for each in servers}
    return [each for each in plan.servers if each.server.casefold() in chosen]


def _ask(session: Session, plan: Plan, chosen: Plan, permit: Permit, debts: Sequence[Debt]) -> None:
    """Say what of the plan is chosen and will happen, and ask. Refused for a no."""
    import sys

    from agent.cli.asking import confirm
    from agent.cli.conduct import lines
    from agent.cli.tickline import counted
    from agent.cli.view import question
    from agent.outcome import Outcome, of_plan

    planned = chosen.servers
    for line in question(Outcome("plan", tuple(of_plan(each) for each in planned))):
        print(line, file=sys.stderr)
    for debt in debts:
        print(f"first: {debt.server}: what run {debt.run} left is settled: {debt.words}", file=sys.stderr)
    failing = [each for each in planned if each.state.is_failure and not each.steps]
    for line in lines(session, permit.orders, len(failing)):
        print(line, file=sys.stderr)
    waves = permit.orders.waves
    count = counted(sum(len(wave.servers) for wave in waves if not wave.is_proxy), "server", "servers")
    if proxies := sum(wave.is_proxy for wave in waves):
        count += f", and restart IIS on {counted(proxies, 'proxy', 'proxies')}"
    advice = "Give --yes where nobody can be asked, best with a plan that somebody has read."
    confirm(f"\nChange {count} (plan {plan.hash[:12]})?", advice)
