"""Owns root\\MicrosoftExchangeV2: Exchange_Server, which the provider reads from Active Directory.

The provider impersonates the caller, so a logon without second hop gets a generic failure [bg].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.model import Row, WmiClass, declare, declare_namespace
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.world.errors import WorldError
from agent.lab.world.system import Role

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

NAMESPACE = r"root\MicrosoftExchangeV2"


def _servers(engine: Engine) -> Iterable[Row]:
    machine = engine.machine
    try:
        if engine.network_logon:
            machine.bind_directory()
    except WorldError as error:
        raise wmi_error("Failed", "Generic failure ", -2147217407) from error
    return [
        {
            "AdministrativeGroup": machine.exchange.admin_group,
            "DN": machine.forest.server_dn(machine.name),
            "ExchangeVersion": machine.exchange.serial_number,
            "FQDN": machine.fqdn,
            "IsFrontEndServer": machine.role is Role.FRONT_END,
            "Name": machine.name,
        }
    ]


declare_namespace(NAMESPACE, lambda engine: engine.machine.role.is_2003)
declare(WmiClass("Exchange_Server", ("Name",), _servers, namespace=NAMESPACE))
