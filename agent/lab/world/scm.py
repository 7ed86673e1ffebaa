"""Owns how a service moves from one state to the next: pending times, hosts, crashes, events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.lab.world import scm_events
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.service import Service, ServiceState, StartMode

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process
    from agent.lab.world.services import Services

Transition = Callable[[Service, ServiceState, ServiceState], None]


class ServiceController:
    """Every method wants the machine's lock held."""

    def __init__(self, machine: Machine, services: Services) -> None:
        self._machine = machine
        self._services = services
        self.listeners: list[Transition] = []
        self.logs_transitions = False  # nothing is written before the first boot is over
        machine.processes.on_death(self._host_died)

    def begin_start(self, service: Service) -> float:
        """Begin to start it and what it depends on; the seconds until it runs."""
        if service.state in (ServiceState.RUNNING, ServiceState.PAUSED):
            return 0.0
        now = self._machine.clock.monotonic()
        if service.state is ServiceState.START_PENDING:
            return max(0.0, service.due - now)
        if service.state is ServiceState.STOP_PENDING:
            raise WorldError(ErrorKind.SERVICE_BUSY, service.name)
        if not self._machine.is_up:
            raise WorldError(ErrorKind.RPC_UNAVAILABLE, service.name)
        if service.start_mode is StartMode.DISABLED:
            raise WorldError(ErrorKind.SERVICE_DISABLED, service.name)
        wait = self._begin_dependencies(service) + service.start_seconds
        service.due = now + wait
        self.enter(service, ServiceState.START_PENDING)
        self._after(service, wait, self._started)
        return wait

    def try_start(self, service: Service) -> None:
        """Begin to start it; a refusal becomes an event."""
        try:
            self.begin_start(service)
        except WorldError as error:
            scm_events.failed_to_start(self._machine.logs, service, error)

    def begin_stop(self, service: Service) -> None:
        """Begin to stop it; a stuck one stays in StopPending for ever."""
        self.enter(service, ServiceState.STOP_PENDING)
        if not service.stuck:
            self._after(service, service.stop_seconds, self._stopped)

    def end(self, service: Service, *, clean: bool) -> None:
        """It is stopped this moment, whatever it was doing."""
        self._cancel(service)
        if service.state is not ServiceState.STOPPED:
            self._stopped(service, clean=clean)

    def crash(self, service: Service) -> None:
        """It is gone this moment, unasked and unsaved."""
        if service.state is ServiceState.STOPPED:
            return
        service.crashes += 1
        scm_events.terminated(self._machine.logs, service)
        self.end(service, clean=False)

    def enter(self, service: Service, state: ServiceState) -> None:
        """Note the new state, in the log and to all who listen."""
        old, service.state = service.state, state
        if self.logs_transitions and state in (ServiceState.RUNNING, ServiceState.STOPPED):
            scm_events.entered(self._machine.logs, service)
        for listener in self.listeners:
            listener(service, old, state)
        self._machine.changed()

    def _begin_dependencies(self, service: Service) -> float:
        try:
            return max((self.begin_start(self._services.get(name)) for name in service.depends_on), default=0.0)
        except WorldError as error:
            raise WorldError(ErrorKind.DEPENDENCY_FAILED, service.name) from error

    def _started(self, service: Service) -> None:
        waits_in_vain = any(not self._services.get(name).is_running for name in service.depends_on)
        if service.broken or waits_in_vain:
            kind = ErrorKind.DEPENDENCY_FAILED if waits_in_vain else ErrorKind.SERVICE_TIMEOUT
            scm_events.failed_to_start(self._machine.logs, service, WorldError(kind, service.name))
            self.enter(service, ServiceState.STOPPED)
            return
        service.process = self._host(service)
        self.enter(service, ServiceState.RUNNING)

    def _stopped(self, service: Service, *, clean: bool = True) -> None:
        self._machine.iis.before_stop(service, clean=clean)
        host, service.process = service.process, None
        self.enter(service, ServiceState.STOPPED)
        if host is None or host is self._machine.service_controller:
            return
        if not any(each.process is host for each in self._services.list()):
            self._machine.processes.finish(host)

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

    def _cancel(self, service: Service) -> None:
        if service.timer is not None:
            service.timer.cancel()
            service.timer = None

    def _host(self, service: Service) -> Process:
        parent = self._machine.service_controller
        if parent is not None and parent.command_line == service.image:
            return parent  # Event Log and Plug and Play live in services.exe itself
        for other in self._services.list():
            if other.process is not None and other.process.is_alive and other.image == service.image:
                return other.process
        return self._machine.processes.spawn(service.image, parent, owner=service.spec.account)

    def _host_died(self, process: Process) -> None:
        """Its services crash; what depended on them, in other processes, stops with them."""
        hosted = [service for service in self._services.list() if service.process is process]
        for service in hosted:
            self.crash(service)
        for service in hosted:
            for other in self._services.dependents(service.name):
                self.end(other, clean=True)
