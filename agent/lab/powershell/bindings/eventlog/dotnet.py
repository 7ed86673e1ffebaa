"""Owns System.Diagnostics.EventLog: writing events and looking at logs from .NET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.eventlog.entry import ENTRY_TYPE, EventLogEntry
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register, setter
from agent.lab.world.errors import WorldError
from agent.lab.world.eventlog import EntryType

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


def write_entry(
    engine: Engine, source: Any, message: Any, kind: Any = "Information", event_id: Any = 0, *_rest: Any
) -> None:
    """Write an event; a source nobody registered is registered for the Application log."""
    logs, name = engine.machine.logs, engine.to_string(source)
    if logs.log_of(name) is None:
        _create_source(engine, name, "Application")
    number = int(engine.convert(event_id, "System.Int32"))
    if not 0 <= number <= 0xFFFF:
        raise ClrError(
            f"Invalid eventID value '{number}'. It must be in the range between '0' and '65535'.",
            "System.ArgumentException",
        )
    text = engine.to_string(message)
    label = engine.convert(kind, ENTRY_TYPE.name).label
    logs.write(logs.log_of(name) or "Application", name, number, EntryType(label), text, strings=(text,))


def _source_exists(engine: Engine, source: Any, *_machine: Any) -> bool:
    return engine.machine.logs.log_of(engine.to_string(source)) is not None


def _create_source(engine: Engine, source: Any, log: Any, *_machine: Any) -> None:
    if not is_administrator(engine):
        raise ClrError("Requested registry access is not allowed.", "System.Security.SecurityException")
    name = engine.to_string(source)
    if engine.machine.logs.log_of(name) is not None:
        raise ClrError(f"Source {name} already exists on the local computer.", "System.ArgumentException")
    engine.machine.logs.create(engine.to_string(log))
    engine.machine.logs.add_source(name, engine.to_string(log))


class EventLog(ClrObject):
    """One log, with the source writes go under."""

    TYPE = "System.Diagnostics.EventLog"
    BASES = ("System.ComponentModel.Component",)

    def __init__(self, engine: Engine, log: Any = "", _machine: Any = ".", source: Any = "") -> None:
        """A log by name."""
        self.engine = engine
        self.log_name, self.source_name = engine.to_string(log), engine.to_string(source)

    @prop("Log")
    def log(self) -> str:
        """The log."""
        return self.log_name

    @setter("Log")
    def set_log(self, value: Any) -> None:
        """Another log."""
        self.log_name = self.engine.to_string(value)

    @prop("Source")
    def source(self) -> str:
        """The source."""
        return self.source_name

    @setter("Source")
    def set_source(self, value: Any) -> None:
        """Another source."""
        self.source_name = self.engine.to_string(value)

    @prop("Entries")
    def entries(self) -> list[EventLogEntry]:
        """The events, oldest first."""
        try:
            return [EventLogEntry(each) for each in self.engine.machine.logs.entries(self.log_name)]
        except WorldError as error:
            text = f"The event log '{self.log_name}' on computer '.' does not exist."
            raise ClrError(text, "System.InvalidOperationException") from error

    @method("WriteEntry")
    def write_entry(self, message: Any, *rest: Any) -> None:
        """Write an event under the source."""
        if not self.source_name:
            raise ClrError("Source property was not set before writing to the event log.", "System.ArgumentException")
        write_entry(self.engine, self.source_name, message, *rest)

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""


register(
    ClrType(
        "System.Diagnostics.EventLog",
        bases=EventLog.BASES,
        construct=EventLog,
        static={
            "WriteEntry": write_entry,
            "SourceExists": _source_exists,
            "CreateEventSource": _create_source,
            "Exists": lambda engine, log: (
                engine.to_string(log).lower() in (name.lower() for name in engine.machine.logs.names())
            ),
            "GetEventLogs": lambda engine: [EventLog(engine, name) for name in engine.machine.logs.names()],
        },
    )
)
