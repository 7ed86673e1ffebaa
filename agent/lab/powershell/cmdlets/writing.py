"""Owns the Write- cmdlets and Out-Host, Out-Default."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.conversion import iterate
from agent.lab.powershell.errors import ErrorRecord, ExceptionObject, Terminate
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.layout import render
from agent.lab.powershell.registering import staged
from agent.lab.powershell.text import to_string

_MESSAGE = Parameter("Message", "String", position=0, mandatory=True, by_value=True)
WRITE_ERROR = "Microsoft.PowerShell.Commands.WriteErrorException"


@cmdlet(
    "Write-Output",
    [Parameter("InputObject", position=0, mandatory=True, by_value=True, rest=True)],
    aliases=("echo", "write"),
)
def write_output(invocation: Invocation) -> None:
    """Write the objects, arrays item by item."""
    held = alone(invocation["InputObject"])
    items = None if isinstance(held, str) else iterate(held)
    invocation.write_all([held] if items is None else list(items))


def alone(held: Any) -> Any:
    """Of remaining arguments that are only one, that one."""
    return held[0] if isinstance(held, list) and len(held) == 1 else held


@cmdlet(
    "Write-Host",
    [
        Parameter("Object", position=0, by_value=True, rest=True),
        Parameter("NoNewline", "Switch"),
        Parameter("Separator"),
        Parameter("ForegroundColor", "String"),
        Parameter("BackgroundColor", "String"),
    ],
)
def write_host(invocation: Invocation) -> None:
    """Text for the host, which no pipeline sees."""
    separator = to_string(invocation["Separator"]) if "Separator" in invocation else " "
    held = alone(invocation["Object"])
    items = None if isinstance(held, str) else iterate(held)
    line = separator.join(to_string(item) for item in items) if items is not None else to_string(held)
    invocation.engine.sink.host(line if invocation.switch("NoNewline") else line + "\n")


@cmdlet("Write-Warning", [_MESSAGE])
def write_warning(invocation: Invocation) -> None:
    """A warning."""
    invocation.warning(invocation["Message"])


@cmdlet("Write-Verbose", [_MESSAGE])
def write_verbose(invocation: Invocation) -> None:
    """A verbose message."""
    invocation.verbose(invocation["Message"])


@cmdlet("Write-Debug", [_MESSAGE])
def write_debug(invocation: Invocation) -> None:
    """A debug message, seen with $DebugPreference."""
    held = to_string(invocation.context.scope.find("debugpreference")).lower()
    if held == "continue":
        invocation.engine.sink.debug(invocation["Message"])


@cmdlet(
    "Write-Progress",
    [
        Parameter("Activity", "String", position=0, mandatory=True),
        Parameter("Status", "String", position=1, mandatory=True),
        Parameter("Id", "Int32", position=2),
        Parameter("PercentComplete", "Int32"),
        Parameter("SecondsRemaining", "Int32"),
        Parameter("CurrentOperation", "String"),
        Parameter("ParentId", "Int32"),
        Parameter("Completed", "Switch"),
        Parameter("SourceId", "Int32"),
    ],
)
def write_progress(invocation: Invocation) -> None:
    """Progress, as a bag of what was given."""
    names = ("Activity", "Status", "Id", "PercentComplete", "SecondsRemaining", "CurrentOperation", "ParentId")
    given = {name: invocation[name] for name in names if name in invocation}
    invocation.engine.sink.progress(CustomObject({**given, "Completed": invocation.switch("Completed")}))


@cmdlet(
    "Write-Error",
    [
        Parameter("Message", "String", position=0, by_value=True),
        Parameter("Exception"),
        Parameter("ErrorRecord"),
        Parameter("Category", "String"),
        Parameter("ErrorId", "String"),
        Parameter("TargetObject"),
        Parameter("RecommendedAction", "String"),
        Parameter("CategoryActivity", "String", aliases=("Activity",)),
        Parameter("CategoryReason", "String", aliases=("Reason",)),
        Parameter("CategoryTargetName", "String", aliases=("TargetName",)),
        Parameter("CategoryTargetType", "String", aliases=("TargetType",)),
    ],
)
def write_error(invocation: Invocation) -> None:
    """A non-terminating error of the script's own."""
    given = invocation["ErrorRecord"]
    if isinstance(given, ErrorRecord):
        invocation.error(given)
        return
    exception = invocation["Exception"]
    text = invocation["Message"]
    error = exception.error if isinstance(exception, ExceptionObject) else ClrError(text or "", WRITE_ERROR)
    error_id = invocation["ErrorId"] or WRITE_ERROR
    caller = getattr(invocation.context.call, "name", "")
    if caller:
        error_id = f"{error_id},{caller}"  # inside a function the record names the function
    record = ErrorRecord(
        error,
        error_id,
        invocation["Category"] or "NotSpecified",
        invocation["TargetObject"],
        activity=invocation["CategoryActivity"] or caller or "Write-Error",
        line=invocation.line,
    )
    if text and isinstance(exception, ExceptionObject):
        record.details = text
    invocation.error(record)


def _host_begin(invocation: Invocation) -> None:
    invocation.state["items"] = []


def _host_end(invocation: Invocation) -> None:
    invocation.engine.sink.host(render(invocation.state["items"], invocation))


def _keep(invocation: Invocation) -> None:
    """Keep it for the end."""
    if "InputObject" in invocation:
        invocation.state["items"].append(invocation["InputObject"])


_INPUT = Parameter("InputObject", by_value=True)
staged("Out-Host", [_INPUT, Parameter("Paging", "Switch")], begin=_host_begin, end=_host_end, aliases=("oh",))(_keep)


def _string_end(invocation: Invocation) -> None:
    text = render(invocation.state["items"], invocation)
    if invocation.switch("Stream"):
        invocation.write_all(text.split("\r\n")[:-1])
    else:
        invocation.write(text)


staged(
    "Out-String",
    [_INPUT, Parameter("Stream", "Switch"), Parameter("Width", "Int32")],
    begin=_host_begin,
    end=_string_end,
)(_keep)


@cmdlet("Out-Default", [_INPUT])
def out_default(invocation: Invocation) -> None:
    """What a remote session does with output: it goes on."""
    held: Any = invocation["InputObject"]
    invocation.write(held)


@cmdlet("Read-Host", [Parameter("Prompt", position=0), Parameter("AsSecureString", "Switch")])
def read_host(invocation: Invocation) -> None:
    """A session without a person cannot be asked."""
    error = ClrError(
        "A command that prompts the user failed because the host program or the command type does not support user "
        "interaction. Try a host program that supports user interaction, such as the Windows PowerShell Console or "
        "Windows PowerShell ISE, and remove prompt-related commands from command types that do not support user "
        "interaction, such as Windows PowerShell workflows.",
        "System.Management.Automation.Host.HostException",
        bases=("System.Management.Automation.RuntimeException",),
    )
    raise Terminate(invocation.record(error))
