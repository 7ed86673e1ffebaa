"""Owns Get-EventLog, Write-EventLog, New-EventLog and Clear-EventLog. Without a match Get-EventLog fails. domain 6.5"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from agent.lab.powershell.bindings.eventlog.entry import EventLogEntry
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.bindings.wildcard import fits
from agent.lab.powershell.clr import ClrError, ClrObject, prop
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.invocation import Invocation
from agent.lab.world.errors import WorldError
from agent.lab.world.eventlog import EntryType, LogEntry

_COMMAND = "Microsoft.PowerShell.Commands.GetEventLogCommand"


class EventLogInfo(ClrObject):
    """One log, as Get-EventLog -List shows it."""

    TYPE = "System.Diagnostics.EventLog"

    def __init__(self, name: str, count: int) -> None:
        """A log and how many events it holds."""
        self.text, self.held = name, count

    @prop("Log")
    def log(self) -> str:
        """The log's name."""
        return self.text

    @prop("LogDisplayName")
    def display_name(self) -> str:
        """The same here."""
        return self.text

    @prop("Entries")
    def entries(self) -> list[None]:
        """As many as there are; -List shows only the number."""
        return [None] * self.held

    @prop("MaximumKilobytes")
    def maximum_kilobytes(self) -> int:
        """The default of a server."""
        return 16384


def _missing_log(invocation: Invocation, name: str) -> ClrError:
    machine = "." if not invocation["ComputerName"] else str(invocation["ComputerName"][0])
    return ClrError(
        f"The event log '{name}' on computer '{machine}' does not exist.", "System.InvalidOperationException"
    )


@cmdlet(
    "Get-EventLog",
    (
        Parameter("LogName", "String", 0, aliases=("LN",)),
        Parameter("InstanceId", "Int64[]", 1),
        Parameter("ComputerName", "String[]", aliases=("Cn",)),
        Parameter("Newest", "Int32"),
        Parameter("After", "DateTime"),
        Parameter("Before", "DateTime"),
        Parameter("UserName", "String[]"),
        Parameter("Index", "Int32[]"),
        Parameter("EntryType", "String[]", aliases=("ET",)),
        Parameter("Source", "String[]", aliases=("ABO",)),
        Parameter("Message", "String", aliases=("MSG",)),
        Parameter("AsBaseObject", "Switch"),
        Parameter("List", "Switch"),
        Parameter("AsString", "Switch"),
    ),
)
def get_event_log(invocation: Invocation) -> None:
    """Events, newest first; none that match is an error."""
    logs = invocation.engine.machine.logs
    if invocation.switch("List"):
        names = sorted(logs.names())
        as_text = invocation.switch("AsString")
        invocation.write_all([name if as_text else EventLogInfo(name, len(logs.entries(name))) for name in names])
        return
    if not invocation["LogName"]:
        raise ClrError(
            "Cannot process command because of one or more missing mandatory parameters: LogName.",
            "System.Management.Automation.ParameterBindingException",
        )
    for name in _logs(invocation, str(invocation["LogName"])):
        _write_entries(invocation, name)


def _logs(invocation: Invocation, wanted: str) -> list[str]:
    names = [name for name in invocation.engine.machine.logs.names() if fits(wanted, name)]
    if not names:
        raise _missing_log(invocation, wanted)
    if "security" in (name.lower() for name in names) and not is_administrator(invocation.engine):
        raise ClrError("Requested registry access is not allowed.", "System.Security.SecurityException")
    return names


def _write_entries(invocation: Invocation, log: str) -> None:
    entries = [each for each in reversed(invocation.engine.machine.logs.entries(log)) if _matches(invocation, each)]
    newest = invocation["Newest"]
    found = entries[:newest] if newest else entries
    if not found:
        nothing = ClrError("No matches found", "System.ArgumentException")
        invocation.error(nothing, f"GetEventLogNoEntriesFound,{_COMMAND}", "ObjectNotFound")
    invocation.write_all([EventLogEntry(each) for each in found])


def _matches(invocation: Invocation, entry: LogEntry) -> bool:
    ids, indexes = invocation["InstanceId"], invocation["Index"]
    return (
        (ids is None or entry.event_id in [int(each) for each in ids])
        and (indexes is None or entry.index in [int(each) for each in indexes])
        and (invocation["After"] is None or entry.time > aware(invocation["After"]))
        and (invocation["Before"] is None or entry.time < aware(invocation["Before"]))
        and (invocation["UserName"] is None)
        and any_fits(invocation["EntryType"], str(entry.entry_type))
        and any_fits(invocation["Source"], entry.source)
        and any_fits(None if invocation["Message"] is None else [invocation["Message"]], entry.message)
    )


def any_fits(patterns: Sequence[Any] | None, text: str) -> bool:
    """Whether one of the patterns fits; none given lets all pass."""
    return patterns is None or any(fits(str(pattern), text) for pattern in patterns)


def aware(when: dt.datetime) -> dt.datetime:
    """An instant; a DateTime without a zone is local, and local is UTC in the lab."""
    return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when


@cmdlet(
    "Write-EventLog",
    (
        Parameter("LogName", "String", 0, mandatory=True, aliases=("LN",)),
        Parameter("Source", "String", 1, mandatory=True, aliases=("SRC",)),
        Parameter("EventId", "Int32", 2, mandatory=True, aliases=("ID", "EID")),
        Parameter("EntryType", "System.Diagnostics.EventLogEntryType", 3, aliases=("ET",)),
        Parameter("Message", "String", 4, mandatory=True, aliases=("MSG",)),
        Parameter("Category", "Int16"),
        Parameter("RawData", "Byte[]", aliases=("RD",)),
        Parameter("ComputerName", "String", aliases=("CN",)),
    ),
)
def write_event_log(invocation: Invocation) -> None:
    """Write an event; the source must be registered for that log."""
    engine = invocation.engine
    log, source = str(invocation["LogName"]), str(invocation["Source"])
    if log.lower() not in (name.lower() for name in engine.machine.logs.names()):
        raise _missing_log(invocation, log)
    held = engine.machine.logs.log_of(source)
    if held is None:
        raise ClrError(
            'The source name "' + source + '" does not exist on computer "localhost".',
            "System.InvalidOperationException",
        )
    if held.lower() != log.lower():
        raise ClrError(
            f"The source '{source}' is not registered in log '{log}'. (It is registered in log '{held}'.) \" The "
            "Source and Log properties must be matched, or you may set Log to the empty string, and it will "
            "automatically be matched to the Source property.",
            "System.ArgumentException",
        )
    kind = invocation["EntryType"].label if invocation["EntryType"] is not None else "Information"
    engine.machine.logs.write(
        held,
        source,
        int(invocation["EventId"]),
        EntryType(kind),
        str(invocation["Message"]),
        strings=(str(invocation["Message"]),),
    )


@cmdlet(
    "New-EventLog",
    (
        Parameter("LogName", "String", 0, mandatory=True, aliases=("LN",)),
        Parameter("Source", "String[]", 1, mandatory=True, aliases=("SRC",)),
        Parameter("ComputerName", "String[]", aliases=("CN",)),
    ),
)
def new_event_log(invocation: Invocation) -> None:
    """Register a source, and the log where it is new."""
    if not is_administrator(invocation.engine):
        raise ClrError(
            "Access is denied. Please try performing this operation again after elevating the privileges.",
            "System.Exception",
        )
    logs, log = invocation.engine.machine.logs, str(invocation["LogName"])
    logs.create(log)
    for source in invocation["Source"]:
        if logs.log_of(str(source)) is not None:
            taken = ClrError(
                f'The "{source}" source is already registered on the "localhost" computer.',
                "System.InvalidOperationException",
            )
            invocation.error(
                taken, "RegisteredSource,Microsoft.PowerShell.Commands.NewEventLogCommand", "InvalidOperation"
            )
        else:
            logs.add_source(str(source), log)


@cmdlet("Clear-EventLog", (Parameter("LogName", "String[]", 0, mandatory=True), Parameter("ComputerName", "String[]")))
def clear_event_log(invocation: Invocation) -> None:
    """Empty logs."""
    if not is_administrator(invocation.engine):
        raise ClrError("Access is denied", "System.ComponentModel.Win32Exception")
    for name in invocation["LogName"]:
        try:
            invocation.engine.machine.logs.clear(str(name))
        except WorldError as error:
            raise _missing_log(invocation, str(name)) from error
