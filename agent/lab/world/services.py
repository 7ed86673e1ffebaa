"""Owns the services of one machine, as the service control manager sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.lab.clock import Timer, never
from agent.lab.world import scm_events
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process

PATIENCE = 120.0  # seconds a blocking start or stop waits


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


Transition = Callable[[Service, ServiceState, ServiceState], None]


class Services:
    """Requests return at once, as the service control manager's do; `start` and `stop` wait for the end."""

    def __init__(self, machine: Machine, specs: Sequence[ServiceSpec]) -> None:
        self._machine = machine
        self._services = {spec.name.lower(): Service(spec) for spec in specs}
        self._listeners: list[Transition] = []
        self.logs_transitions = False  # until the machine has booted for the first time
        machine.processes.on_death(self._host_died)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._services

    def get(self, name: str) -> Service:
        """The service of that short name."""
        if (service := self._services.get(name.lower())) is None:
            raise WorldError(ErrorKind.SERVICE_UNKNOWN, name)
        return service

    def find(self, name: str) -> Service:
        """The service of that short or display name, as NET START takes it."""
        for service in self._services.values():
            if service.display.lower() == name.lower():
                return service
        return self.get(name)

    def list(self) -> list[Service]:
        """All services."""
        return list(self._services.values())

    def add(self, spec: ServiceSpec) -> Service:
        """Install a service."""
        service = self._services[spec.name.lower()] = Service(spec)
        return service

    def dependents(self, name: str, recursive: bool = True) -> list[Service]:
        """The services that depend on it; with `recursive` the farthest come first, as a stop needs them."""
        wanted = self.get(name).name.lower()
        near = [each for each in self.list() if wanted in (other.lower() for other in each.depends_on)]
        if not recursive:
            return near
        found: list[Service] = []
        for service in near:
            found += [each for each in (*self.dependents(service.name), service) if each not in found]
        return found

    def on_transition(self, listener: Transition) -> None:
        """Call `listener(service, old, new)` at each change of state, under the machine's lock."""
        self._listeners.append(listener)

    # --- requests ----------------------------------------------------------------------------------------------

    def request_start(self, name: str) -> None:
        """StartService: begin to start it and what it depends on."""
        with self._machine.lock:
            service = self.get(name)
            if service.state is not ServiceState.STOPPED:
                raise WorldError(ErrorKind.SERVICE_RUNNING, service.name)
            self._begin_start(service)

    def request_stop(self, name: str) -> None:
        """ControlService(STOP): begin to stop it; refused while services that depend on it run."""
        with self._machine.lock:
            service = self.get(name)
            if service.state is ServiceState.STOPPED:
                raise WorldError(ErrorKind.SERVICE_NOT_STARTED, service.name)
            if service.state not in (ServiceState.RUNNING, ServiceState.PAUSED):
                raise WorldError(ErrorKind.SERVICE_BUSY, service.name)
            if any(each.state is not ServiceState.STOPPED for each in self.dependents(name)):
                raise WorldError(ErrorKind.DEPENDENTS_RUNNING, service.name)
            self._begin_stop(service)

    def pause(self, name: str) -> None:
        """ControlService(PAUSE)."""
        self._swap(name, ServiceState.RUNNING, ServiceState.PAUSED)

    def resume(self, name: str) -> None:
        """ControlService(CONTINUE)."""
        self._swap(name, ServiceState.PAUSED, ServiceState.RUNNING)

    def set_start_mode(self, name: str, mode: StartMode) -> None:
        """Change how it starts; the registry follows."""
        with self._machine.lock:
            service = self.get(name)
            service.start_mode = mode
            key = rf"SYSTEM\CurrentControlSet\Services\{service.name}"
            self._machine.registry.create(key)
            number = {StartMode.AUTOMATIC: 2, StartMode.MANUAL: 3, StartMode.DISABLED: 4}[mode]
            self._machine.registry.set(key, "Start", number)
        self._machine.changed()

    # --- blocking ----------------------------------------------------------------------------------------------

    def start(self, name: str, *, seconds: float = PATIENCE, woken: Callable[[], bool] = never) -> None:
        """Start it and wait until it runs; nothing happens where it runs already."""
        if self.get(name).state is ServiceState.STOPPED:
            self.request_start(name)
        if not self.wait(name, ServiceState.RUNNING, seconds, woken):
            raise WorldError(ErrorKind.SERVICE_TIMEOUT, name)

    def stop(
        self, name: str, force: bool = False, *, seconds: float = PATIENCE, woken: Callable[[], bool] = never
    ) -> None:
        """Stop it and wait until it has; with `force` stop first what depends on it."""
        for service in self.dependents(name) if force else []:
            if service.state is not ServiceState.STOPPED:
                self.stop(service.name, seconds=seconds, woken=woken)
        if self.get(name).state in (ServiceState.RUNNING, ServiceState.PAUSED):
            self.request_stop(name)
        if not self.wait(name, ServiceState.STOPPED, seconds, woken):
            raise WorldError(ErrorKind.SERVICE_TIMEOUT, name)

    def wait(self, name: str, state: ServiceState, seconds: float, woken: Callable[[], bool] = never) -> bool:
        """Wait for the state; False when the time is up, or `woken`."""
        service = self.get(name)
        if service.state is not state:
            self._machine.clock.sleep(seconds, lambda: service.state is state or woken())
        return service.state is state

    # --- the machine's own doings ------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start everything set to start automatically, in the order of dependencies."""
        with self._machine.lock:
            for service in self.list():
                if service.start_mode is StartMode.AUTOMATIC and service.state is ServiceState.STOPPED:
                    self._try_start(service)

    def shut_down(self, *, graceful: bool) -> None:
        """Everything stops at once; without `graceful` nobody gets the chance to save."""
        with self._machine.lock:
            self.logs_transitions = False
            for service in self.list():
                self._cancel(service)
                if service.state is not ServiceState.STOPPED:
                    self._stopped(service, clean=graceful)
            self.logs_transitions = True

    def end_at_once(self, name: str) -> None:
        """The service stops this moment without a save, as when it crashes while stopping."""
        with self._machine.lock:
            service = self.get(name)
            if service.state is not ServiceState.STOPPED:
                self._cancel(service)
                self._crashed(service)

    def _begin_start(self, service: Service) -> float:
        """Begin; the seconds until it runs."""
        if service.state in (ServiceState.RUNNING, ServiceState.PAUSED):
            return 0.0
        now = self._machine.clock.monotonic()
        if service.state is ServiceState.START_PENDING:
            return max(0.0, service.due - now)
        if service.state is ServiceState.STOP_PENDING:
            raise WorldError(ErrorKind.SERVICE_BUSY, service.name)
        if service.start_mode is StartMode.DISABLED:
            raise WorldError(ErrorKind.SERVICE_DISABLED, service.name)
        wait = self._begin_dependencies(service) + service.start_seconds
        service.due = now + wait
        self._enter(service, ServiceState.START_PENDING)
        self._after(service, wait, self._started)
        return wait

    def _begin_dependencies(self, service: Service) -> float:
        try:
            return max((self._begin_start(self.get(name)) for name in service.depends_on), default=0.0)
        except WorldError as error:
            raise WorldError(ErrorKind.DEPENDENCY_FAILED, service.name) from error

    def _try_start(self, service: Service) -> None:
        try:
            self._begin_start(service)
        except WorldError as error:
            scm_events.failed_to_start(self._machine.logs, service, error)

    def _begin_stop(self, service: Service) -> None:
        self._enter(service, ServiceState.STOP_PENDING)
        if not service.stuck:
            self._after(service, service.stop_seconds, self._stopped)

    def _after(self, service: Service, seconds: float, then: Callable[[Service], None]) -> None:
        if seconds <= 0:
            then(service)
            return

        def act() -> None:
            with self._machine.lock:
                if service.timer is timer:
                    service.timer = None
                    then(service)

        timer = service.timer = self._machine.clock.call_later(seconds, act)

    def _started(self, service: Service) -> None:
        if service.broken or any(not self.get(name).is_running for name in service.depends_on):
            kind = ErrorKind.SERVICE_TIMEOUT if service.broken else ErrorKind.DEPENDENCY_FAILED
            scm_events.failed_to_start(self._machine.logs, service, WorldError(kind, service.name))
            self._enter(service, ServiceState.STOPPED)
            return
        service.process = self._host(service)
        self._enter(service, ServiceState.RUNNING)

    def _stopped(self, service: Service, *, clean: bool = True) -> None:
        self._machine.iis.before_stop(service, clean=clean)
        host, service.process = service.process, None
        self._enter(service, ServiceState.STOPPED)
        if host is not None and not any(each.process is host for each in self.list()):
            self._machine.processes.finish(host)

    def _crashed(self, service: Service) -> None:
        service.crashes += 1
        if self.logs_transitions:
            scm_events.terminated(self._machine.logs, service)
        self._stopped(service, clean=False)

    def _host(self, service: Service) -> Process:
        for other in self.list():
            if other.process is not None and other.process.is_alive and other.image == service.image:
                return other.process
        return self._machine.processes.spawn(
            service.image, self._machine.service_controller, owner=service.spec.account
        )

    def _host_died(self, process: Process) -> None:
        """Its services crash; what depended on them stops with them."""
        hosted = [service for service in self.list() if service.process is process]
        for service in hosted:
            self._cancel(service)
            self._crashed(service)
        for service in hosted:
            for other in self.dependents(service.name):
                if other.state is not ServiceState.STOPPED:
                    self._cancel(other)
                    self._stopped(other)

    def _cancel(self, service: Service) -> None:
        if service.timer is not None:
            service.timer.cancel()
            service.timer = None

    def _swap(self, name: str, old: ServiceState, new: ServiceState) -> None:
        with self._machine.lock:
            if self.get(name).state is not old:
                raise WorldError(ErrorKind.SERVICE_BUSY, name)
            self._enter(self.get(name), new)

    def _enter(self, service: Service, state: ServiceState) -> None:
        old, service.state = service.state, state
        if self.logs_transitions and state in (ServiceState.RUNNING, ServiceState.STOPPED):
            scm_events.entered(self._machine.logs, service)
        for listener in self._listeners:
            listener(service, old, state)
        self._machine.changed()
