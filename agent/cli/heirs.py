"""Owns the runs that a run goes on with because they broke off on its servers: taken over once, and ended with it."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from agent.errors import ConfigError, Locked, NoJournal, OldJournal, UnknownName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from agent.campaign import Heir
    from agent.cli.session import Session
    from agent.journal import Journal, OpenRun
    from agent.model import Debt, RunRecord, Server
    from agent.notice import Listen


class Heirs:
    """Takes runs over when their turn comes; for many threads."""

    def __init__(self, session: Session, listen: Listen) -> None:
        self._session = session
        self._listen = listen
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[OpenRun, Heir]] = {}

    def inherit(self, run: str) -> Heir:
        """The run with its own record and plan; raises `Locked` while a process works on it."""
        with self._lock:
            if run not in self._opened:
                self._opened[run] = self._take_over(run)
            return self._opened[run][1]

    def end(self) -> None:
        """Each of them has come as far as it can here; one with other servers left is left to whoever resumes it."""
        from agent.cli.working import end, leave
        from agent.outcome import is_to_come

        for run, (opened, _) in self._opened.items():
            record = self._session.journal.run(run)
            if any(not each.is_closed or is_to_come(each) for each in record.servers):
                leave(self._session, opened)
            else:
                end(self._session, opened, record.command)

    def _take_over(self, run: str) -> tuple[OpenRun, Heir]:
        from agent.campaign import Heir
        from agent.cli.takeover import stale_after, take_over
        from agent.cli.working import plan_of, tools

        record = self._session.journal.run(run)
        if is_under_way(self._session.journal, record, stale_after(self._session)):
            raise _locked(record, "is at work, in this very process")
        if words := self._session.journal.stop_asked(run):
            raise _locked(record, f"was stopped {words}, and only an operator goes on with it")
        try:
            plans = plan_of(self._session, record)
        except (UnknownName, ConfigError) as error:
            raise _locked(record, f"left no plan that could be gone on with: {error.message}") from error
        opened = take_over(self._session, run, "resume")
        return opened, Heir(tools(self._session, opened, self._listen), plans)


def debts_on(session: Session, servers: Sequence[Server]) -> list[Debt]:
    """What runs that nobody works on owe to these servers."""
    from agent.cli.takeover import stale_after, works_on

    try:
        journal = session.record
    except NoJournal:
        return []
    except OldJournal:
        journal = session.journal
    mine = {server.name.casefold() for server in servers}
    stale = stale_after(session)
    found = [(debt, journal.run(debt.run)) for debt in journal.debts() if debt.server.casefold() in mine]
    return [
        debt
        for debt, record in found
        if works_on(journal, record, stale) is False and not is_under_way(journal, record, stale)
    ]


def is_under_way(journal: Journal, record: RunRecord, stale: timedelta) -> bool:
    """This very process works on it, beside what asks: a scheduler's runs follow one another, others may not."""
    is_ours = (record.holder.host, record.holder.pid) == (socket.gethostname(), os.getpid())
    return record.ended_at is None and is_ours and not journal.is_stale(record.id, stale)


def _locked(record: RunRecord, why: str) -> Locked:
    return Locked("", f"{record.holder} {why}", run=record.id, holder=str(record.holder), since=record.started_at)
