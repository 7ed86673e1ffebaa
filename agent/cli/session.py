"""Owns what a command works with: configuration, secrets, logs, clock, journal, ways in; put together in one place."""

from __future__ import annotations

import getpass
import os
import random
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
from agent.errors import EasfixError, NoTerminal, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.cli.progress import Progress
    from agent.config import Config, Secrets
    from agent.exits import Exit
    from agent.fleet import Looker
    from agent.journal import Journal
    from agent.logs import Redactor
    from agent.model import Auth, Holder, Server
    from agent.notice import Listen
    from agent.plan import Restart
    from agent.playbook import Playbook
    from agent.probe.phone import Phones
    from agent.proxypool import ProxyPool
    from agent.retry import Questioner
    from agent.survey import Surveyor
    from agent.transport import Connect
    from agent.verify import Verifier


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


class Session:
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
        self._interrupt = Interrupt(self.stop, Work(command_name(), as_json=options.json))
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

        return select(self.config, _names(limit) if limit else None, _names(skip), may_exceed_cap=beyond_cap)

    @cached_property
    def proxies(self) -> tuple[Server, ...]:
        """The Client Access servers."""
        from agent.inventory import proxies

        return proxies(self.config)

    def stopping(self) -> str:
        """Who stopped the command, "stopped by ..."; empty while it may go on."""
        from agent.outcome import BY_OPERATOR

        return BY_OPERATOR if self.stop.is_set() else ""

    @property
    def codes(self) -> tuple[Exit, ...]:
        """What the exit code must tell beside the servers' states: that the operator stopped the command."""
        from agent.exits import Exit

        return (Exit.INTERRUPTED,) if self.stop.is_set() else ()

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

    # --- ways in -------------------------------------------------------------------------------------------------

    @cached_property
    def secrets(self) -> Secrets:
        """The credential sets; a password is fetched when it is first needed."""
        from agent.config import Secrets

        return Secrets(self.config.credentials, ask_password, self.redactor.add)

    @cached_property
    def connect(self) -> Connect:
        """Opens visits; passwords are fetched when the first one needs them."""
        from agent.transport.choose import Connector
        from agent.transport.credentials import Credentials, Secret
        from agent.transport.waits import Waits

        def credentials(server: Server) -> Credentials:
            logon = self.secrets.logon(server.credentials)
            return Credentials(
                logon.username, None if logon.password is None else Secret(logon.password.get_secret_value())
            )

        limits = self.config.timeouts
        waits = Waits(limits.connect_seconds, limits.operation_seconds, limits.read_seconds)
        return Connector(credentials, time.monotonic, waits)

    def unlock(self, servers: Sequence[Server]) -> None:
        """Every password that a run will need is fetched, or asked for, before the run begins: ConfigError otherwise.

        Nothing is sent: a visit connects with its first script.
        """
        for server in (*servers, *(self.proxies if self.config.verify.from_proxies else ())):
            self.connect(server).close()
        for server in servers if self.config.verify.end_to_end else ():
            self.phones.of(server)

    @cached_property
    def playbook(self) -> Playbook:
        """The cure, checked."""
        from agent.playbook import load

        return load()

    @cached_property
    def pool(self) -> ProxyPool:
        """Visits to proxies."""
        from agent.proxypool import ProxyPool

        pool = ProxyPool(self.connect)
        self._exits.callback(pool.close)
        return pool

    @cached_property
    def journal(self) -> Journal:
        """The record of runs, for writing."""
        return self._open(read_only=False)

    @cached_property
    def record(self) -> Journal:
        """The record of runs, for reading only."""
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

    # --- patience ------------------------------------------------------------------------------------------------

    def questioner(self, section: str) -> Questioner:
        """The patience of a section of the configuration: retry, or verify. Ctrl-C wakes who waits."""
        from agent.retry import Policy, Questioner

        found = getattr(self.config, section)
        policy = Policy(found.attempts, found.deadline_seconds, found.first_wait_seconds, found.longest_wait_seconds)
        return Questioner(policy, self._wait, time.monotonic, rng=random.Random())

    def _wait(self, seconds: float) -> None:
        self.stop.wait(seconds)

    @property
    def prover(self) -> Questioner:
        """The patience of the proof; whoever stops the command ends it, with the answer got so far."""
        from dataclasses import replace

        return replace(self.questioner("verify"), is_stopping=lambda: bool(self.stopping()))

    @cached_property
    def waiter(self) -> Questioner:
        """The patience for a restart, or a reboot, to end: as long as the marker's deadline, and then some.

        Asked about every second: phones are cut off for as long as nobody has noticed the end.
        """
        from agent.retry import Policy, Questioner

        deadline = self.config.restart.deadline_seconds + 30
        return Questioner(Policy(1_000_000, deadline, 0.5, 1.0), time.sleep, time.monotonic)

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

    @cached_property
    def phones(self) -> Phones:
        """The test users."""
        from agent.probe.phone import Phones
        from agent.transport.credentials import Credentials, Secret

        def logon(server: Server) -> tuple[Credentials, Auth]:
            found = self.secrets.logon(server.test_user)
            password = None if found.password is None else Secret(found.password.get_secret_value())
            return Credentials(found.username, password), found.auth

        return Phones(logon)

    def surveyor(self) -> Surveyor:
        """Finds out why a path does not work."""
        from agent.survey import Surveyor

        scripts, concurrency = self.playbook.scripts, self.config.run.concurrency
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


def ask_password(question: str) -> str:
    """Ask at the terminal, without an echo; NoTerminal where there is none, Interrupted on Ctrl-C."""
    from agent.cli.interrupt import asking

    if not sys.stdin.isatty():
        from agent.config import nobody

        return nobody(question)
    with asking():
        return getpass.getpass(question, sys.stderr)


def confirm(question: str, advice: str = "Give --yes where nobody can be asked.") -> None:
    """Ask for a yes at the terminal; NoTerminal where there is none, Refused on anything but yes."""
    from agent.cli.interrupt import asking

    if not sys.stdin.isatty():
        raise NoTerminal(
            "a change must be confirmed, and there is no terminal to ask at",
            next_step=advice,
        )
    with asking():
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # the end of the input, which leaves the cursor behind the question
        print(file=sys.stderr)
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("the answer was no: nothing was changed")


def _names(given: tuple[str, ...]) -> list[str]:
    """Names may be repeated options or separated by commas."""
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _level(verbosity: int) -> str:
    return "debug" if verbosity > 1 else "info"
