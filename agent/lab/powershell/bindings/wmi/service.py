"""Owns Win32_Service: rows and methods with the return codes of the documentation.

[Win32 documentation, "Win32_Service class", "StartService method": return values]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.model import Call, Row, WmiClass, WmiMethod, declare, returned
from agent.lab.powershell.values import UInt32
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.services import Service, ServiceState, StartMode

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

STATES = {
    ServiceState.STOPPED: "Stopped",
    ServiceState.START_PENDING: "Start Pending",
    ServiceState.STOP_PENDING: "Stop Pending",
    ServiceState.RUNNING: "Running",
    ServiceState.PAUSED: "Paused",
}
MODES = {StartMode.AUTOMATIC: "Auto", StartMode.MANUAL: "Manual", StartMode.DISABLED: "Disabled"}
_NEW_MODES = {"automatic": StartMode.AUTOMATIC, "manual": StartMode.MANUAL, "disabled": StartMode.DISABLED}
_CODES = {
    ErrorKind.ACCESS_DENIED: 2,
    ErrorKind.DEPENDENTS_RUNNING: 3,
    ErrorKind.SERVICE_BUSY: 5,
    ErrorKind.SERVICE_NOT_STARTED: 5,  # "The service cannot accept control": what StopService gives a stopped service
    ErrorKind.SERVICE_TIMEOUT: 7,
    ErrorKind.SERVICE_RUNNING: 10,
    ErrorKind.DEPENDENCY_FAILED: 13,
    ErrorKind.SERVICE_DISABLED: 14,
}


def _row(engine: Engine, service: Service) -> Row:
    running = service.state in (ServiceState.RUNNING, ServiceState.PAUSED)
    return {
        "AcceptPause": False,
        "AcceptStop": running,
        "Caption": service.display,
        "CreationClassName": "Win32_Service",
        "Description": service.display,
        "DisplayName": service.display,
        "ErrorControl": "Normal",
        "ExitCode": UInt32(0),
        "Name": service.name,
        "PathName": f"{engine.machine.os.windows_directory}\\system32\\{service.image}",
        "ProcessId": UInt32(service.process_id),
        "ServiceType": "Share Process",
        "Started": running,
        "StartMode": MODES[service.start_mode],
        "StartName": service.spec.account,
        "State": STATES[service.state],
        "Status": "OK",
        "SystemCreationClassName": "Win32_ComputerSystem",
        "SystemName": engine.machine.name,
    }


def _rows(engine: Engine) -> Iterable[Row]:
    return [_row(engine, service) for service in engine.machine.services.list()]


def _try(call: Call, act: str) -> Row:
    try:
        getattr(call.engine.machine.services, act)(call.row["Name"])
    except WorldError as error:
        return returned(UInt32(_CODES.get(error.kind, 8)))
    return returned(UInt32(0))


def _change_start_mode(call: Call) -> Row:
    mode = _NEW_MODES.get(str(call.argument("StartMode") or "").lower())
    if mode is None:  # 21: "A parameter is not valid"
        return returned(UInt32(21))
    call.engine.machine.services.set_start_mode(call.row["Name"], mode)
    return returned(UInt32(0))


def _interrogate(call: Call) -> Row:
    state = call.engine.machine.services.get(call.row["Name"]).state
    return returned(UInt32(6 if state is ServiceState.STOPPED else 0))


declare(
    WmiClass(
        "Win32_Service",
        ("Name",),
        _rows,
        (
            WmiMethod("StartService", lambda call: _try(call, "request_start")),
            WmiMethod("StopService", lambda call: _try(call, "request_stop")),
            WmiMethod("PauseService", lambda call: _try(call, "pause")),
            WmiMethod("ResumeService", lambda call: _try(call, "resume")),
            WmiMethod("InterrogateService", _interrogate),
            WmiMethod("ChangeStartMode", _change_start_mode, ("StartMode",)),
        ),
        superclass="Win32_BaseService",
    )
)
