"""The command `resume`: look at what a broken-off run left, and finish it or say what is owed."""

from __future__ import annotations

import click

from agent.cli.options import Options, globals_


@click.command("resume")
@click.argument("run")
@click.option("--limit", multiple=True, metavar="NAMES", help="Only these servers of the run.")
@click.option("--take-over", is_flag=True, help="The run's process certainly no longer runs.")
@globals_
def command(options: Options, run: str, limit: tuple[str, ...], take_over: bool) -> int:
    """Go on with a run that broke off: look first, then finish each server from where the record says it stands.

    \b
    easfix status
    easfix resume last

    IIS is never restarted a second time in one run: a marker on the server sees to that, whatever crashed.
    """
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.cli.working import chosen, conclude, known, plan_of, tools
    from agent.cli.working import take_over as take_over_run
    from agent.course import Course
    from agent.fleet import over
    from agent.model import Server

    with Session(options) as session:
        name = session.journal.find(run)
        record = session.journal.run(name)
        plans = plan_of(session, record)
        begun = {each.name for each in record.servers}
        open_ones = {each.name for each in record.servers if not each.is_closed}
        if record.ended_at is None:  # it died: servers it had not come to are still owed their turn
            open_ones |= {each.server for each in plans.values() if each.steps and each.server not in begun}
        wanted = set(chosen(record, limit)) if limit else open_ones
        servers = known(session, sorted(open_ones & wanted))
        session.unlock(servers)
        open_run = take_over_run(session, name, forced=take_over)
        with session.progress(servers, name) as listen:
            kit = tools(session, open_run, listen)

            def work(server: Server) -> None:
                if session.stop.is_set():
                    return  # it stays owed
                Course(kit, server, plans[server.name.casefold()]).go()

            over(servers, work, session.config.run.concurrency)
        return show(conclude(session, open_run, "resume"), options)
