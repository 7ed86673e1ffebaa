"""Owns which modules declare what a script may touch of the machine; importing this makes all of it known."""

from agent.lab.powershell.bindings.adsi import iis, iis_methods, ldap, types
from agent.lab.powershell.bindings.dotnet import information, io, streams, text
from agent.lab.powershell.bindings.eventlog import cmdlets as event_cmdlets
from agent.lab.powershell.bindings.eventlog import dotnet as event_log
from agent.lab.powershell.bindings.eventlog import winevent
from agent.lab.powershell.bindings.net import sockets, web
from agent.lab.powershell.bindings.process import cmdlets as process_cmdlets
from agent.lab.powershell.bindings.process import objects as process_objects
from agent.lab.powershell.bindings.providers import (
    content,
    environment,
    filesystem,
    items,
    location,
    output,
    properties,
    registry,
)
from agent.lab.powershell.bindings.services import cmdlets as service_cmdlets
from agent.lab.powershell.bindings.services import controller
from agent.lab.powershell.bindings.session import categories, culture, principal, timing
from agent.lab.powershell.bindings.session import environment as session_environment
from agent.lab.powershell.bindings.shell import program
from agent.lab.powershell.bindings.wmi import cmdlets as wmi_cmdlets
from agent.lab.powershell.bindings.wmi import exchange, process, service, system
from agent.lab.powershell.bindings.wmi import iis as wmi_iis
from agent.lab.powershell.bindings.wmi import types as wmi_types

MODULES = (
    *(iis, iis_methods, ldap, types),
    *(information, io, streams, text),
    *(event_cmdlets, event_log, winevent),
    *(sockets, web),
    *(process_cmdlets, process_objects),
    *(content, environment, filesystem, items, location, output, properties, registry),
    *(service_cmdlets, controller),
    *(categories, culture, session_environment, principal, timing, program),
    *(wmi_cmdlets, exchange, process, service, system, wmi_iis, wmi_types),
)
