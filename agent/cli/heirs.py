"""Owns the runs that a run goes on with because they broke off on its servers: taken over once, and ended with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.campaign import Heir
    from agent.cli.session import Session
    from agent.journal import OpenRun
    from agent.model import Debt, Server
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
        """Each of them has come as far as it can here."""
        from agent.cli.working import end

        for run, (opened, _) in self._opened.items():
            end(self._session, opened, self._session.journal.run(run).command)

    def _take_over(self, run: str) -> tuple[OpenRun, Heir]:
        from agent.campaign import Heir
        from agent.cli.takeover import take_over
        from agent.cli.working import plan_of, tools

        plans = plan_of(self._session, self._session.journal.run(run))
        opened = take_over(self._session, run)
        return opened, Heir(tools(self._session, opened, self._listen), plans)


def debts_on(session: Session, servers: Sequence[Server]) -> list[Debt]:
    """What runs that nobody works on owe to these servers."""
    from agent.cli.takeover import stale_after, works_on
    from agent.errors import NoJournal, OldJournal

    try:
        journal = session.record
    except NoJournal:
        return []
    except OldJournal:
        journal = session.journal
    mine = {server.name.casefold() for server in servers}
    stale = stale_after(session)
    found = [debt for debt in journal.debts() if debt.server.casefold() in mine]
    return [debt for debt in found if works_on(journal, journal.run(debt.run), stale) is False]
