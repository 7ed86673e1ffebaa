"""Owns what every server of a run is worked on with: the ways in, the patience, the record, and what stops it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.journal import Journal, OpenRun
from agent.model import Script, Server
from agent.notice import Listen
from agent.restart import Limits
from agent.retry import Questioner
from agent.transport import Connect
from agent.verify import Verifier


def unfenced() -> None:
    """For a run that nobody else could take over."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every server of a run is worked on with."""

    journal: Journal
    run: OpenRun
    connect: Connect
    scripts: Mapping[str, Script]
    questioner: Questioner  # the patience of ordinary questions
    waiter: Questioner  # the patience for a restart, or a reboot, to end
    verifier: Verifier
    limits: Limits
    puts_back: bool  # on_failure: rollback
    second_look: timedelta
    now: Callable[[], datetime]
    stopping: Callable[[], str]  # who stopped the run, "stopped by ..."; empty while the next step may begin
    listen: Listen
    servers: Mapping[str, Server] = field(default_factory=dict)  # every back-end, by its name in lower case
    fence: Callable[[], None] = unfenced  # raises `Fenced` where this process must not send anything any more
