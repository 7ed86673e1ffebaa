"""Owns System.ServiceProcess.ServiceController: a snapshot of a service, with its own ways to wait.

[.NET Framework 2.0 reference source, ServiceController]
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue
from agent.lab.world.errors import WorldError
from agent.lab.world.services import Service, ServiceState

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

STATUS = register_enum(
    EnumKind(
        "System.ServiceProcess.ServiceControllerStatus",
        {
            "Stopped": 1,
            "StartPending": 2,
            "StopPending": 3,
            "Running": 4,
            "ContinuePending": 5,
            "PausePending": 6,
            "Paused": 7,
        },
    )
)
START_MODE = register_enum(
    EnumKind("System.ServiceProcess.ServiceStartMode", {"Automatic": 2, "Manual": 3, "Disabled": 4})
)
_INVALID = "System.InvalidOperationException"
_WIN32 = "System.ComponentModel.Win32Exception"
_DEPENDENT_SECONDS = 30.0
_FOREVER = 10.0**9


class ServiceController(ClrObject):
    """Name and status as they were when looked at; Refresh() looks again."""

    TYPE = "System.ServiceProcess.ServiceController"
    BASES = ("System.ComponentModel.Component", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, name: Any = "", machine: Any = ".") -> None:
        """`name` is a short or display name; a service that is not there shows at the first look."""
        self.engine = engine
        self.asked = engine.to_string(name)
        self.remote = "" if machine == "." or _is_here(engine, machine) else engine.to_string(machine)
        self.state: ServiceState | None = None
        self.held: Service | None = None

    def service(self) -> Service:
        """The service; InvalidOperationException where there is none."""
        if self.held is not None:
            return self.held
        if self.remote:
            raise self._trouble(f"Cannot open Service Control Manager on computer '{self.remote}'.", "Access is denied")
        try:
            self.held = self.engine.machine.services.find(self.asked)
        except WorldError as error:
            raise self._trouble(f"Service {self.asked} was not found on computer '.'.", error.message) from error
        return self.held

    def look(self) -> ServiceController:
        """Take the snapshot."""
        self.state = self.service().state
        return self

    @prop("Name")
    def name(self) -> str:
        """PowerShell's alias of ServiceName."""
        return self.service().name

    @prop("RequiredServices")
    def required(self) -> list[ServiceController]:
        """PowerShell's alias of ServicesDependedOn."""
        return self.depended_on()

    @prop("CanPauseAndContinue")
    def can_pause(self) -> bool:
        """Not in this lab."""
        return False

    @prop("CanShutdown")
    def can_shutdown(self) -> bool:
        """Whether it hears of a shutdown."""
        return self._is_up()

    @prop("CanStop")
    def can_stop(self) -> bool:
        """Whether it takes a stop now."""
        return self._is_up()

    @prop("DisplayName")
    def display_name(self) -> str:
        """The name people read."""
        return self.service().display

    @prop("DependentServices")
    def dependents(self) -> list[ServiceController]:
        """The services that depend on it, all of them."""
        return [self._other(each.name) for each in self.engine.machine.services.dependents(self.name())]

    @prop("MachineName")
    def machine_name(self) -> str:
        """The computer."""
        return self.remote or "."

    @prop("ServiceName")
    def service_name(self) -> str:
        """The short name."""
        return self.service().name

    @prop("ServicesDependedOn")
    def depended_on(self) -> list[ServiceController]:
        """The services it depends on itself."""
        return [self._other(name) for name in self.service().depends_on]

    @prop("ServiceType")
    def service_type(self) -> str:
        """All share a process here."""
        return "Win32ShareProcess"

    @prop("Status")
    def status(self) -> EnumValue:
        """The status at the last look."""
        if self.state is None:
            self.look()
        return STATUS(str(self.state))

    @method("Refresh")
    def refresh(self) -> None:
        """Look again when next asked."""
        self.state = None

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""

    @method("Start")
    def start(self, _arguments: Any = None) -> None:
        """Ask for the start; it goes on after the call returns."""
        self._control("request_start", f"Cannot start service {self.name()} on computer '.'.")

    @method("Stop")
    def stop(self) -> None:
        """Stop what depends on it, waiting at most 30 seconds for each, then ask for the stop."""
        for other in self.dependents():
            other.look()
            if other.state is not ServiceState.STOPPED:
                other.stop()
                other.wait_for(STATUS("Stopped"), dt.timedelta(seconds=_DEPENDENT_SECONDS))
        self._control("request_stop", f"Cannot stop {self.name()} service on computer '.'.")

    @method("Pause")
    def pause(self) -> None:
        """Ask it to pause."""
        self._control("pause", f"Cannot pause {self.name()} service on computer '.'.")

    @method("Continue")
    def resume(self) -> None:
        """Ask it to go on."""
        self._control("resume", f"Cannot resume {self.name()} service on computer '.'.")

    @method("WaitForStatus")
    def wait_for(self, status: Any, timeout: Any = None) -> None:
        """Wait; System.ServiceProcess.TimeoutException when the time is up."""
        wanted = ServiceState(str(self.engine.convert(status, STATUS.name).label))
        seconds = _FOREVER
        if timeout is not None:
            seconds = self.engine.convert(timeout, "System.TimeSpan").total_seconds()
        reached = self.engine.machine.services.wait(self.name(), wanted, seconds, self.engine.process.killed.is_set)
        self.engine.check()
        self.refresh()
        if not reached:
            raise ClrError(
                "Time out has expired and the operation has not been completed.",
                "System.ServiceProcess.TimeoutException",
            )

    def ps_string(self) -> str:
        """The type, as Component leaves it."""
        return self.TYPE

    def _is_up(self) -> bool:
        if self.state is None:
            self.look()
        return self.state in (ServiceState.RUNNING, ServiceState.PAUSED)

    def _other(self, name: str) -> ServiceController:
        return ServiceController(self.engine, name)

    def _control(self, act: str, failed: str) -> None:
        name = self.name()
        if not is_administrator(self.engine):
            raise self._trouble(f"Cannot open {name} service on computer '.'.", "Access is denied")
        try:
            getattr(self.engine.machine.services, act)(name)
        except WorldError as error:
            raise self._trouble(failed, error.message) from error
        self.refresh()

    @staticmethod
    def _trouble(message: str, cause: str) -> ClrError:
        inner = ClrError(cause.rstrip("."), _WIN32, bases=("System.Runtime.InteropServices.ExternalException",))
        return ClrError(message, _INVALID, inner=inner)


def _is_here(engine: Engine, machine: Any) -> bool:
    here = ("localhost", engine.machine.name.lower(), engine.machine.fqdn.lower())
    return engine.to_string(machine).lower() in here


def snapshot(engine: Engine, wanted: Callable[[Service], bool] | None = None) -> list[ServiceController]:
    """Every service, or those that are wanted, by short name."""
    found = sorted(engine.machine.services.list(), key=lambda service: service.name.lower())
    return [_of(engine, service) for service in found if wanted is None or wanted(service)]


def _of(engine: Engine, service: Service) -> ServiceController:
    made = ServiceController(engine, service.name)
    made.held = service
    return made.look()


def _get_services(engine: Engine, machine: Any = ".") -> list[ServiceController]:
    ServiceController(engine, "EventLog", machine).look()
    return snapshot(engine)


register(
    ClrType(
        "System.ServiceProcess.ServiceController",
        bases=ServiceController.BASES,
        construct=ServiceController,
        static={"GetServices": _get_services},
    )
)
