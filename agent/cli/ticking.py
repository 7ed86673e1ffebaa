"""Owns how a tick is begun, logged and, where it comes to nothing, told; each one with a session of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.errors import ConfigError, EasfixError, Interrupted

if TYPE_CHECKING:
    from agent.cli.options import Options
    from agent.cli.scheduled import Schedule
    from agent.cli.tick import Taken
    from agent.config import Config
    from agent.schedule import Tick

QUIET_WORK = 300.0
"""Seconds of honest work beyond restart and proof that may pass without a notice."""


def _unheard() -> None:
    """Nobody watches for signs of life."""


class Ticking:
    """Takes ticks; the configuration is read anew for each, and the last good one says who is told when it breaks."""

    def __init__(self, options: Options, schedule: Schedule, stop: threading.Event) -> None:
        """Raises `ConfigError` and `UsageError`: what is wrong at the start is no matter for a later tick."""
        from agent import config

        self._options = options
        self._schedule = schedule
        self._stop = stop
        self.heard: Callable[[], None] = _unheard
        self.config: Config = config.load(config.find(options.config))
        schedule.servers(self.config)

    @property
    def patience(self) -> float:
        """How many seconds may pass between two notices of a tick that goes well."""
        return self.config.restart.deadline_seconds + self.config.verify.deadline_seconds + QUIET_WORK

    def refuse_prompts(self) -> None:
        """Nobody can be asked for a password at each tick; raises `ConfigError`."""
        servers = self._schedule.servers(self.config)
        used = [name for each in servers for name in (each.credentials, each.test_user)]
        used += [each.credentials for each in self.config.proxies]
        wanted = {name.casefold() for name in (*used, self.config.journal_credentials)}
        for name, credential in self.config.credentials.items():
            if credential.prompt and name.casefold() in wanted:
                raise ConfigError(
                    "a password would have to be asked for at every tick",
                    where=f"credentials.{name}.prompt",
                    next_step="use password_env, password_file or keyring",
                )

    def take(self, tick: Tick) -> Taken:
        """One tick; what goes wrong is logged and told, and raised."""
        from agent import logs
        from agent.cli.session import Session
        from agent.cli.tick import take

        concluded: set[str] = set()
        try:
            session = Session(self._options)
            self.config, concluded = session.config, session.concluded
            session.join(self._stop, self.heard)
            with session, logs.bound(tick=tick.at.isoformat()):
                logs.get().info("tick.begun", schedule=self._schedule.words, missed=tick.missed)
                taken = take(session, self._schedule, tick)
                logs.get().info("tick.ended", exit_code=int(taken.outcome.exit_code), summary=taken.line)
                return taken
        except (Interrupted, KeyboardInterrupt):
            raise
        except BaseException as error:
            run = getattr(error, "run_ended", "")
            self._failed(tick, error, is_told=bool(run) and run not in concluded)
            raise

    def _failed(self, tick: Tick, error: BaseException, *, is_told: bool) -> None:
        from agent import logs
        from agent.cli.post import Post
        from agent.cli.session import known_secrets

        words = words_of(error)
        with self._logging():
            logs.get().error("tick.failed", tick=tick.at.isoformat(), error=type(error).__name__, detail=words)
            if not is_told:  # as the end of a run
                Post(self.config, known_secrets(), self._options, self._schedule).failure(words)

    @contextmanager
    def _logging(self) -> Iterator[None]:
        """The log of the last good configuration; without it where its file is what cannot be opened."""
        from agent import config, logs
        from agent.cli.session import known_secrets, now

        section = self.config.logs
        file = logs.LogFile(config.log_file(self.config), section.level, section.max_bytes, section.keep)
        try:
            end = logs.start(file, None, "info", known_secrets(), now)
        except ConfigError:
            end = logs.start(None, None, "info", known_secrets(), now)
        try:
            yield
        finally:
            end()


def words_of(error: BaseException) -> str:
    """What went wrong; of a defect only its kind, for its words may hold anything."""
    match error:
        case EasfixError():
            return f"{error.where}: {error.message}" if error.where else error.message
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            return f"{name}{error.strerror or type(error).__name__}"
    return f"a defect of easfix: {type(error).__name__}"
