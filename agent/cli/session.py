"""Owns what a command works with: configuration, log, clock, journal, who looks and asks; put together in one place."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from agent.cli.account import account
from agent.cli.options import Options
from agent.cli.patience import Patience
from agent.cli.reach import Reach
from agent.errors import EasfixError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.cli.beat import Beats
    from agent.cli.progress import Progress
    from agent.config import Config
    from agent.exits import Exit
    from agent.fleet import Looker
    from agent.journal import Journal, OpenRun
    from agent.logs import Redactor
    from agent.model import Holder, Server
    from agent.notice import Listen
    from agent.plan import Restart
    from agent.playbook import Playbook
    from agent.survey import Surveyor
    from agent.verify import Verifier


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


class Session(Reach, Patience):
    """One command's tools, made when first needed; `with Session(options) as session:`."""

    def __init__(self, options: Options) -> None:
        from agent import config
        from agent.cli.interrupt import Interrupt, Work

        self.options = options
        self.path: Path = config.find(options.config)
        self.config: Config = config.load(self.path)
        self.redactor = known_secrets()
        self.stop = threading.Event()
        self.concluded: set[str] = set()  # names of the runs whose end has been told
        self._interrupt = Interrupt(self.stop, Work(command_name(), as_json=options.json, typed=options.typed))
        self._exits = ExitStack()

    def join(self, stop: threading.Event, heard: Callable[[], None]) -> None:
        """Be part of a longer work, before it begins: its end is ours, and it hears of every notice."""
        self.stop = self._interrupt.stop = stop
        self._interrupt.work.heard = heard

    def __enter__(self) -> Self:
        """Logging starts, and Ctrl-C becomes a request to stop between steps."""
        from agent import config, logs

        section = self.config.logs
        file = logs.LogFile(config.log_file(self.config), section.level, section.max_bytes, section.keep)
        console = sys.stderr if self.options.verbosity > 0 else None
        self._exits.callback(logs.start(file, console, _level(self.options.verbosity), self.redactor, now))
        self._exits.enter_context(self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Everything that was opened is closed; an error is told which run it ended."""
        if isinstance(error, EasfixError):
            error.run_ended = self._interrupt.work.run
        if error is not None and self._interrupt.work.run:
            from agent.cli.telling import tell_of_abort

            tell_of_abort(self, self._interrupt.work.run, error)
        self._exits.close()

    def open(self, run: OpenRun) -> None:
        """This process works on the run: it beats for it, and heeds who asks it to stop."""
        self.kill_switch.watch(self.journal, run.id)
        self.beats.begin(run, self.config.schedule.beat_seconds)

    @cached_property
    def beats(self) -> Beats:
        """The signs of life of the runs that are open."""
        from agent.cli.beat import Beats

        beats = Beats()
        self._exits.callback(beats.close)
        return beats

    # --- who and where -------------------------------------------------------------------------------------------

    def holder(self, run: str) -> Holder:
        """This process, as the one that holds a run."""
        from agent.model import Holder

        return Holder(run, socket.gethostname(), os.getpid(), account())

    def new_run(self) -> str:
        """A name for a run: letters, digits and dashes, in the order of time."""
        return f"{now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def servers(self, limit: tuple[str, ...], skip: tuple[str, ...], *, beyond_cap: bool = False) -> tuple[Server, ...]:
        """The servers of this command."""
        from agent.inventory import select

        try:
            return select(self.config, _names(limit) if limit else None, _names(skip), may_exceed_cap=beyond_cap)
        except EasfixError as error:
            error.where = error.where or str(self.path)
            raise

    @property
    def codes(self) -> tuple[Exit, ...]:
        """What the exit code must tell beside the servers' states: that the operator stopped the command."""
        from agent.exits import Exit

        return (Exit.INTERRUPTED,) if self.stop.is_set() or self.kill_switch.words else ()

    # --- on the screen -------------------------------------------------------------------------------------------

    def progress(self, servers: Sequence[Server], run: str = "") -> Progress:
        """Shows how the work on these servers goes on.

        Passwords that must be asked for are asked for now, before a table covers the question.
        """
        from agent.cli.progress import Progress

        known = {name.casefold(): credential for name, credential in self.config.credentials.items()}
        for name in sorted({each.credentials for each in servers}):
            if known[name.casefold()].prompt:
                self.secrets.logon(name)
        if run:
            self.began(run)
        return Progress(self.options, [each.name for each in servers], run, self._interrupt)

    def began(self, run: str) -> None:
        """From here on an end of this command, however it comes, is the end of this run."""
        self._interrupt.work.run = run

    # --- what it works by ----------------------------------------------------------------------------------------

    @cached_property
    def playbook(self) -> Playbook:
        """The cure; who changes servers asks for all of its scripts first, which checks them."""
        from agent.playbook import read

        return read()

    @cached_property
    def journal(self) -> Journal:
        """The record of runs, for writing."""
        return self._open(read_only=False)

    @cached_property
    def record(self) -> Journal:
        """The record of runs, for reading only; one that an older easfix has written is brought up to date first."""
        from agent.errors import OldJournal

        try:
            return self._open(read_only=True)
        except OldJournal:
            self._open(read_only=False)
            return self._open(read_only=True)

    def _open(self, *, read_only: bool) -> Journal:
        from agent.config import journal_address
        from agent.journal import open_journal

        username, password = "", None
        if self.config.journal_credentials:
            logon = self.secrets.logon(self.config.journal_credentials)
            username = logon.username
            password = logon.password.get_secret_value() if logon.password else None
        address = journal_address(self.config)
        journal = open_journal(
            address, now, username=username, password=password, scrub=self.redactor.text, read_only=read_only
        )
        self._exits.callback(journal.close)
        return journal

    # --- who looks and asks --------------------------------------------------------------------------------------

    def looker(self, listen: Listen) -> Looker:
        """Looks at servers."""
        from agent.fleet import Looker

        script = self.playbook.script("detect")
        return Looker(self.connect, script, self.questioner("retry"), now, self.stop.is_set, listen)

    def verifier(self) -> Verifier:
        """Asks the proxy path."""
        from agent.verify import Clocks, Origins, Verifier

        section = self.config.verify
        origins = Origins(
            section.from_agent,
            self.proxies if section.from_proxies else (),
            self.config.timeouts.probe_seconds,
            self.phones if section.end_to_end else None,
            self.marker,
        )
        return Verifier(self.pool, self.playbook.scripts, origins, self.prover, Clocks(now, time.monotonic))

    @cached_property
    def marker(self) -> str:
        """User-Agent of every question of this command to a web server: its lines in the logs are found by it."""
        return f"easfix-{secrets.token_hex(3)}"

    def surveyor(self) -> Surveyor:
        """Finds out why a path does not work."""
        from agent.survey import Surveyor

        scripts, concurrency = self.playbook.one_by_one, self.config.run.concurrency
        return Surveyor(self.pool, self.connect, scripts, now, concurrency, self.marker)

    @property
    def restart(self) -> Restart:
        """How IIS is to be restarted."""
        from agent.plan import Restart

        return Restart(self.config.restart.method, self.config.restart.timeout_seconds)

    @property
    def second_look(self) -> timedelta:
        """How long after a change to look again."""
        return timedelta(minutes=self.config.verify.second_look_minutes)


def command_name() -> str:
    """The command as the operator wrote it: "check", or "config check"."""
    context = click.get_current_context(silent=True)
    return context.command_path.partition(" ")[2] if context else ""


@cache
def known_secrets() -> Redactor:
    """Hides every secret that this process has fetched; one a process, because errors outlive their session."""
    from agent.logs import Redactor

    return Redactor()


def _names(given: tuple[str, ...]) -> list[str]:
    """Names may be repeated options or separated by commas."""
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _level(verbosity: int) -> str:
    return "debug" if verbosity > 1 else "info"
