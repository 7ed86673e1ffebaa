"""Owns one service: what it is on every machine, and its state on one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.lab.clock import Timer

if TYPE_CHECKING:
    from agent.lab.world.processes import Process


class ServiceState(StrEnum):
    """The states, spelled as ServiceControllerStatus does."""

    STOPPED = "Stopped"
    START_PENDING = "StartPending"
    STOP_PENDING = "StopPending"
    RUNNING = "Running"
    PAUSED = "Paused"


class StartMode(StrEnum):
    """How a service starts, spelled as ServiceStartMode does."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What a service is on every machine; those with the same `image` share one process."""

    name: str
    display: str
    image: str
    depends_on: tuple[str, ...] = ()
    start_mode: StartMode = StartMode.AUTOMATIC
    account: str = "LocalSystem"


class Service:
    """One service of one machine. `stuck` never leaves StopPending, `broken` never reaches Running."""

    __slots__ = (
        "broken",
        "crashes",
        "depends_on",
        "due",
        "image",
        "needs",
        "process",
        "spec",
        "start_mode",
        "start_seconds",
        "state",
        "stop_seconds",
        "stuck",
        "timer",
    )

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.image = spec.image
        self.depends_on = spec.depends_on
        self.needs = frozenset(name.lower() for name in spec.depends_on)
        self.start_mode = spec.start_mode
        self.state = ServiceState.STOPPED
        self.start_seconds = 0.0
        self.stop_seconds = 0.0
        self.stuck = False
        self.broken = False
        self.crashes = 0
        self.due = 0.0
        self.timer: Timer | None = None
        self.process: Process | None = None

    @property
    def name(self) -> str:
        """The short name, such as W3SVC."""
        return self.spec.name

    @property
    def display(self) -> str:
        """The name people read."""
        return self.spec.display

    @property
    def process_id(self) -> int:
        """The id of the host process; 0 while there is none."""
        return self.process.pid if self.process else 0

    @property
    def host_process(self) -> str:
        """The file name of the host process, such as inetinfo.exe; "" while there is none."""
        return self.process.name if self.process else ""

    @property
    def is_running(self) -> bool:
        """True in the state Running only."""
        return self.state is ServiceState.RUNNING
