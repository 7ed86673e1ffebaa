"""A process of easfix in a play: looks and plans, begins a run or takes one over, and dies or stops where it must."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from plays import PROXY, Play
from record import TappedJournal, journal_of
from stage import Stage
from wire import Wire

from agent.campaign import Heir, Inherit, Orders, campaign
from agent.course import Course, Tools
from agent.detect import look
from agent.errors import EasfixError, ServerError
from agent.estimate import Estimate
from agent.fleet import over
from agent.model import Holder, Role, RunRecord, Script, Server, ServerPlan
from agent.notice import ignore
from agent.outcome import BY_OPERATOR, WAITING, is_to_come, of_error
from agent.plan import Restart, decide
from agent.playbook import load
from agent.proxypool import ProxyPool
from agent.restart import Limits
from agent.retry import Policy, Questioner
from agent.rollback import owed
from agent.transport import ReadOnly
from agent.verify import Clocks, Origins, Verifier
from agent.waves import Threshold, waves
from agent.window import Blackout, Windows

FIRST, RIVAL = "run-1", "run-2"
DEADLINE = 600
BEAT = 10.0
ENOUGH = "enough of it"
SECOND_LOOK = timedelta(minutes=20)
FENCE = timedelta(seconds=60)
STALE = timedelta(seconds=300)


class Died(BaseException):
    """The process is gone: nothing may catch it, and nothing happens after it."""


@cache
def scripts() -> dict[str, Script]:
    """The real scripts: the names, the effects and the digests; the text is for real servers."""
    return dict(load().scripts)


def server(name: str) -> Server:
    """A back-end as the configuration has it."""
    return Server(name, "127.0.0.1", f"{name.lower()}.lab.example", proxies=(PROXY,))


PROXY_SERVER = Server(PROXY, "127.0.0.1", "cas01.lab.example", role=Role.PROXY)


@dataclass
class World:
    """What all processes of a play share."""

    play: Play
    stage: Stage
    wire: Wire
    engine: Any
    told: Callable[..., None]  # of every note that is on record
    watch: Callable[..., None]  # of every write, just before it is done
    begin: datetime
    plans: dict[str, ServerPlan] = field(default_factory=dict)
    plans_of: dict[str, dict[str, ServerPlan]] = field(default_factory=dict)  # by run, as the journal keeps them
    skew: float = 0.0

    def now(self) -> datetime:
        """The wall clock, which may be set."""
        return self.begin + timedelta(seconds=self.stage.now() + self.skew)


@dataclass
class Process:
    """One process; what happens to it happens at boundaries, counted from its birth."""

    world: World
    number: int
    dies_at: int | None = None
    stops_at: int | None = None
    asked_at: int | None = None
    stalls_at: int | None = None
    jumps_at: int | None = None
    passed: int = 0
    is_begun: bool = False
    is_over: bool = False
    is_bound: bool = True  # by windows and thresholds; the operator's rollback is not
    is_dead: bool = False
    is_stalled: bool = False
    is_stopping: bool = False
    error: BaseException | None = None
    failed: set[str] = field(default_factory=set)  # of the run, when this process took it up
    orders: Orders | None = None

    def __post_init__(self) -> None:
        self.journal: Any = TappedJournal(journal_of(self.world.engine, self.world.now), self.tick, self._told)
        self.rng = random.Random(self.number)
        self.pool = ProxyPool(lambda each: self._connect(each, ""), at_once=64)

    def _holder(self, run: str) -> Holder:
        return Holder(run, "work01", self.number, "operator")

    # --- boundaries ----------------------------------------------------------------------------------------------

    def tick(self, where: str) -> None:
        """A boundary; the dead stay dead."""
        at, self.passed = self.passed, self.passed + 1
        if at == self.dies_at:
            self.is_dead = True
        if self.is_dead:
            raise Died(where)
        if at == self.stops_at:
            self.is_stopping = True
        if at == self.asked_at and self.is_begun:
            with contextlib.suppress(EasfixError):
                journal_of(self.world.engine, self.world.now).ask_stop(FIRST, "somebody", "mail is down")
        if at == self.jumps_at:
            self.world.skew += self.world.play.jump
        if at == self.stalls_at and self.is_begun:
            self.is_stalled = True
        self.world.stage.wait(lambda: not self.is_stalled)

    def _told(self, *given: Any) -> None:
        self.world.told(self, *given)

    # --- work ----------------------------------------------------------------------------------------------------

    def look(self, names: Iterable[str]) -> dict[str, ServerPlan]:
        """Look at servers and decide; nothing that could write is even opened."""
        return {name: self._decide(server(name)) for name in names}

    def apply(self, run: str, plans: dict[str, ServerPlan], *, inherits: bool = False) -> None:
        """Begin a run and carry it out; with `inherits`, what an older one owes comes first."""
        orders = self._orders(list(plans), 0)
        numbers = {name: wave.number for wave in orders.waves for name in wave.servers}
        record = RunRecord(run, "apply", self.world.now(), self._holder(run), "0", plan_hash="p")
        self.is_begun = True
        self.world.plans_of[run] = plans
        opened = self.journal.begin(record, list(plans), WAITING, numbers)
        pending = {name: plan for name, plan in plans.items() if plan.steps}
        for name in plans.keys() - pending.keys():
            opened.conclude(name, plans[name].state, plans[name].reason)
        self._lead(opened, pending, self._inherit if inherits else None)

    def resume(self, run: str, plans: dict[str, ServerPlan], *, stale: timedelta | None = None) -> None:
        """Take a run over and go on with what is owed, and with what it did not come to."""
        opened = self.journal.resume(run, self._holder(run), stale=stale)
        record, plans = self.journal.run(run), self.world.plans_of.get(run, plans)
        owed = {each.name for each in record.servers if not each.is_closed or is_to_come(each)}
        self.failed = {each.name for each in record.servers if each.state is not None and each.state.is_failure}
        for each in record.servers:
            if is_to_come(each) and not plans[each.name].steps:  # the process before died before it could say so
                opened.conclude(each.name, plans[each.name].state, plans[each.name].reason)
        self._lead(opened, {name: plan for name, plan in plans.items() if name in owed and plan.steps}, None)

    def roll_back(self, run: str, plans: dict[str, ServerPlan], names: Sequence[str]) -> None:
        """Put back what the run changed, because the operator says so."""
        self.is_bound = False
        opened = self.journal.resume(run, self._holder(run))
        plans = self.world.plans_of.get(run, plans)
        tools, book = self._tools(opened), self.journal
        owing = [name for name in names if owed(book.server(run, name).steps, book.originals(run, name))]
        mine = [server(name) for name in owing if not book.newer_change(run, name, in_force=True)]
        over(mine, lambda each: Course(tools, each, plans[each.name]).go_back(ENOUGH), 1)
        opened.end(0)

    def guard(self, work: Callable[[], None]) -> None:
        """Do it; death, and an error that ends a process, are kept for whoever asks."""
        try:
            work()
        except (Died, EasfixError) as error:
            self.error = error
        self.is_over = True

    def _lead(self, opened: Any, plans: Mapping[str, ServerPlan], inherit: Inherit | None) -> None:
        """The campaign, with a beat beside it."""
        self.orders = self._orders(list(plans), len(self.failed))
        beating = self._beat(opened)
        folded = {name.casefold(): plan for name, plan in plans.items()}
        servers = [server(name) for name in plans]
        campaign(self._tools(opened), servers, folded, self.orders, inherit, sorted(self.failed)).run()
        opened.end(0)
        self.is_over = True
        self.world.stage.wait(beating)

    def _beat(self, opened: Any) -> Callable[[], bool]:
        def beats() -> None:
            while not (self.is_over or self.is_dead):
                with contextlib.suppress(EasfixError):  # taken over: whoever notes something hears of it
                    opened.beat()
                self.world.stage.sleep(BEAT)
                self.world.stage.wait(lambda: not self.is_stalled)

        return self.world.stage.spawn(f"beat-{self.number}", beats)

    def _orders(self, names: list[str], failed: int) -> Orders:
        play = self.world.play
        closes_at = None if play.closes_after is None else self.world.begin + timedelta(seconds=play.closes_after)
        dark = [] if closes_at is None else [Blackout("freeze", closes_at, closes_at + timedelta(days=10))]
        ordered = waves(names, play.canary, play.first_wave, play.growth, play.concurrency)
        most = Threshold.of(play.max_failures, len(play.cases)).beyond(failed)
        return Orders(ordered, most, Windows([], dark), Estimate(play.needs, "from the play"), play.concurrency)

    def _inherit(self, run: str) -> Heir:
        """Take a run over whose process is silent."""
        opened = self.journal.resume(run, self._holder(run), stale=STALE)
        plans = self.world.plans_of.get(run, self.world.plans)
        return Heir(self._tools(opened), {name.casefold(): plan for name, plan in plans.items()})

    def _decide(self, each: Server) -> ServerPlan:
        visit = self._connect(each, "")
        try:
            finding = self._questioner(Policy()).ask(
                lambda: look(each, ReadOnly(visit, each.name), scripts()["detect"], self.world.now())
            )
        except ServerError as error:
            found = of_error(each.name, error)
            return ServerPlan(each.name, found.state, found.reason)
        return decide(each, finding, scripts(), Restart())

    def _connect(self, each: Server, run: str) -> Any:
        return self.world.wire.open(each, run, self.tick, lambda *given: self.world.watch(run, *given))

    def _stopping(self, run: str) -> str:
        asked = self.journal.stop_asked(run)
        return BY_OPERATOR if self.is_stopping else f"stopped {asked}" if asked else ""

    def _questioner(self, policy: Policy) -> Questioner:
        return Questioner(
            policy, self.world.stage.sleep, self.world.stage.now, rng=self.rng, is_stopping=lambda: self.is_stopping
        )

    def _tools(self, opened: Any) -> Tools:
        stage, now = self.world.stage, self.world.now
        origins = Origins(False, (PROXY_SERVER,), 5.0)
        asking = self._questioner(Policy(attempts=4, deadline=60.0, first_wait=2.0))
        return Tools(
            journal=self.journal,
            run=opened,
            connect=lambda each: self._connect(each, opened.id),
            scripts=scripts(),
            questioner=self._questioner(Policy()),
            waiter=self._questioner(Policy(1_000_000, DEADLINE + 30.0, 2.0, 10.0)),
            verifier=Verifier(self.pool, scripts(), origins, asking, Clocks(now, stage.now)),
            limits=Limits(60, DEADLINE),
            puts_back=self.world.play.puts_back,
            second_look=SECOND_LOOK,
            now=now,
            stopping=lambda: self._stopping(opened.id),
            listen=ignore,
            fence=lambda: opened.check_fence(FENCE),
        )
