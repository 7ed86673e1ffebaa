"""Owns the events the service control manager writes to the System log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.eventlog import EntryType, EventLogs

if TYPE_CHECKING:
    from agent.lab.world.services import Service

SOURCE = "Service Control Manager"

# Event ids and texts: Windows Server 2003 events and errors, source Service Control Manager.
ENTERED_STATE = 7036
TERMINATED = 7034
FAILED = 7000
FAILED_DEPENDENCY = 7001


def entered(logs: EventLogs, service: Service) -> None:
    """The service has started or stopped."""
    strings = (service.display, str(service.state).lower())
    message = f"The {strings[0]} service entered the {strings[1]} state."
    logs.write("System", SOURCE, ENTERED_STATE, EntryType.INFORMATION, message, strings=strings)


def terminated(logs: EventLogs, service: Service) -> None:
    """The host process is gone though nobody asked the service to stop."""
    strings = (service.display, str(service.crashes))
    message = f"The {strings[0]} service terminated unexpectedly.  It has done this {strings[1]} time(s)."
    logs.write("System", SOURCE, TERMINATED, EntryType.ERROR, message, strings=strings)


def failed_to_start(logs: EventLogs, service: Service, error: WorldError) -> None:
    """A start was asked for and could not be had."""
    if error.kind is ErrorKind.DEPENDENCY_FAILED:
        strings = (service.display, ", ".join(service.depends_on), error.message)
        message = f"The {strings[0]} service depends on the {strings[1]} service which failed to start: {strings[2]}"
        logs.write("System", SOURCE, FAILED_DEPENDENCY, EntryType.ERROR, message, strings=strings)
        return
    message = f"The {service.display} service failed to start due to the following error: {error.message}"
    logs.write("System", SOURCE, FAILED, EntryType.ERROR, message, strings=(service.display, error.message))
