"""Owns Get-EventLog, Write-EventLog, New-EventLog, Clear-EventLog and Get-WinEvent.

Get-EventLog without a match is an error; Get-WinEvent needs Vista or later. domain 6.5
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from agent.lab.powershell.bindings.eventlog.entry import EventLogEntry, EventLogRecord
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError, ClrObject, prop
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.values import Hashtable
from agent.lab.world.errors import WorldError
from agent.lab.world.eventlog import EntryType, LogEntry

_COMMAND = "Microsoft.PowerShell.Commands.GetEventLogCommand"
_WIN_EVENT = "Microsoft.PowerShell.Commands.GetWinEventCommand"
_LEVELS = {1: (), 2: (EntryType.ERROR,), 3: (EntryType.WARNING,), 4: (EntryType.INFORMATION,)}


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
        and _any_fits(invocation["EntryType"], str(entry.entry_type))
        and _any_fits(invocation["Source"], entry.source)
        and _any_fits(None if invocation["Message"] is None else [invocation["Message"]], entry.message)
    )


def _any_fits(patterns: Sequence[Any] | None, text: str) -> bool:
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
            f"The source '{source}' is not registered in log '{log}'. (It is registered in log '{held}'.) \" The Source "
            "and Log properties must be matched, or you may set Log to the empty string, and it will automatically be "
            "matched to the Source property.",
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


@cmdlet(
    "Get-WinEvent",
    (
        Parameter("LogName", "String[]", 0),
        Parameter("FilterHashtable", "Hashtable[]"),
        Parameter("FilterXPath", "String"),
        Parameter("FilterXml", "Object"),
        Parameter("ProviderName", "String[]"),
        Parameter("ListLog", "String[]"),
        Parameter("ListProvider", "String[]"),
        Parameter("Path", "String[]"),
        Parameter("MaxEvents", "Int64"),
        Parameter("ComputerName", "String", aliases=("Cn",)),
        Parameter("Credential", "Object"),
        Parameter("Force", "Switch"),
        Parameter("Oldest", "Switch"),
    ),
)
def get_win_event(invocation: Invocation) -> None:
    """Events by log or hash table filter; not on Server 2003. domain 6.5"""
    if invocation.engine.machine.role.is_2003:
        raise ClrError(
            "The Get-WinEvent cmdlet is not supported on this version of Windows: it requires Windows Vista, Windows "
            "Server 2008, or later.",
            "System.PlatformNotSupportedException",
            bases=("System.NotSupportedException",),
        )
    for unsupported in ("FilterXPath", "FilterXml", "ListLog", "ListProvider", "Path"):
        if unsupported in invocation:
            raise Refused(f"Get-WinEvent -{unsupported}")
    found = _records(invocation)
    if not invocation.switch("Oldest"):
        found.reverse()
    most = invocation["MaxEvents"]
    found = found[: int(most)] if most else found
    if not found:
        nothing = ClrError("No events were found that match the specified selection criteria.", "System.Exception")
        invocation.error(nothing, f"NoMatchingEventsFound,{_WIN_EVENT}", "ObjectNotFound")
    invocation.write_all([EventLogRecord(each) for each in found])


def _records(invocation: Invocation) -> list[LogEntry]:
    filters: list[Hashtable] = list(invocation["FilterHashtable"] or ())
    if not filters:
        wanted: dict[str, Any] = {}
        if invocation["LogName"]:
            wanted["LogName"] = invocation["LogName"]
        if invocation["ProviderName"]:
            wanted["ProviderName"] = invocation["ProviderName"]
        filters = [Hashtable(wanted)]
    found: list[LogEntry] = []
    for each in filters:
        found += _filtered(invocation, each)
    return found


def _filtered(invocation: Invocation, wanted: Hashtable) -> list[LogEntry]:
    known = ("logname", "providername", "id", "level", "starttime", "endtime")
    for key, _ in wanted.items():
        if str(key).lower() not in known:
            raise Refused(f"Get-WinEvent -FilterHashtable key {key}")
    found = []
    for log in _log_names(invocation, wanted):
        found += [each for each in invocation.engine.machine.logs.entries(log) if _selected(invocation, wanted, each)]
    return found


def _log_names(invocation: Invocation, wanted: Hashtable) -> list[str]:
    names = invocation.engine.machine.logs.names()
    if wanted.get("LogName") is None:
        return names
    found = []
    for pattern in _several(wanted.get("LogName")):
        fitting = [name for name in names if fits(str(pattern), name)]
        if not fitting and not has_wildcard(str(pattern)):
            raise ClrError(
                f'There is not an event log on the localhost computer that matches "{pattern}".', "System.Exception"
            )
        found += fitting
    return found


def _selected(invocation: Invocation, wanted: Hashtable, entry: LogEntry) -> bool:
    start, end = wanted.get("StartTime"), wanted.get("EndTime")
    convert = invocation.engine.convert
    levels = [kind for each in _several(wanted.get("Level")) for kind in _LEVELS.get(int(each), ())]
    return (
        (wanted.get("Id") is None or entry.event_id in [int(each) for each in _several(wanted.get("Id"))])
        and (wanted.get("Level") is None or entry.entry_type in levels)
        and (wanted.get("ProviderName") is None or _any_fits(_several(wanted.get("ProviderName")), entry.source))
        and (start is None or entry.time >= aware(convert(start, "System.DateTime")))
        and (end is None or entry.time <= aware(convert(end, "System.DateTime")))
    )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
