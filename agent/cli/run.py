"""The command `run`: tick after tick in the foreground under a supervisor, or one tick and the end."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection
from agent.errors import ConfigError, EasfixError
from agent.exits import Exit

if TYPE_CHECKING:
    from agent.cli.scheduled import Schedule
    from agent.cli.tick import Taken
    from agent.cli.ticking import Ticking
    from agent.schedule import Tick, Timetable

PULSE = 1.0
"""Seconds between two looks at the clock: a machine that slept is noticed, and so is Ctrl-C on Windows."""


@click.command("run")
@click.option("--every", default="", metavar="LENGTH", help="A tick every 90s, 30m, 4h or 1d; the first one at once.")
@click.option("--cron", default="", metavar="EXPRESSION", help="Ticks as cron has them: five fields.")
@click.option(
    "--zone", default="", metavar="ZONE", help="Time zone of --cron, such as Europe/Berlin; UTC unless given."
)
@click.option("--once", is_flag=True, help="One tick and the end; with --every or --cron, the one that is due now.")
@selection
@globals_
def command(
    options: Options,
    every: str,
    cron: str,
    zone: str,
    once: bool,
    limit: tuple[str, ...],
    skip: tuple[str, ...],
    beyond_max_servers: bool,
) -> int:
    """Watch over the servers: take due second looks, look for drift, list what is owed, and tell who is to be told.

    \b
    easfix run --every 30m
    easfix run --cron "30 2 * * *" --zone Europe/Berlin
    easfix run --once --every 30m --json

    It changes servers inside a change window only, and only with schedule.remediate: auto. Ticks that nobody was there
    for are not made up: one comes, and says how many were missed. Of several processes that share a journal, one takes
    each tick. Ctrl-C or SIGTERM finishes the step under way and ends. With --json there is a document for each tick,
    each on a line of its own unless --once is given.
    """
    from agent.cli.scheduled import Schedule

    timetable = _timetable(every, cron, zone, once=once)
    schedule = Schedule(timetable, limit, skip, beyond_max_servers)
    if once or timetable is None:
        return _once(options, schedule)
    return _on_and_on(options, schedule, timetable)


def _timetable(every: str, cron: str, zone: str, *, once: bool) -> Timetable | None:
    """From the options; raises `UsageError`."""
    from agent.cli.session import now
    from agent.errors import UsageError
    from agent.schedule import Cron, Every

    if every and cron:
        raise UsageError("both --every and --cron are given; keep one")
    if zone and not cron:
        raise UsageError("--zone says by which clock --cron goes, and there is no --cron", where="--zone")
    if not (every or cron or once):
        hint = "Give --every 30m, or --cron with five fields, or --once for a single tick."
        raise UsageError("when ticks are to come is not said", next_step=hint)
    if every:
        return Every.of(every)
    return Cron.of(cron, zone or "UTC", now()) if cron else None


def _once(options: Options, schedule: Schedule) -> int:
    """One tick; its failure is the end."""
    from agent.cli.session import now
    from agent.cli.ticking import Ticking
    from agent.schedule import Tick

    ticking = Ticking(options, schedule, threading.Event())
    moment = now()
    taken = ticking.take(Tick(schedule.timetable.latest(moment) if schedule.timetable else moment))
    _show(taken, options, indent=2)
    return int(taken.outcome.exit_code)


def _on_and_on(options: Options, schedule: Schedule, timetable: Timetable) -> int:
    """Tick after tick until a signal says that there is to be an end; a tick that fails is none."""
    from agent.cli.interrupt import Interrupt, Work
    from agent.cli.session import now
    from agent.cli.supervisor import Heart, of_environment
    from agent.cli.ticking import Ticking
    from agent.schedule import Scheduler

    stop, supervisor = threading.Event(), of_environment()
    ticking = Ticking(options, schedule, stop)
    ticking.refuse_prompts()
    was_at_work = False
    with Interrupt(stop, Work("run")), Heart(supervisor, time.monotonic, ticking.patience) as heart:

        def wait(seconds: float) -> bool:
            heart.sign()
            return stop.wait(seconds)

        def announce(due: datetime) -> None:
            supervisor.status(f"{schedule.words}: next tick at {due:%Y-%m-%d %H:%M:%S} UTC")

        ticking.heard = heart.sign
        _greet(options, schedule, timetable.next(now()))
        supervisor.ready()
        for tick in Scheduler(timetable, now, wait, announce, PULSE).ticks():
            supervisor.status(f"{schedule.words}: tick of {tick.at:%Y-%m-%d %H:%M:%S} UTC")
            was_at_work = _attempt(ticking, tick, options, stop)
        supervisor.stopping()
    return int(Exit.INTERRUPTED if was_at_work else Exit.OK)


def _greet(options: Options, schedule: Schedule, due: datetime) -> None:
    """That it runs, and what for; a person would otherwise see nothing for a while."""
    if options.verbosity >= 0:
        words = f"easfix: {schedule.words}; the next tick is due at {due:%Y-%m-%d %H:%M:%S} UTC. Ctrl-C ends it."
        print(words, file=sys.stderr, flush=True)


def _attempt(ticking: Ticking, tick: Tick, options: Options, stop: threading.Event) -> bool:
    """Take a tick and show its answer, or what went wrong; true where it was told to end before it had."""
    try:
        taken = ticking.take(tick)
    except (EasfixError, OSError) as error:
        was_at_work = stop.is_set()
        _show_failure(error, options)
    else:
        was_at_work = stop.is_set()
        _show(taken, options, indent=None)
    return was_at_work


def _show(taken: Taken, options: Options, indent: int | None) -> None:
    from agent.report.document import document

    words = json.dumps(document(taken.outcome), indent=indent, ensure_ascii=False) if options.json else taken.line
    print(words, flush=True)


def _show_failure(error: EasfixError | OSError, options: Options) -> None:
    """On standard error for a person; with --json also as the tick's document."""
    from agent.cli.interrupt import envelope
    from agent.cli.session import known_secrets
    from agent.cli.ticking import words_of
    from agent.exits import of_error

    hide = known_secrets().text
    ours = error if isinstance(error, EasfixError) else ConfigError(words_of(error))
    next_step = hide(ours.next_step) or "The next tick tries again."
    print(f"easfix: a tick came to nothing: {hide(words_of(ours))}\n        {next_step}", file=sys.stderr, flush=True)
    if options.json:
        code = int(of_error(ours))
        found = envelope("run", ours.run_ended, code, hide(ours.message), hide(ours.where), next_step)
        print(json.dumps(found, ensure_ascii=False), flush=True)
