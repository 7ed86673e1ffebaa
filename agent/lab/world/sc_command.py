"""Owns SC QUERY, START, STOP and CONFIG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.processes import Process, Write
from agent.lab.world.service import Service, ServiceState, StartMode

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

_NUMBERS = {  # SERVICE_STOPPED and so on, winsvc.h
    ServiceState.STOPPED: (1, "STOPPED"),
    ServiceState.START_PENDING: (2, "START_PENDING"),
    ServiceState.STOP_PENDING: (3, "STOP_PENDING"),
    ServiceState.RUNNING: (4, "RUNNING"),
    ServiceState.PAUSED: (7, "PAUSED"),
}
_MODES = {"auto": StartMode.AUTOMATIC, "demand": StartMode.MANUAL, "disabled": StartMode.DISABLED}
_USAGE = "sc [query | start | stop | config] [service] [start= auto|demand|disabled]\n"


def sc(machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write) -> int:
    """sc.exe for the local machine; the exit code is the Win32 error."""
    verb, rest = (arguments[0].lower() if arguments else ""), arguments[1:]
    try:
        text = _obey(machine, process, verb, rest)
    except WorldError as error:
        calls = {"query": "EnumQueryServicesStatus:OpenService", "start": "StartService", "stop": "ControlService"}
        call = calls.get(verb, "ChangeServiceConfig")
        stdout(f"[SC] {call} FAILED {error.code}:\r\n\r\n{error.message}\r\n\r\n".encode("cp437"))
        return error.code
    stdout(text.replace("\n", "\r\n").encode("cp437"))
    return 1 if text == _USAGE else 0


def _obey(machine: Machine, process: Process, verb: str, rest: list[str]) -> str:
    if verb == "query":
        chosen = (
            [machine.services.get(rest[0])] if rest else [each for each in machine.services.list() if each.is_running]
        )
        return "".join(_show(each) for each in chosen)
    if verb not in ("start", "stop", "config") or not rest:
        return _USAGE
    if not machine.is_administrator(process.owner):
        raise WorldError(ErrorKind.ACCESS_DENIED, rest[0])
    if verb == "config":
        return _configure(machine, rest)
    (machine.services.request_start if verb == "start" else machine.services.request_stop)(rest[0])
    return _show(machine.services.get(rest[0]))


def _configure(machine: Machine, rest: list[str]) -> str:
    words = " ".join(rest[1:]).lower().split()
    if len(words) != 2 or words[0] != "start=" or words[1] not in _MODES:
        return _USAGE
    machine.services.set_start_mode(rest[0], _MODES[words[1]])
    return "[SC] ChangeServiceConfig SUCCESS\n"


def _show(service: Service) -> str:
    number, word = _NUMBERS[service.state]
    accepts = "STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN" if service.is_running else "NOT_STOPPABLE, NOT_PAUSABLE"
    return (
        f"\nSERVICE_NAME: {service.name}\n"
        "        TYPE               : 20  WIN32_SHARE_PROCESS \n"
        f"        STATE              : {number}  {word} \n"
        f"                                ({accepts})\n"
        "        WIN32_EXIT_CODE    : 0  (0x0)\n"
        "        SERVICE_EXIT_CODE  : 0  (0x0)\n"
        "        CHECKPOINT         : 0x0\n"
        "        WAIT_HINT          : 0x0\n"
    )
