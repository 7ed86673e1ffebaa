"""Owns the small programs every machine has: iisreset, hostname, whoami, taskkill."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.net_command import net
from agent.lab.world.processes import Process, Program, Write
from agent.lab.world.sc_command import sc

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine


def iisreset(
    machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
) -> int:
    """iisreset.exe: prints as it goes."""
    return machine.iisreset.run(arguments, process, lambda words: stdout(words.encode("cp437"))).exit_code


def hostname(
    machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
) -> int:
    """hostname.exe: the name, in capitals as it was given."""
    if arguments:
        stderr(b"sethostname: Use the Network Control Panel Applet to set hostname.\r\n")
        return 1
    stdout(f"{machine.name}\r\n".encode())
    return 0


def whoami(machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write) -> int:
    """whoami.exe without options."""
    if arguments:
        stderr(f"ERROR: Invalid argument/option - '{arguments[0]}'.\r\n".encode())
        return 1
    stdout(f"{process.owner.lower()}\r\n".encode())
    return 0


def taskkill(
    machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
) -> int:
    """taskkill.exe with /PID, /IM, /F and /T."""
    words = [each.upper().replace("-", "/", 1) for each in arguments]
    chosen = _chosen(machine, words)
    if not chosen:
        stderr(b"ERROR: The process was not found.\r\n")
        return 128
    if not machine.is_administrator(process.owner):
        stderr(f"ERROR: {WorldError(ErrorKind.ACCESS_DENIED).message}\r\n".encode())
        return 1
    for each in chosen:
        (machine.processes.kill_tree if "/T" in words else machine.processes.kill)(each)
        stdout(f'SUCCESS: The process "{each.name}" with PID {each.pid} has been terminated.\r\n'.encode())
    return 0


def _chosen(machine: Machine, words: list[str]) -> list[Process]:
    pairs = list(pairwise(words))
    pids = {int(value) for option, value in pairs if option == "/PID" and value.isdigit()}
    names = {value.lower() for option, value in pairs if option == "/IM"}
    return [each for each in machine.processes.list() if each.pid in pids or each.name.lower() in names]


PROGRAMS: dict[str, Program] = {
    "iisreset": iisreset,
    "hostname": hostname,
    "whoami": whoami,
    "taskkill": taskkill,
    "net": net,
    "net1": net,
    "sc": sc,
}
