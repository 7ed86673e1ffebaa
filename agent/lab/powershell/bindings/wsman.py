"""Owns Get-WSManInstance for the machine's own WinRM configuration: what the service was started with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.invocation import Invocation
    from agent.lab.world.machine import Machine

WINRS = "winrm/config/winrs"
_EXCEPTION = "System.InvalidOperationException"
_SETTINGS: WeakKeyDictionary[Machine, Mapping[str, str]] = WeakKeyDictionary()


def publish(machine: Machine, winrs: Mapping[str, str]) -> None:
    """Let scripts on the machine read the shell settings of its WinRM service."""
    _SETTINGS[machine] = dict(winrs)


@cmdlet("Get-WSManInstance", (Parameter("ResourceURI", "String", 0, mandatory=True),))
def get_instance(invocation: Invocation) -> None:
    """The shell settings, whose properties are text as those of an XmlElement are; any other resource is refused."""
    resource = str(invocation["ResourceURI"]).lower().strip("/")
    if resource != WINRS:
        raise Refused(f"Get-WSManInstance of {resource}")
    machine = invocation.engine.machine
    if not is_administrator(invocation.engine):
        raise ClrError("Access is denied.", _EXCEPTION)
    if machine not in _SETTINGS or not machine.services.get("WinRM").is_running:
        raise ClrError(  # ERROR_WINRM_CANNOT_CONNECT, winerror.h
            "The client cannot connect to the destination specified in the request. Verify that the service on the "
            "destination is running and is accepting requests.",
            _EXCEPTION,
        )
    invocation.write(CustomObject(_SETTINGS[machine], type_names=("System.Xml.XmlElement",)))
