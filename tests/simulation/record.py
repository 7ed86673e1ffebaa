"""A real journal for each play: SQLite with the real tables, in memory; and a run whose every note is a boundary."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from agent.journal import Journal, OpenRun, open_journal
from agent.journal.store import _WRITES, Store
from agent.model import Holder, RunRecord

NOTES = frozenset({"admit", "note", "found", "proved", "conclude", "owe_look", "close", "end"})
"""What an open run writes down; each has a boundary before and after it."""


@cache
def _template() -> bytes:
    """An empty journal, made once the way every journal is made."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        open_journal(str(path), lambda: datetime.max).close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # memory cannot hold a database of the other kind
            return connection.serialize()


def fresh_engine() -> sa.Engine:
    """A journal nobody has written in."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    connection.deserialize(_template())
    connection.execute("PRAGMA foreign_keys=ON").close()
    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.StaticPool)

    def begin(opened: sa.Connection) -> None:
        writes = opened.get_execution_options().get(_WRITES)
        opened.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    sa.event.listen(engine, "begin", begin)
    return engine


def journal_of(engine: sa.Engine, now: Callable[[], datetime]) -> Journal:
    """What one process opens."""
    return Journal(Store(engine, "memory", now), now)


Tick = Callable[[str], None]
Told = Callable[..., None]


class Tapped:
    """An open run; `tick` is told of the boundary before and after each note, `told` of each that is on record."""

    def __init__(self, run: OpenRun, tick: Tick, told: Told) -> None:
        self._run = run
        self._tick = tick
        self._told = told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._run, name)
        if name not in NOTES:
            return found

        def note(*given: Any, **named: Any) -> Any:
            words = " ".join(str(getattr(each, "id", each)) for each in given[:3] if not isinstance(each, list))
            self._tick(f"before {name} {words[:60]}")
            answer = found(*given, **named)
            self._told(self._run.id, name, given, named)
            self._tick(f"after {name} {words[:60]}")
            return answer

        return note


class TappedJournal:
    """A journal that hands out tapped runs."""

    def __init__(self, journal: Journal, tick: Tick, told: Told) -> None:
        self._journal = journal
        self._tick = tick
        self._told = told

    def begin(self, run: RunRecord, chosen: Iterable[str] = (), *given: Any, **named: Any) -> Any:
        self._tick("before begin")
        return self._tapped(self._journal.begin(run, chosen, *given, **named))

    def resume(self, run: str, holder: Holder, **named: Any) -> Any:
        return self._tapped(self._journal.resume(run, holder, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def _tapped(self, run: OpenRun) -> Tapped:
        self._tick("after begin")
        return Tapped(run, self._tick, self._told)
