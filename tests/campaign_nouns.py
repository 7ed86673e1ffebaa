"""A run whose servers are nobody's: each comes to the end that a test says, through a real journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.campaign import Campaign, Orders
from agent.course import Tools
from agent.errors import Refused, Unreachable
from agent.estimate import Estimate
from agent.journal import Journal, OpenRun, Terms, open_journal
from agent.model import Holder, RunRecord, Server, ServerState
from agent.notice import ignore
from agent.proxypool import ProxyPool
from agent.restart import Limits
from agent.retry import Policy, Questioner
from agent.transport import Transport
from agent.verify import Clocks, Origins, Verifier
from agent.waves import Threshold, Wave, waves
from agent.window import Windows

BEGIN = datetime(2026, 5, 6, 22, 0, tzinfo=UTC)
CHANGED, FAILED, SKIPPED = ServerState.CHANGED, ServerState.FAILED, ServerState.SKIPPED


def names(count: int) -> list[str]:
    return [f"EX{number:02}" for number in range(1, count + 1)]


def nobody(server: Server) -> Transport:
    """No server is really there."""
    raise Unreachable(server.name, "nobody is there")


@dataclass
class Fake:
    """A journal, a clock, and what becomes of each server; what is not said is changed."""

    journal: Journal
    ends: Mapping[str, ServerState]
    now: datetime = BEGIN
    takes: timedelta = timedelta()  # time that passes with each server
    stopping: Callable[[], str] = lambda: ""
    sick: Mapping[str, ServerState] = field(default_factory=dict)  # what the look between two waves comes to
    is_in_step: bool = False
    begun: list[str] = field(default_factory=list)
    together: list[int] = field(default_factory=list)  # how many were at work when each began
    checked: list[str] = field(default_factory=list)
    run: OpenRun | None = None
    _barriers: dict[str, threading.Barrier] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: int = 0

    def tools(self, run: OpenRun) -> Tools:
        """Everything real, and nobody to use it on."""
        patience = Questioner(Policy(attempts=1), lambda _: None, lambda: 0.0)
        verifier = Verifier(
            ProxyPool(nobody), {}, Origins(False, (), 1), patience, Clocks(lambda: self.now, lambda: 0.0)
        )
        return Tools(
            journal=self.journal,
            run=run,
            connect=nobody,
            scripts={},
            questioner=patience,
            waiter=patience,
            verifier=verifier,
            limits=Limits(60, 180),
            puts_back=True,
            second_look=timedelta(minutes=20),
            now=lambda: self.now,
            stopping=lambda: self.stopping(),
            listen=ignore,
        )

    def take_turn(self, server: Server, terms: Terms) -> None:
        """As a course does: admitted, or refused with the reason; then the end that the test says.

        Where it `is_in_step`, nobody comes to an end before the whole wave has begun.
        """
        assert self.run is not None
        try:
            self.run.admit(server.name, terms)
        except Refused as error:
            self.run.conclude(server.name, SKIPPED, error.message)
            return
        finally:
            if server.name in self._barriers:
                self._barriers[server.name].wait(30)
        with self._lock:
            self._busy += 1
            self.begun.append(server.name)
            self.together.append(self._busy)
        self.now += self.takes
        state = self.ends.get(server.name, CHANGED)
        self.run.conclude(server.name, state, "as the test says")
        self.run.close(server.name)
        with self._lock:
            self._busy -= 1

    def check_health(self, server: Server) -> None:
        """What the look between two waves finds."""
        assert self.run is not None
        self.checked.append(server.name)
        if server.name in self.sick:
            self.run.conclude(server.name, self.sick[server.name], "not well any more")

    def carry_out(
        self, every: Sequence[str], orders: Orders, unreachable: Sequence[str] = (), run: str = "r1"
    ) -> dict[str, tuple[ServerState, str]]:
        """One run; gives the state and the reason of every server."""
        record = RunRecord(run, "apply", BEGIN, Holder(run, "h", 1, "u"), "0.1.0")
        self.run = opened = self.journal.begin(record, every, "its turn has not come yet")
        for name in unreachable:
            opened.conclude(name, ServerState.UNREACHABLE, "nobody is there")
        servers = [Server(name, "127.0.0.1", name) for name in every if name not in unreachable]
        tools = self.tools(opened)
        for wave in orders.waves if self.is_in_step else ():
            self._barriers |= dict.fromkeys(wave.servers, threading.Barrier(len(wave.servers)))
        Campaign(tools, servers, orders, self.take_turn, self.check_health, unreachable).run()
        return {each.name: (each.state or ServerState.UNKNOWN, each.reason) for each in self.journal.run(run).servers}


def orders(
    found: tuple[Wave, ...], count: int = 1000, windows: Windows | None = None, needs: float = 60, outside: str = ""
) -> Orders:
    """No window unless given, and no threshold that anybody reaches."""
    most = max((len(wave.servers) for wave in found), default=1)
    estimate = Estimate(needs, "from the test")
    return Orders(found, Threshold(count), windows or Windows((), ()), estimate, most, outside)


def in_waves(count: int, canary: int = 1, first: int = 1, growth: float = 2, most: int = 16) -> tuple[Wave, ...]:
    return waves(names(count), canary, first, growth, most)


@contextmanager
def journal_in(folder: Path) -> Iterator[Journal]:
    """A journal on a clock that stands still."""
    journal = open_journal(str(folder / "journal.db"), lambda: BEGIN)
    yield journal
    journal.close()
