"""Owns how an event looks to a script: EventLogEntry of the classic log, EventLogRecord of Get-WinEvent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from agent.lab.powershell.clr import ClrObject, prop
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import Byte, EnumKind, EnumValue, Int16, Long, local_time
from agent.lab.world.eventlog import EntryType, LogEntry

ENTRY_TYPE = register_enum(
    EnumKind(
        "System.Diagnostics.EventLogEntryType",
        {"Error": 1, "Warning": 2, "Information": 4, "SuccessAudit": 8, "FailureAudit": 16},
    )
)
_LEVELS = {
    EntryType.ERROR: (2, "Error"),
    EntryType.WARNING: (3, "Warning"),
    EntryType.INFORMATION: (4, "Information"),
    EntryType.SUCCESS_AUDIT: (0, "Information"),
    EntryType.FAILURE_AUDIT: (0, "Information"),
}


class EventLogEntry(ClrObject):
    """System.Diagnostics.EventLogEntry."""

    TYPE = "System.Diagnostics.EventLogEntry"
    BASES = ("System.ComponentModel.Component", "System.MarshalByRefObject")

    def __init__(self, entry: LogEntry) -> None:
        """One event of the world."""
        self.entry = entry

    def ps_type_names(self) -> tuple[str, ...]:
        """PowerShell adds log, source and id to the type's name."""
        entry = self.entry
        first = f"{self.TYPE}#{entry.log}/{entry.source}/{entry.event_id}"
        return (first, *super().ps_type_names())

    @prop("EventID")
    def event_id(self) -> int:
        """The number of the event; types.ps1xml makes it from InstanceId."""
        return self.entry.event_id

    @prop("MachineName")
    def machine_name(self) -> str:
        """Where it was written."""
        return self.entry.machine

    @prop("Data")
    def binary(self) -> list[Any]:
        """No event of the lab carries bytes."""
        return []

    @prop("Index")
    def index(self) -> int:
        """Its number in the log."""
        return self.entry.index

    @prop("Category")
    def category(self) -> str:
        """The category's text."""
        return self.entry.category

    @prop("CategoryNumber")
    def category_number(self) -> Int16:
        """0 for none."""
        return Int16(0 if self.entry.category == "None" else 1)

    @prop("EntryType")
    def entry_type(self) -> EnumValue:
        """Error, Warning, Information ..."""
        return ENTRY_TYPE(str(self.entry.entry_type))

    @prop("Message")
    def message(self) -> str:
        """The text."""
        return self.entry.message

    @prop("Source")
    def source(self) -> str:
        """Who wrote it."""
        return self.entry.source

    @prop("ReplacementStrings")
    def strings(self) -> list[str]:
        """What stands for %1, %2 ..."""
        return list(self.entry.strings)

    @prop("InstanceId")
    def instance_id(self) -> Long:
        """The event id with its qualifiers; none here."""
        return Long(self.entry.event_id)

    @prop("TimeGenerated")
    def time_generated(self) -> dt.datetime:
        """When, to the second."""
        return local_time(self.entry.time)

    @prop("TimeWritten")
    def time_written(self) -> dt.datetime:
        """The same here."""
        return local_time(self.entry.time)

    @prop("UserName")
    def user_name(self) -> None:
        """Not kept."""

    @prop("Site")
    def site(self) -> None:
        """Not kept."""

    @prop("Container")
    def container(self) -> None:
        """Not kept."""


class EventLogRecord(ClrObject):
    """System.Diagnostics.Eventing.Reader.EventLogRecord: what Get-WinEvent gives."""

    TYPE = "System.Diagnostics.Eventing.Reader.EventLogRecord"
    BASES = ("System.Diagnostics.Eventing.Reader.EventRecord",)

    def __init__(self, entry: LogEntry) -> None:
        """One event of the world."""
        self.entry = entry

    @prop("Message")
    def message(self) -> str:
        """The text."""
        return self.entry.message

    @prop("Id")
    def event_id(self) -> int:
        """The number of the event."""
        return self.entry.event_id

    @prop("Level")
    def level(self) -> Byte:
        """2 error, 3 warning, 4 information."""
        return Byte(_LEVELS[self.entry.entry_type][0])

    @prop("RecordId")
    def record_id(self) -> Long:
        """Its number in the log."""
        return Long(self.entry.index)

    @prop("ProviderName")
    def provider_name(self) -> str:
        """Who wrote it."""
        return self.entry.source

    @prop("LogName")
    def log_name(self) -> str:
        """The log."""
        return self.entry.log

    @prop("MachineName")
    def machine_name(self) -> str:
        """Where it was written."""
        return self.entry.machine

    @prop("TimeCreated")
    def time_created(self) -> dt.datetime:
        """When."""
        return local_time(self.entry.time)

    @prop("LevelDisplayName")
    def level_name(self) -> str:
        """The level in words."""
        return _LEVELS[self.entry.entry_type][1]

    @prop("Properties")
    def properties(self) -> list[EventProperty]:
        """What stands for %1, %2 ..."""
        return [EventProperty(text) for text in self.entry.strings]


class EventProperty(ClrObject):
    """One replacement string."""

    TYPE = "System.Diagnostics.Eventing.Reader.EventProperty"

    def __init__(self, text: str) -> None:
        """The text."""
        self.text = text

    @prop("Value")
    def value(self) -> str:
        """The text."""
        return self.text
