"""Owns a session on a lab machine for the language's tests, and a sink that keeps everything."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from agent.lab.clock import DrivenClock
from agent.lab.powershell.engine import Engine
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine
from agent.lab.world.processes import Process


@dataclass
class Kept:
    """A sink that keeps what arrives; `first` is set by the first object."""

    out: list[Any] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    first: threading.Event = field(default_factory=threading.Event)

    def output(self, value: Any) -> None:
        self.out.append(value)
        self.first.set()

    def error(self, record: ErrorRecord) -> None:
        self.errors.append(record)

    def warning(self, text: str) -> None:
        self.texts.append(f"warning {text}")

    def verbose(self, text: str) -> None:
        self.texts.append(f"verbose {text}")

    def debug(self, text: str) -> None:
        self.texts.append(f"debug {text}")

    def progress(self, record: Any) -> None:
        self.texts.append("progress")

    def host(self, text: str) -> None:
        self.texts.append(f"host {text}")


@dataclass
class Session:
    """A machine, the process of a session on it, and the session."""

    machine: Machine
    process: Process
    engine: Engine


def new_session(clock: DrivenClock | None = None) -> Session:
    """A session on a fresh mailbox server; its clock moves along by itself unless one is given."""
    machine = exchange_2003("EX01", Forest(clock or DrivenClock(auto=True)), seed=1)
    process = machine.processes.spawn("wsmprovhost.exe", owner="LAB\\administrator")
    return Session(machine, process, Engine(machine, process))
