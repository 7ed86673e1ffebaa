"""Owns Get-Process, Stop-Process, Start-Process and Wait-Process.

[PowerShell/PowerShell, Process.cs and ProcessResources.resx, as far as they are those of 2.0]
"""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.process.objects import ProcessObject, StartInfo
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation

_EXCEPTION = "Microsoft.PowerShell.Commands.ProcessCommandException"
_SELECT = (
    Parameter("Name", "String[]", 0, by_property=True, aliases=("ProcessName",)),
    Parameter("Id", "Int32[]", by_property=True, aliases=("PID",)),
    Parameter("InputObject", "Object[]"),
)


def _error(invocation: Invocation, message: str, error_id: str, category: str, target: Any) -> None:
    command = f"Microsoft.PowerShell.Commands.{invocation.name.replace('-', '')}Command"
    invocation.error(ClrError(message, _EXCEPTION), f"{error_id},{command}", category, target)


def _chosen(invocation: Invocation) -> list[ProcessObject]:
    if isinstance(invocation.input, ProcessObject):
        return [invocation.input]
    if invocation["InputObject"]:
        return [each for each in invocation["InputObject"] if isinstance(each, ProcessObject)]
    engine = invocation.engine
    every = sorted(engine.machine.processes.list(), key=lambda each: (each.name.lower(), each.pid))
    found = [ProcessObject(engine, each) for each in every]
    if invocation["Id"] is not None:
        return _by_id(invocation, found)
    if invocation["Name"] is not None:
        return _by_name(invocation, found)
    return found


def _by_id(invocation: Invocation, every: list[ProcessObject]) -> list[ProcessObject]:
    chosen = []
    for pid in invocation["Id"]:
        fitting = [each for each in every if each.pid() == pid]
        if not fitting:
            text = f"Cannot find a process with the process identifier {pid}."
            _error(invocation, text, "NoProcessFoundForGivenId", "ObjectNotFound", pid)
        chosen += fitting
    return chosen


def _by_name(invocation: Invocation, every: list[ProcessObject]) -> list[ProcessObject]:
    chosen = []
    for name in invocation["Name"]:
        fitting = [each for each in every if fits(str(name), each.process_name())]
        if not fitting and not has_wildcard(str(name)):
            text = f'Cannot find a process with the name "{name}". Verify the process name and call the cmdlet again.'
            _error(invocation, text, "NoProcessFoundForGivenName", "ObjectNotFound", name)
        chosen += fitting
    return chosen


@cmdlet(
    "Get-Process",
    (
        *_SELECT,
        Parameter("ComputerName", "String[]", aliases=("Cn",)),
        Parameter("Module", "Switch"),
        Parameter("FileVersionInfo", "Switch"),
    ),
    aliases=("gps", "ps"),
)
def get_process(invocation: Invocation) -> None:
    """Processes by name or id."""
    for refused in ("ComputerName", "Module", "FileVersionInfo"):
        if refused in invocation:
            raise Refused(f"Get-Process -{refused}")
    invocation.write_all(_chosen(invocation))


@cmdlet(
    "Stop-Process",
    (*_SELECT, Parameter("Force", "Switch"), Parameter("PassThru", "Switch"), *CONFIRM),
    aliases=("spps", "kill"),
)
def stop_process(invocation: Invocation) -> None:
    """End processes; their children live on."""
    for found in _chosen(invocation):
        if not proceed(invocation, "Stop-Process", f"{found.process_name()} ({found.pid()})"):
            continue
        if found.held().owner.lower() != invocation.engine.user.lower() and not is_administrator(invocation.engine):
            text = (
                f'Cannot stop process "{found.process_name()} ({found.pid()})" because of the following error: '
                "Access is denied"
            )
            _error(invocation, text, "CouldNotStopProcess", "CloseError", found)
            continue
        invocation.engine.machine.processes.kill(found.held(), -1)
        invocation.engine.check()
        if invocation.switch("PassThru"):
            invocation.write(found)


@cmdlet(
    "Start-Process",
    (
        Parameter("FilePath", "String", 0, mandatory=True, aliases=("PSPath",)),
        Parameter("ArgumentList", "String[]", 1, aliases=("Args",)),
        Parameter("WorkingDirectory", "String"),
        Parameter("NoNewWindow", "Switch", aliases=("nnw",)),
        Parameter("WindowStyle", "String"),
        Parameter("Wait", "Switch"),
        Parameter("PassThru", "Switch"),
        Parameter("LoadUserProfile", "Switch", aliases=("Lup",)),
        Parameter("RedirectStandardOutput", "String", aliases=("RSO",)),
        Parameter("RedirectStandardError", "String", aliases=("RSE",)),
        Parameter("RedirectStandardInput", "String", aliases=("RSI",)),
        Parameter("Verb", "String"),
        Parameter("UseNewEnvironment", "Switch"),
        Parameter("Credential", "Object", aliases=("RunAs",)),
    ),
    aliases=("saps", "start"),
)
def start_process(invocation: Invocation) -> None:
    """Start a program as a child of this session's process, with which it dies."""
    for refused in ("Credential", "Verb", "RedirectStandardInput", "UseNewEnvironment"):
        if refused in invocation:
            raise Refused(f"Start-Process -{refused}")
    arguments = " ".join(str(each) for each in invocation["ArgumentList"] or ())
    made = ProcessObject(invocation.engine)
    made.start_info = StartInfo(invocation.engine, invocation["FilePath"], arguments)
    try:
        made.start()
    except ClrError as error:
        failed = ClrError(
            f"This command cannot be executed due to the error: {error.message}.",
            "System.InvalidOperationException",
            inner=error,
        )
        raise failed from error
    if invocation.switch("Wait") or invocation["RedirectStandardOutput"] or invocation["RedirectStandardError"]:
        made.wait_for_exit()
        _redirect(invocation, "RedirectStandardOutput", made.out)
        _redirect(invocation, "RedirectStandardError", made.err)
    if invocation.switch("PassThru"):
        invocation.write(made)


def _redirect(invocation: Invocation, parameter: str, chunks: list[bytes]) -> None:
    if invocation[parameter]:
        from agent.lab.powershell.bindings.refusal import as_io

        path = str(invocation[parameter])
        with as_io(path):
            invocation.engine.machine.files.write(path, b"".join(chunks))


@cmdlet("Wait-Process", (*_SELECT, Parameter("Timeout", "Int32", aliases=("TimeoutSec",))))
def wait_process(invocation: Invocation) -> None:
    """Wait until processes have ended; one that lasts too long is an error."""
    for found in _chosen(invocation):
        seconds = invocation["Timeout"]
        if not found.wait_for_exit(None if seconds is None else int(seconds) * 1000):
            text = f'This command stopped operation because process "{found.process_name()} ({found.pid()})" is not '
            text += "stopped in the specified time-out."
            error = ClrError(text, "System.TimeoutException")
            command = "Microsoft.PowerShell.Commands.WaitProcessCommand"
            invocation.error(error, f"ProcessNotTerminated,{command}", "CloseError", found)
