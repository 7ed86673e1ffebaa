"""Owns NET START and NET STOP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.processes import Process, Write
from agent.lab.world.service import Service, ServiceState

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

# Message numbers of NET HELPMSG.
_INVALID_NAME, _ALREADY_STARTED, _NOT_STARTED, _NO_ANSWER = 2185, 2182, 3521, 3538
_DONE = "The command completed successfully.\n\n"


class _Refused(Exception):  # noqa: N818 - it becomes text and an exit code
    def __init__(self, text: str, number: int) -> None:
        super().__init__(f"{text}\n\nMore help is available by typing NET HELPMSG {number}.\n\n")


def net(machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write) -> int:
    """net.exe; only START and STOP are known."""

    def say(text: str, to: Write = stdout) -> None:
        to(text.replace("\n", "\r\n").encode("cp437"))

    verb = arguments[0].lower() if arguments else ""
    says_yes = any(each.lower() == "/y" for each in arguments) or stdin.strip().lower().startswith(b"y")
    name = " ".join(each for each in arguments[1:] if not each.startswith("/"))
    try:
        if verb == "start" and not name:
            return _list(machine, say)
        if verb not in ("start", "stop") or not name:
            say("The syntax of this command is:\n\nNET [ START | STOP ] [service]\n", stderr)
            return 1
        _require_admin(machine, process)
        service = _find(machine, name)
        if verb == "start":
            _start(machine, process, service, say)
        else:
            _stop(machine, process, service, says_yes, say)
    except _Refused as refusal:
        say(str(refusal), stderr)
        return 2
    return 0


def _list(machine: Machine, say: Callable[[str], None]) -> int:
    names = sorted(each.display for each in machine.services.list() if each.is_running)
    say("These Windows services are started:\n\n" + "".join(f"   {name}\n" for name in names) + f"\n{_DONE}")
    return 0


def _require_admin(machine: Machine, process: Process) -> None:
    if not machine.is_administrator(process.owner):
        error = WorldError(ErrorKind.ACCESS_DENIED)
        raise _Refused(f"System error {error.code} has occurred.\n\n{error.message}", error.code)


def _find(machine: Machine, name: str) -> Service:
    try:
        return machine.services.find(name)
    except WorldError as error:
        raise _Refused("The service name is invalid.", _INVALID_NAME) from error


def _start(machine: Machine, process: Process, service: Service, say: Callable[[str], None]) -> None:
    if service.state is not ServiceState.STOPPED:
        raise _Refused("The requested service has already been started.", _ALREADY_STARTED)
    say(f"The {service.display} service is starting.\n")
    try:
        machine.services.start(service.name, woken=process.killed.is_set)
    except WorldError as error:
        text = f"The {service.display} service could not be started.\n\nSystem error {error.code} has occurred.\n\n"
        raise _Refused(text + error.message, error.code) from error
    say(f"The {service.display} service was started successfully.\n\n")


def _stop(machine: Machine, process: Process, service: Service, says_yes: bool, say: Callable[[str], None]) -> None:
    if service.state is ServiceState.STOPPED:
        raise _Refused(f"The {service.display} service is not started.", _NOT_STARTED)
    running = [each for each in machine.services.dependents(service.name) if each.state is not ServiceState.STOPPED]
    if running:
        say(f"The following services are dependent on the {service.display} service.\n")
        say(f"Stopping the {service.display} service will also stop these services.\n\n")
        say("".join(f"   {each.display}\n" for each in running) + "\n")
        if not says_yes:
            say("Do you want to continue this operation? (Y/N) [N]: ")
            raise _Refused("No valid response was provided.", _NO_ANSWER)
    for each in (*running, service):
        _stop_one(machine, process, each, say)


def _stop_one(machine: Machine, process: Process, service: Service, say: Callable[[str], None]) -> None:
    say(f"The {service.display} service is stopping.\n")
    try:
        machine.services.stop(service.name, woken=process.killed.is_set)
    except WorldError as error:
        raise _Refused(f"The {service.display} service could not be stopped.", error.code) from error
    say(f"The {service.display} service was stopped successfully.\n\n")
