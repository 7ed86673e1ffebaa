"""Owns what iisreset prints. The lines of progress and failure are those of published transcripts."""

from __future__ import annotations

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.iisreset_options import Command
from agent.lab.world.service import Service, ServiceState

STOPPING = "\nAttempting stop...\n"
STOPPED = "Internet services successfully stopped\n"
STARTING = "Attempting start...\n"
STARTED = "Internet services successfully started\n"
RESTARTED = "Internet services successfully restarted\n"
ENABLED = "Restart of Internet services is enabled\n"  # wording [bg]
DISABLED = "Restart of Internet services is disabled\n"  # wording [bg]
REBOOTING = "Rebooting!\n"

USAGE = """
IISRESET.EXE (c) Microsoft Corp. 1998-1999

Usage:
iisreset [computername]

    /RESTART         Stop, then start all Internet services.
    /START           Start all Internet services.
    /STOP            Stop all Internet services.
    /REBOOT          Reboot the computer.
    /REBOOTONERROR   Reboot the computer when a start, stop or restart fails.
    /NOFORCE         Do not terminate services that do not stop by themselves.
    /TIMEOUT:val     Seconds to wait for a stop: 20 for a restart, 60 for a
                     stop, 0 for a reboot where not given.
    /STATUS          Show the status of all Internet services.
    /ENABLE          Enable restarting of Internet services.
    /DISABLE         Disable restarting of Internet services.
"""

NOT_ADMINISTRATOR = """
Access denied, you must be an administrator of the remote computer to use this
command. Either have your account added to the administrator local group of
the remote computer or to the domain administrator global group.
"""

_NOT_STARTED = """The IIS Admin Service or the World Wide Web Publishing Service, or a service
dependent on them failed to start.  The service, or dependent services, may had
an error during its startup or may be disabled.
"""

_ATTEMPTS = {
    Command.RESTART: "Restart",
    Command.START: "Start",
    Command.STOP: "Stop",
    Command.REBOOT: "Reboot",
    Command.STATUS: "Status",
}
_WORDS = {
    ServiceState.STOPPED: "Stopped",
    ServiceState.START_PENDING: "Starting",
    ServiceState.STOP_PENDING: "Stopping",
    ServiceState.RUNNING: "Running",
    ServiceState.PAUSED: "Paused",
}


def status(service: Service) -> str:
    """One line of /STATUS."""
    return f"Status for {service.display} ( {service.name} ) : {_WORDS[service.state]}\n"


def failed(command: Command, error: WorldError) -> str:
    """What is said when the command could not be done, with the code in both spellings."""
    attempt = f"{_ATTEMPTS[command]} attempt failed.\n"
    if error.kind in (ErrorKind.SERVICE_DISABLED, ErrorKind.DEPENDENCY_FAILED):
        return attempt + _NOT_STARTED
    return f"{attempt}{error.message} ({error.hresult}, {error.hresult:x})\n"
