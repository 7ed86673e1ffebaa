"""Owns how long a command waits and how often it asks again, by the configuration; Ctrl-C wakes who waits."""

from __future__ import annotations

import random
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.cli.killswitch import KillSwitch
    from agent.config import Config
    from agent.retry import Questioner


class Patience:
    """The patience of a command; a part of the session."""

    config: Config
    stop: threading.Event

    def stopping(self) -> str:
        """Who stopped the command, "stopped by ..."; empty while it may go on."""
        from agent.outcome import BY_OPERATOR

        return BY_OPERATOR if self.stop.is_set() else self.kill_switch.read()

    @cached_property
    def kill_switch(self) -> KillSwitch:
        """What else than a signal stops the command."""
        from agent.cli.killswitch import KillSwitch

        file = self.config.schedule.stop_file
        return KillSwitch(Path(file) if file else None)

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
        """The patience for a restart, or a reboot, to end.

        Each question waits on the server for the end (restart-status.ps1); in between there are two seconds at most,
        so that a server that does not answer is not asked more often than that.
        """
        from agent.retry import Policy, Questioner

        policy = Policy(1_000_000, self.config.restart.patience_seconds, 0.25, 2.0)
        return Questioner(policy, time.sleep, time.monotonic)
