"""Owns Win32_Process: the table of processes, and Create, whose children no end of a shell reaches.

[Win32 documentation, "Create method of the Win32_Process class"; domain reference of the project, 5 and 6.1]
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.model import Call, Row, WmiClass, WmiMethod, cim_time, declare, returned
from agent.lab.powershell.values import UInt32, UInt64
from agent.lab.world.command_line import split
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.world.processes import Process

_ACCESS_DENIED, _UNKNOWN, _NOT_FOUND, _BAD_PARAMETER = 2, 8, 9, 21
_CODES = {ErrorKind.FILE_NOT_FOUND: _NOT_FOUND, ErrorKind.PATH_NOT_FOUND: _NOT_FOUND, ErrorKind.ACCESS_DENIED: 2}


def _row(engine: Engine, process: Process) -> Row:
    words = split(process.command_line)
    path = words[0] if words and ntpath.isabs(words[0]) else None
    return {
        "Caption": process.name,
        "CommandLine": process.command_line,
        "CreationClassName": "Win32_Process",
        "CreationDate": cim_time(process.started),
        "CSName": engine.machine.name,
        "Description": process.name,
        "ExecutablePath": path or f"{engine.machine.os.windows_directory}\\system32\\{process.name}",
        "Handle": str(process.pid),
        "Name": process.name,
        "ParentProcessId": UInt32(process.parent.pid if process.parent else 0),
        "ProcessId": UInt32(process.pid),
        "SessionId": UInt32(0),
        "WorkingSetSize": UInt64(8 * 1024 * 1024),
    }


def _rows(engine: Engine) -> Iterable[Row]:
    return [_row(engine, process) for process in engine.machine.processes.list()]


def _create(call: Call) -> Row:
    command = call.argument("CommandLine")
    if not isinstance(command, str) or not command.strip():
        return returned(UInt32(_BAD_PARAMETER), ProcessId=None)
    try:
        process = call.engine.machine.processes.spawn_detached(command, owner=call.engine.user)
    except WorldError as error:
        return returned(UInt32(_CODES.get(error.kind, _UNKNOWN)), ProcessId=None)
    return returned(UInt32(0), ProcessId=UInt32(process.pid))


def _terminate(call: Call) -> Row:
    process = call.engine.machine.processes.find(int(call.row["ProcessId"]))
    if process is None:
        return returned(UInt32(_NOT_FOUND))
    call.engine.machine.processes.kill(process, int(call.argument("Reason") or 0))
    return returned(UInt32(0))


def _owner(call: Call) -> Row:
    process = call.engine.machine.processes.find(int(call.row["ProcessId"]))
    if process is None:
        return returned(UInt32(_NOT_FOUND), Domain=None, User=None)
    domain, _, user = process.owner.rpartition("\\")
    return returned(UInt32(0), Domain=domain, User=user)


declare(
    WmiClass(
        "Win32_Process",
        ("Handle",),
        _rows,
        (
            WmiMethod("Create", _create, ("CommandLine", "CurrentDirectory", "ProcessStartupInformation"), static=True),
            WmiMethod("Terminate", _terminate, ("Reason",)),
            WmiMethod("GetOwner", _owner),
        ),
        superclass="CIM_Process",
    )
)
