"""The command `resume`: look at what a broken-off run left, and finish it or say what is owed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.names import runs, servers
from agent.cli.options import Options, globals_, weighty_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.cli.session import Session
    from agent.journal import OpenRun
    from agent.model import RunRecord, ServerPlan


@click.command("resume")
@click.argument("run", shell_complete=runs)
@click.option("--limit", multiple=True, metavar="NAMES", shell_complete=servers, help="Only these servers of the run.")
@click.option("--take-over", is_flag=True, help="The run's process certainly no longer runs.")
@click.option(
    "--outside-window",
    callback=weighty_words,
    default="",
    metavar="REASON",
    help="Work outside any change window; kept on record.",
)
@globals_
def command(options: Options, run: str, limit: tuple[str, ...], take_over: bool, outside_window: str) -> int:
    """Go on with a run that broke off: look first, then finish each server from where the record says it stands.

    \b
    easfix status
    easfix resume last

    It does not ask: what it finishes was agreed to when the run began. --limit leaves out what is not to be touched.

    IIS is never restarted a second time in one run: a marker on the server sees to that, whatever crashed. What the
    run had begun with is finished at any time; servers that it did not come to follow in waves, within the change
    window, and as many of them may fail as of a new run. A reason to work outside the window that was given when the
    run began does not count any more: say it again.
    """
    from agent.campaign import campaign
    from agent.cli.conduct import of_record
    from agent.cli.heirs import Heirs
    from agent.cli.session import Session
    from agent.cli.takeover import named
    from agent.cli.view import show
    from agent.cli.working import chosen, conclude, known, plan_of, tools
    from agent.cli.working import take_over as take_over_run
    from agent.inventory import in_order

    with Session(options) as session:
        name = named(session, run)
        record = session.journal.run(name)
        plans = plan_of(session, record)
        open_ones = _open(record, plans)
        wanted = set(chosen(record, limit)) if limit else open_ones
        if record.ended_at is not None and not open_ones & wanted:
            return _nothing(session, record, options)
        servers = sorted(known(session, sorted(open_ones & wanted)), key=in_order)
        session.unlock(servers)
        open_run = take_over_run(session, name, "resume", forced=take_over, outside_window=outside_window)
        _say_what_was_planned(open_run, record, plans)
        with session.progress(servers, name) as listen:
            kit, heirs = tools(session, open_run, listen), Heirs(session, listen)
            orders, failed = of_record(session, record, plans, [each.name for each in servers], outside_window)
            campaign(kit, servers, plans, orders, heirs.inherit, failed).run()
            heirs.end()
        # About all its servers, also those that it had come to before: 0 says that the whole run is well.
        is_left = record.ended_at is None and bool(open_ones - wanted)
        worked = [each.name for each in servers] if limit else None
        return show(conclude(session, open_run, "resume", worked, is_left=is_left), options)


def _open(record: RunRecord, plans: Mapping[str, ServerPlan]) -> set[str]:
    """The servers that are owed something: held ones, and those of the chosen that the run did not come to.

    Also those that another run held then: whether it does so still, admission says.
    """
    from agent.journal import HELD
    from agent.outcome import is_to_come

    planned = {each.server for each in plans.values() if each.steps}
    found = {each.name for each in record.servers if not each.is_closed}
    for each in record.servers:
        if is_to_come(each) or each.reason.startswith(f"{each.name} {HELD} "):
            found |= {each.name} & planned
    return found


def _say_what_was_planned(run: OpenRun, record: RunRecord, plans: Mapping[str, ServerPlan]) -> None:
    """Servers that nothing was to be done about, and that the run died before it said so."""
    from agent.outcome import is_to_come

    for each in record.servers:
        plan = plans.get(each.name.casefold())
        if plan is not None and not plan.steps and is_to_come(each):
            run.conclude(each.name, plan.state, plan.reason)


def _nothing(session: Session, record: RunRecord, options: Options) -> int:
    """Say so, and leave the record as it is; what is owed all the same is not hidden behind it."""
    from agent.cli.view import show
    from agent.exits import Exit
    from agent.outcome import Outcome, of_record

    others = list(dict.fromkeys(each.run for each in session.record.debts() if each.run != record.id))
    codes = (Exit.UNCERTAIN,) if others else ()
    servers = tuple(of_record(each) for each in record.servers)
    said: dict[str, object] = {"message": "nothing to resume", "owing": others}
    found = Outcome("resume", servers, record.id, codes, said)
    if options.json:
        return show(found, options)
    print(
        f"nothing to resume: run {record.id} has nothing left to do here. "
        f"{options.line(f'show {record.id}')} tells more."
    )
    for run in others:
        print(f"but run {run} owes something still: {options.line(f'resume {run}')}")
    if found.exit_code is not Exit.OK:
        print(f"{options.line('status')} tells how the servers stand")
    return int(found.exit_code)
