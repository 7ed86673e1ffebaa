"""Owns Get-Service, Start-Service, Stop-Service, Restart-Service, Set-Service, Suspend- and Resume-Service.

Texts and error ids: [PowerShell/PowerShell, ServiceResources.resx and Service.cs, as far as they are those of 2.0]
"""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.bindings.services.controller import ServiceController, snapshot
from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.invocation import Invocation
from agent.lab.world.services import ServiceState, StartMode

_EXCEPTION = "Microsoft.PowerShell.Commands.ServiceCommandException"
_WARN_SECONDS = 2.0  # between two "Waiting for service" warnings
_MODES = {"Automatic": StartMode.AUTOMATIC, "Manual": StartMode.MANUAL, "Disabled": StartMode.DISABLED}

_SELECT = (
    Parameter("Name", "String[]", 0, by_value=True, by_property=True, aliases=("ServiceName",)),
    Parameter("DisplayName", "String[]"),
    Parameter("InputObject", "Object[]"),
    Parameter("Include", "String[]"),
    Parameter("Exclude", "String[]"),
)
_ACT = (*_SELECT, Parameter("PassThru", "Switch"), Parameter("Force", "Switch"), *CONFIRM)


def _chosen(invocation: Invocation) -> list[ServiceController]:
    if isinstance(invocation.input, ServiceController):
        return _filtered(invocation, [invocation.input])
    if invocation["InputObject"]:
        return _filtered(
            invocation, [each for each in invocation["InputObject"] if isinstance(each, ServiceController)]
        )
    names, key = invocation["Name"], "service name"
    if invocation["DisplayName"]:
        names, key = invocation["DisplayName"], "display name"
    if names is None:
        return _filtered(invocation, snapshot(invocation.engine))
    found: list[ServiceController] = []
    for name in names:
        found += _named(invocation, str(name), key)
    return _filtered(invocation, found)


def _named(invocation: Invocation, name: str, key: str) -> list[ServiceController]:
    by_name = key == "service name"
    found = snapshot(invocation.engine, lambda each: fits(name, each.name if by_name else each.display))
    if not found and not has_wildcard(name):
        error_id = "NoServiceFoundForGivenName" if by_name else "NoServiceFoundForGivenDisplayName"
        _error(invocation, f"Cannot find any service with {key} '{name}'.", error_id, "ObjectNotFound", name)
    return found


def _filtered(invocation: Invocation, found: list[ServiceController]) -> list[ServiceController]:
    include, exclude = invocation["Include"], invocation["Exclude"]
    if include:
        found = [each for each in found if any(fits(str(text), each.name()) for text in include)]
    return [each for each in found if not any(fits(str(text), each.name()) for text in exclude or ())]


def _error(
    invocation: Invocation, message: str, error_id: str, category: str, target: Any, inner: ClrError | None = None
) -> None:
    command = f"Microsoft.PowerShell.Commands.{invocation.name.replace('-', '')}Command"
    error = ClrError(message, _EXCEPTION, inner=inner)
    invocation.error(error, f"{error_id},{command}", category, target)


@cmdlet(
    "Get-Service",
    (
        *_SELECT,
        Parameter("ComputerName", "String[]", aliases=("Cn",)),
        Parameter("DependentServices", "Switch", aliases=("DS",)),
        Parameter("RequiredServices", "Switch", aliases=("SDO", "ServicesDependedOn")),
    ),
    aliases=("gsv",),
)
def get_service(invocation: Invocation) -> None:
    """Services by name; a name without wildcard that is not there is an error."""
    for machine in invocation["ComputerName"] or ():
        ServiceController(invocation.engine, "EventLog", machine).look()
    for found in _chosen(invocation):
        if invocation.switch("DependentServices"):
            invocation.write_all(found.dependents())
        elif invocation.switch("RequiredServices"):
            invocation.write_all(found.depended_on())
        else:
            invocation.write(found)


@cmdlet("Start-Service", _ACT, aliases=("sasv",))
def start_service(invocation: Invocation) -> None:
    """Start and wait until each runs; one that runs already is left alone."""
    for found in _chosen(invocation):
        if proceed(invocation, "Start-Service", _label(found)) and _start(invocation, found):
            _pass(invocation, found)


@cmdlet("Stop-Service", _ACT, aliases=("spsv",))
def stop_service(invocation: Invocation) -> None:
    """Stop and wait; what depends on it is stopped only with -Force."""
    for found in _chosen(invocation):
        if proceed(invocation, "Stop-Service", _label(found)) and _stop(invocation, found):
            _pass(invocation, found)


@cmdlet("Restart-Service", _ACT)
def restart_service(invocation: Invocation) -> None:
    """Stop, then start it and what was stopped with it."""
    for found in _chosen(invocation):
        if not proceed(invocation, "Restart-Service", _label(found)):
            continue
        running = [each for each in found.dependents() if each.look().state is ServiceState.RUNNING]
        if _stop(invocation, found):
            for each in (found, *reversed(running)):
                _start(invocation, each)
            _pass(invocation, found)


@cmdlet("Suspend-Service", _ACT)
def suspend_service(invocation: Invocation) -> None:
    """No service of the lab takes a pause."""
    for found in _chosen(invocation):
        _error(
            invocation,
            f"Service '{_label(found)}' cannot be suspended because the service does not support being suspended or "
            "resumed.",
            "CouldNotSuspendServiceNotSupported",
            "CloseError",
            found,
        )


@cmdlet("Resume-Service", _ACT)
def resume_service(invocation: Invocation) -> None:
    """No service of the lab takes a pause."""
    for found in _chosen(invocation):
        _error(
            invocation,
            f"Service '{_label(found)}' cannot be resumed because the service does not support being suspended or "
            "resumed.",
            "CouldNotResumeServiceNotSupported",
            "CloseError",
            found,
        )


@cmdlet(
    "Set-Service",
    (
        Parameter("Name", "String", 0, by_value=True, by_property=True, aliases=("ServiceName", "SN")),
        Parameter("StartupType", "System.ServiceProcess.ServiceStartMode", aliases=("StartMode", "SM", "ST")),
        Parameter("Status", "String"),
        Parameter("DisplayName", "String", aliases=("DN",)),
        Parameter("Description", "String"),
        Parameter("InputObject", "Object"),
        Parameter("PassThru", "Switch"),
        *CONFIRM,
    ),
)
def set_service(invocation: Invocation) -> None:
    """Change how a service starts, or start or stop it."""
    held = invocation.input if isinstance(invocation.input, ServiceController) else invocation["InputObject"]
    name = held.name() if isinstance(held, ServiceController) else invocation["Name"]
    for found in _named(invocation, str(name), "service name")[:1]:
        if not proceed(invocation, "Set-Service", _label(found)):
            continue
        if not is_administrator(invocation.engine):
            _error(
                invocation,
                f"Service '{_label(found)}' cannot be configured due to the following error: Access is denied",
                "CouldNotSetService",
                "PermissionDenied",
                found,
            )
            continue
        if invocation["StartupType"] is not None:
            mode = _MODES[invocation["StartupType"].label]
            invocation.engine.machine.services.set_start_mode(found.name(), mode)
        _set_status(invocation, found)
        _pass(invocation, found)


def _set_status(invocation: Invocation, found: ServiceController) -> None:
    match str(invocation["Status"] or "").lower():
        case "running":
            _start(invocation, found)
        case "stopped":
            _stop(invocation, found)


def _start(invocation: Invocation, found: ServiceController) -> bool:
    if found.look().state is not ServiceState.RUNNING:
        try:
            if found.state is not ServiceState.START_PENDING:
                found.start()
        except ClrError as error:
            text = f"Service '{_label(found)}' cannot be started due to the following error: {error.message}"
            _error(invocation, text, "CouldNotStartService", "OpenError", found, error)
            return False
    if _wait(invocation, found, ServiceState.RUNNING, ServiceState.START_PENDING, "start"):
        return True
    _error(invocation, f"Failed to start service '{_label(found)}'.", "StartServiceFailed", "OpenError", found)
    return False


def _stop(invocation: Invocation, found: ServiceController) -> bool:
    if found.look().state is ServiceState.STOPPED:
        return True
    running = [each for each in found.dependents() if each.look().state is not ServiceState.STOPPED]
    if running and not invocation.switch("Force"):
        text = (
            f"Cannot stop service '{_label(found)}' because it has dependent services. It can only be stopped if the "
            "Force flag is set."
        )
        _error(invocation, text, "ServiceHasDependentServices", "InvalidOperation", found)
        return False
    try:
        if found.state is not ServiceState.STOP_PENDING:
            found.stop()
    except ClrError as error:
        text = f"Service '{_label(found)}' cannot be stopped due to the following error: {error.message}"
        _error(invocation, text, "CouldNotStopService", "CloseError", found, error)
        return False
    if _wait(invocation, found, ServiceState.STOPPED, ServiceState.STOP_PENDING, "finish stopping"):
        return True
    _error(invocation, f"Failed to stop service '{_label(found)}'.", "StopServiceFailed", "CloseError", found)
    return False


def _wait(
    invocation: Invocation, found: ServiceController, wanted: ServiceState, pending: ServiceState, verb: str
) -> bool:
    """Wait while the state is pending, with a warning every two seconds, without any limit."""
    services, killed = invocation.engine.machine.services, invocation.engine.process.killed
    while not services.wait(found.name(), wanted, _WARN_SECONDS, killed.is_set):
        invocation.engine.check()
        if found.look().state is not pending:
            return found.state is wanted
        invocation.warning(f"Waiting for service '{_label(found)}' to {verb}...")
    return True


def _pass(invocation: Invocation, found: ServiceController) -> None:
    if invocation.switch("PassThru"):
        invocation.write(found.look())


def _label(found: ServiceController) -> str:
    return f"{found.display_name()} ({found.name()})"
