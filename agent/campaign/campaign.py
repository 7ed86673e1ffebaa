"""Owns the waves of a run: one after another, the canary first, until all had their turn or something stops it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from agent.campaign.debts import Inherit
from agent.campaign.health import Health
from agent.campaign.orders import Orders
from agent.campaign.proxies import not_well
from agent.campaign.turn import Turn, skip
from agent.course import Tools
from agent.course.entry import Entry
from agent.fleet import over
from agent.journal import Terms
from agent.model import Server, ServerPlan, ServerState
from agent.outcome import NOT_BEGUN
from agent.waves import Wave


class Campaign:
    """Leads every server of the orders to a state with a reason; everything stands in the journal when it returns."""

    def __init__(
        self,
        tools: Tools,
        servers: Iterable[Server],
        orders: Orders,
        take_turn: Callable[[Server, Terms], None],
        check_health: Callable[[Server], None],
        failed: Iterable[str] = (),
    ) -> None:
        """`failed` are the servers of this run that count as failed before the first wave begins."""
        self._tools = tools
        self._servers = {server.name: server for server in servers}
        self._orders = orders
        self._take_turn = take_turn
        self._check_health = check_health
        self._failed = dict.fromkeys(failed)
        self._canary_failed = ""
        self._begun: frozenset[str] = frozenset()

    def run(self) -> None:
        """The waves, and a look at the servers of each before the next one begins."""
        self._finish_begun()
        rest = deque(self._orders.waves)
        while rest and not (why := self._objection(rest[0])):
            wave = rest.popleft()
            self._carry_out(wave)
            if rest and not self._tools.stopping():
                over(self._chosen(wave), self._check_health, self._orders.concurrency)
            self._count(wave, wave.servers)
            if wave.is_canary and not self._is_told(wave) and rest and not (rest[0].is_canary or rest[0].is_proxy):
                _stand_in(rest)
        for name in [name for wave in rest for name in wave.servers if name not in self._begun]:
            skip(Entry(self._tools, name), why)

    def _finish_begun(self) -> None:
        """First of all what the run holds already: no window, threshold or canary keeps that from being finished."""
        run = self._tools.run.id
        held = {name.casefold() for its_run, name in self._tools.journal.unclosed() if its_run == run}
        begun = [server for server in self._servers.values() if server.name.casefold() in held]
        proxies = {name for wave in self._orders.waves if wave.is_proxy for name in wave.servers}
        others = [server for server in begun if server.name not in proxies]
        over(others, partial(self._one, Terms()), self._orders.concurrency)
        over([server for server in begun if server.name in proxies], partial(self._one, Terms()), 1)
        self._begun = frozenset(server.name for server in begun)
        for wave in self._orders.waves:
            self._count(wave, [name for name in wave.servers if name in self._begun])

    def _objection(self, wave: Wave) -> str:
        """Why the next wave does not begin; empty where it does."""
        if by := self._tools.stopping():
            return f"{by} before it began"
        if self._canary_failed:
            return f"{NOT_BEGUN}: the canary {self._canary_failed} failed, and the run stops there"
        why = self._orders.too_many(list(self._failed)) or self._orders.too_late(self._tools.now())
        return why or (not_well(self._tools) if wave.is_proxy else "")

    def _carry_out(self, wave: Wave) -> None:
        terms = self._orders.terms(self._tools.now())
        coming = [server for server in self._chosen(wave) if server.name not in self._begun]
        over(coming, partial(self._one, terms), self._orders.concurrency)

    def _one(self, terms: Terms, server: Server) -> None:
        self._take_turn(server, terms)

    def _chosen(self, wave: Wave) -> Sequence[Server]:
        return [self._servers[name] for name in wave.servers]

    def _count(self, wave: Wave, names: Sequence[str]) -> None:
        """Who has failed so far; whoever is well again after an earlier failure counts no more."""
        for name in names:
            state = self._state(name)
            if state is None or not state.is_failure:
                self._failed.pop(name, None)
                continue
            self._failed[name] = None
            if wave.is_canary:
                self._canary_failed = name

    def _is_told(self, wave: Wave) -> bool:
        """The canary was changed and proved, or has failed: either way it has told what there was to tell."""
        return all(self._state(name) is ServerState.CHANGED or name in self._failed for name in wave.servers)

    def _state(self, name: str) -> ServerState | None:
        return Entry(self._tools, name).state


def _stand_in(rest: deque[Wave]) -> None:
    """A canary that was skipped has told nothing: the first server after the canaries goes alone in its place."""
    wave = rest.popleft()
    if wave.servers[1:]:
        rest.appendleft(Wave(wave.number, wave.servers[1:]))
    rest.appendleft(Wave(wave.number, wave.servers[:1], is_canary=True))


def campaign(
    tools: Tools,
    servers: Iterable[Server],
    plans: Mapping[str, ServerPlan],
    orders: Orders,
    inherit: Inherit | None = None,
    failed: Iterable[str] = (),
) -> Campaign:
    """The run over these servers; `plans` by name, without regard to case. Without `inherit` no debt is settled."""
    return Campaign(tools, servers, orders, Turn(tools, plans, inherit), Health(tools, plans), failed)
