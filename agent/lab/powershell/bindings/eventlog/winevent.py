"""Owns Get-WinEvent, which needs Vista or later. domain 6.5"""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bindings.eventlog.cmdlets import any_fits, aware
from agent.lab.powershell.bindings.eventlog.entry import EventLogRecord
from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.values import Hashtable
from agent.lab.world.eventlog import EntryType, LogEntry

_WIN_EVENT = "Microsoft.PowerShell.Commands.GetWinEventCommand"
_LEVELS = {1: (), 2: (EntryType.ERROR,), 3: (EntryType.WARNING,), 4: (EntryType.INFORMATION,)}


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
        and (wanted.get("ProviderName") is None or any_fits(_several(wanted.get("ProviderName")), entry.source))
        and (start is None or entry.time >= aware(convert(start, "System.DateTime")))
        and (end is None or entry.time <= aware(convert(end, "System.DateTime")))
    )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
