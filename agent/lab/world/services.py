"""Owns the services of one machine, as the service control manager shows and controls them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from agent.lab.clock import never
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.scm import ServiceController, Transition
from agent.lab.world.service import Service, ServiceSpec, ServiceState, StartMode

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

__all__ = ["Service", "ServiceSpec", "ServiceState", "Services", "StartMode"]

PATIENCE = 120.0  # seconds a blocking start or stop waits
_START_NUMBERS = {StartMode.AUTOMATIC: 2, StartMode.MANUAL: 3, StartMode.DISABLED: 4}  # SERVICE_*_START, winnt.h


class Services:
    """Requests return at once, as the service control manager's do; `start` and `stop` wait for the end."""

    def __init__(self, machine: Machine, specs: Sequence[ServiceSpec]) -> None:
        self._machine = machine
        self._services = {sys.intern(spec.name.lower()): Service(spec) for spec in specs}
        self.controller = ServiceController(machine, self)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._services

    def get(self, name: str) -> Service:
        """The service of that short name."""
        if (service := self._services.get(name.lower())) is None:
            raise WorldError(ErrorKind.SERVICE_UNKNOWN, name)
        return service

    def find(self, name: str) -> Service:
        """The service of that short or display name, as NET START takes it."""
        wanted = name.lower()
        for service in self._services.values():
            if service.display.lower() == wanted:
                return service
        return self.get(name)

    def list(self) -> list[Service]:
        """All services."""
        return list(self._services.values())

    def add(self, spec: ServiceSpec) -> Service:
        """Install a service; it is stopped."""
        service = self._services[sys.intern(spec.name.lower())] = Service(spec)
        return service

    def dependents(self, name: str, recursive: bool = True) -> Sequence[Service]:
        """The services that depend on it; with `recursive` the farthest come first, as a stop needs them."""
        wanted = self.get(name).name.lower()
        near = [each for each in self._services.values() if wanted in each.needs]
        if not recursive:
            return near
        found: dict[str, Service] = {}
        for service in near:
            for each in (*self.dependents(service.name), service):
                found.setdefault(each.name, each)
        return list(found.values())

    def on_transition(self, listener: Transition) -> None:
        """Call `listener(service, old, new)` at each change of state, under the machine's lock."""
        self.controller.listeners.append(listener)

    # --- requests ----------------------------------------------------------------------------------------------

    def request_start(self, name: str) -> None:
        """StartService: begin to start it and what it depends on."""
        with self._machine.lock:
            service = self.get(name)
            if service.state is not ServiceState.STOPPED:
                raise WorldError(ErrorKind.SERVICE_RUNNING, service.name)
            self.controller.begin_start(service)

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
            self.controller.begin_stop(service)

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
            self._machine.registry.set(key, "Start", _START_NUMBERS[mode])
        self._machine.changed()

    # --- blocking ----------------------------------------------------------------------------------------------

    def start(self, name: str, *, seconds: float = PATIENCE, woken: Callable[[], bool] = never) -> None:
        """Start it and wait until it runs; nothing happens where it runs already."""
        with self._machine.lock:
            if self.get(name).state is ServiceState.STOPPED:
                self.request_start(name)
        if not self._settles(name, ServiceState.RUNNING, seconds, woken):
            raise WorldError(ErrorKind.SERVICE_TIMEOUT, name)

    def stop(
        self, name: str, force: bool = False, *, seconds: float = PATIENCE, woken: Callable[[], bool] = never
    ) -> None:
        """Stop it and wait until it has; with `force` stop first what depends on it."""
        for service in self.dependents(name) if force else []:
            self.stop(service.name, seconds=seconds, woken=woken)
        with self._machine.lock:
            if self.get(name).state in (ServiceState.RUNNING, ServiceState.PAUSED):
                self.request_stop(name)
        if not self._settles(name, ServiceState.STOPPED, seconds, woken):
            raise WorldError(ErrorKind.SERVICE_TIMEOUT, name)

    def wait(self, name: str, state: ServiceState, seconds: float, woken: Callable[[], bool] = never) -> bool:
        """Wait for the state; False when the time is up, or `woken`."""
        service = self.get(name)
        if service.state is not state:
            self._machine.clock.sleep(seconds, lambda: service.state is state or woken())
        return service.state is state

    # --- the machine as a whole --------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start everything set to start automatically, in the order of dependencies."""
        self.begin_all(each.name for each in self.list() if each.start_mode is StartMode.AUTOMATIC)

    def begin_all(self, names: Iterable[str]) -> None:
        """Begin to start those that are stopped; one that cannot start leaves an event, no error."""
        with self._machine.lock:
            for service in [self.get(name) for name in names]:
                if service.state is ServiceState.STOPPED:
                    self.controller.try_start(service)

    def end_all(self, names: Iterable[str], *, clean: bool) -> None:
        """They stop this moment; unless `clean` nobody gets the chance to save, and no event is left."""
        with self._machine.lock:
            for service in [self.get(name) for name in names]:
                self.controller.end(service, clean=clean)

    def crash(self, name: str) -> None:
        """The service ends by itself this moment, without a save."""
        with self._machine.lock:
            self.controller.crash(self.get(name))

    def _settles(self, name: str, state: ServiceState, seconds: float, woken: Callable[[], bool]) -> bool:
        """Wait for a pending state to end; True when it ended as wished."""
        service = self.get(name)
        ends = (ServiceState.RUNNING, ServiceState.STOPPED)
        if service.state not in ends:
            self._machine.clock.sleep(seconds, lambda: service.state in ends or woken())
        return service.state is state

    def _swap(self, name: str, old: ServiceState, new: ServiceState) -> None:
        with self._machine.lock:
            if self.get(name).state is not old:
                raise WorldError(ErrorKind.SERVICE_BUSY, name)
            self.controller.enter(self.get(name), new)
