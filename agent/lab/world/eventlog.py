"""Owns the event logs of one machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.lab.clock import Clock
from agent.lab.world.errors import ErrorKind, WorldError

_KEPT = 4096  # entries kept per log at most; the oldest go first, as with "Overwrite events as needed"


class EntryType(StrEnum):
    """The type of an event."""

    ERROR = "Error"
    WARNING = "Warning"
    INFORMATION = "Information"
    SUCCESS_AUDIT = "SuccessAudit"
    FAILURE_AUDIT = "FailureAudit"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event; `index` counts from 1 within its log and never repeats."""

    log: str
    index: int
    time: datetime
    source: str
    event_id: int
    entry_type: EntryType
    category: str
    message: str
    strings: tuple[str, ...]
    machine: str


class EventLogs:
    """Logs by name without regard to case; Application, System and Security always exist."""

    def __init__(self, machine: str, clock: Clock, lock: threading.RLock) -> None:
        self._machine = machine
        self._clock = clock
        self._lock = lock
        self._logs: dict[str, tuple[str, list[LogEntry]]] = {}
        self._written: dict[str, int] = {}
        self._sources: dict[str, str] = {}
        self._listeners: list[Callable[[LogEntry], None]] = []
        for name in ("Application", "System", "Security"):
            self.create(name)

    def names(self) -> list[str]:
        """The logs there are."""
        return [name for name, _ in self._logs.values()]

    def create(self, name: str) -> None:
        """Add a log, such as "Windows PowerShell"."""
        self._logs.setdefault(name.lower(), (name, []))

    def add_source(self, source: str, log: str) -> None:
        """Register a source, as EventLog.CreateEventSource does."""
        self._find(log)
        self._sources[source.lower()] = log

    def log_of(self, source: str) -> str | None:
        """The log a source writes to; None when the source is not registered and has written nothing."""
        return self._sources.get(source.lower())

    def write(
        self,
        log: str,
        source: str,
        event_id: int,
        entry_type: EntryType,
        message: str,
        *,
        category: str = "None",
        strings: Sequence[str] = (),
    ) -> LogEntry:
        """Add an event now."""
        with self._lock:
            name, entries = self._find(log)
            index = self._written.get(name, 0) + 1
            self._written[name] = index
            self._sources.setdefault(source.lower(), name)
            now = self._clock.now().replace(microsecond=0)
            entry = LogEntry(
                name, index, now, source, event_id, entry_type, category, message, tuple(strings), self._machine
            )
            entries.append(entry)
            if len(entries) > _KEPT:
                del entries[: _KEPT // 4]
        for listener in self._listeners:
            listener(entry)
        return entry

    def entries(self, log: str) -> list[LogEntry]:
        """The events of a log, oldest first."""
        with self._lock:
            return list(self._find(log)[1])

    def written(self) -> int:
        """How many events were written since the machine was made, all logs together."""
        return sum(self._written.values())

    def clear(self, log: str) -> None:
        """Empty a log; the index goes on counting."""
        with self._lock:
            self._find(log)[1].clear()

    def listen(self, listener: Callable[[LogEntry], None]) -> None:
        """Call the listener with each new event, in the writing thread."""
        self._listeners.append(listener)

    def _find(self, log: str) -> tuple[str, list[LogEntry]]:
        if log.lower() not in self._logs:
            raise WorldError(ErrorKind.FILE_NOT_FOUND, log)
        return self._logs[log.lower()]
