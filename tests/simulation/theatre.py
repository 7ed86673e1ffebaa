"""A play from beginning to end: a run, what befalls it, whoever takes it up, and what the judge has to say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from crew import FIRST, RIVAL, STALE, Died, Process, World
from judge import (
    Judge,
    a_look_writes_nothing,
    canary_stops_the_run,
    named_with_a_reason,
    no_more_at_once,
    no_more_failures,
    nothing_begins_too_late,
    nothing_owed,
    nothing_unsettled,
    one_restart_per_run,
    put_back_exactly,
    stops_at_the_threshold,
    waves_in_order,
)
from paper import PaperServer
from plays import Play
from record import fresh_engine
from stage import Pool, Stage
from wire import Wire

import agent.fleet as fleet_module
from agent.errors import Fenced, Locked
from agent.model import Action, ServerPlan, ServerRecord, ServerState, StepState
from agent.outcome import WAITING
from agent.waves import Threshold

BEGIN = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
OVERDUE = "marker: overdue"
REST = 2000.0
"""Seconds after which every restart has ended or is overdue."""


class Theatre:
    """One performance."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.stage = Stage(play.seed)
        self.judge = Judge()
        servers = {case.name: PaperServer(case, self.stage.now) for case in play.cases}
        self.wire = Wire(servers, self.stage, play.breaks)
        self.world = World(play, self.stage, self.wire, fresh_engine(), self.judge.told, self.judge.watch, BEGIN)
        self.judge.before = {name: each.settings for name, each in servers.items()}
        self.wrong = self.judge.wrong
        self.processes: list[Process] = []

    def perform(self) -> list[str]:
        """Everything that must not be and was."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fleet_module, "ThreadPoolExecutor", partial(Pool, self.stage))
            return self._perform()

    def _perform(self) -> list[str]:
        first = self._process(
            dies_at=self.play.dies_at,
            stops_at=self.play.stops_at,
            asked_at=self.play.is_asked_to_stop_at,
            stalls_at=self.play.stalls_at,
            jumps_at=self.play.jumps_at,
        )
        plans = self._look(first)
        if plans is None:
            return self.wrong
        self._run(first, plans)
        self._others_take_it_up(plans)
        if self.play.rolls_back:
            self._roll_back(plans)
        self._at_the_end(plans)
        return self.wrong

    # --- acts ----------------------------------------------------------------------------------------------------

    def _look(self, first: Process) -> dict[str, ServerPlan] | None:
        found: dict[str, ServerPlan] = {}
        names = [case.name for case in self.play.cases]
        self._play(first, lambda: found.update(first.look(names)))
        self.wrong += a_look_writes_nothing(self.judge.before, self.world)
        self.world.plans = found
        return None if first.is_dead else found

    def _run(self, first: Process, plans: dict[str, ServerPlan]) -> None:
        is_over = self.stage.spawn("first", lambda: first.guard(lambda: first.apply(FIRST, plans)))
        rival_is_over = self._rival() if self.play.rival_after is not None else lambda: True
        self.stage.wait(lambda: is_over() or first.is_stalled)
        if first.is_stalled:
            self.stage.sleep(STALE.total_seconds() + 10.0)
            second = self._process(dies_at=self.play.dies_again_at)
            self._play(second, lambda: second.resume(FIRST, plans, stale=STALE))
            first.is_stalled = False
            first.stalls_at = None
            self.stage.wait(is_over)
        self.stage.wait(rival_is_over)
        if not first.is_dead and first.error is None:
            self.wrong += named_with_a_reason(list(first.journal.run(FIRST).servers), WAITING)
        was_given_up = isinstance(first.error, Locked | Fenced) and (self.play.stalls_at or self.play.jumps_at)
        if first.error is not None and not isinstance(first.error, Died) and not was_given_up:
            self.wrong.append(f"the run ended with {first.error!r}")

    def _rival(self) -> Callable[[], bool]:
        rival = self._process()

        def compete() -> None:
            self.stage.sleep(self.play.rival_after or 0.0)
            plans = rival.look([case.name for case in self.play.cases])
            rival.apply(RIVAL, plans, inherits=True)

        return self.stage.spawn("rival", lambda: rival.guard(compete))

    def _others_take_it_up(self, plans: dict[str, ServerPlan]) -> None:
        journal = self.processes[0].journal
        if FIRST not in [each.id for each in journal.history()]:
            return
        for dies_at in (self.play.dies_again_at, None):
            process = self._process(dies_at=dies_at)
            self._play(process, lambda process=process: process.resume(FIRST, plans))
            self.wrong += nothing_unsettled(list(journal.run(FIRST).servers)) if process.error is None else []
        self._heal()
        for run in [each.id for each in journal.history()]:
            for _ in range(2):
                process = self._process()
                self._play(process, lambda process=process, run=run: process.resume(run, plans))
            self._give_up(run, plans)
            servers = list(journal.run(run).servers)
            unclosed = {name for its_run, name in journal.unclosed() if its_run == run}
            self.wrong += named_with_a_reason(servers, WAITING)
            self.wrong += nothing_unsettled(servers)
            self.wrong += nothing_owed(servers, unclosed)

    def _give_up(self, run: str, plans: dict[str, ServerPlan]) -> None:
        """A restart without an end stays in doubt where the path stays bad; it is for the operator to put back."""
        process = self._process()
        stuck = [name for its_run, name in process.journal.unclosed() if its_run == run]
        overdue = [name for name in stuck if OVERDUE in process.journal.server(run, name).reason]
        if overdue:
            self._play(process, lambda: process.roll_back(run, plans, overdue))

    def _roll_back(self, plans: dict[str, ServerPlan]) -> None:
        process = self._process()
        journal = process.journal
        if FIRST not in [each.id for each in journal.history()]:
            return
        names = [each.name for each in journal.run(FIRST).servers if each.steps]
        self._play(process, lambda: process.roll_back(FIRST, plans, names))
        after = {each.name: each for each in journal.run(FIRST).servers}
        back = [name for name in names if after[name].state is ServerState.ROLLED_BACK]
        last = [name for name in back if not self._is_changed_since(after[name])]
        self.wrong += put_back_exactly(self.world, self.judge.before, last)

    def _is_changed_since(self, first: ServerRecord) -> bool:
        """What another run changed after the last move of the first one is that run's to answer for."""
        journal = self.processes[0].journal
        done = max(move.at for each in first.steps for move in each.attempts)
        others = [run for run in journal.history() if run.id != FIRST]
        steps = [each for run in others for server in run.servers if server.name == first.name
                 for each in journal.server(run.id, server.name).steps]  # fmt: skip
        return any(
            move.at > done
            for each in steps
            if each.step.action is Action.CLEAR
            for move in each.attempts
            if move.state is StepState.INTENDED
        )

    def _at_the_end(self, plans: dict[str, ServerPlan]) -> None:
        play, judge = self.play, self.judge
        closes_at = BEGIN + timedelta(seconds=play.closes_after) if play.closes_after is not None else None
        self.wrong += one_restart_per_run(self.world, [FIRST, RIVAL])
        self.wrong += nothing_begins_too_late(judge, closes_at, play.needs)
        most = Threshold.of(play.max_failures, len(play.cases)).count
        self.wrong += stops_at_the_threshold(judge, most, self.processes)
        self.wrong += no_more_failures(judge, most, play.concurrency, self.processes)
        self.wrong += no_more_at_once(judge, play.concurrency)
        self.wrong += waves_in_order(judge, self.processes)
        self.wrong += canary_stops_the_run(judge, self.processes)

    # --- stage hands ---------------------------------------------------------------------------------------------

    def _process(self, **befalls: int | None) -> Process:
        process = Process(self.world, len(self.processes) + 1, **befalls)  # type: ignore[arg-type]
        self.processes.append(process)
        return process

    def _play(self, process: Process, work: Callable[[], None]) -> None:
        process.guard(work)

    def _heal(self) -> None:
        self.wire.is_healed = True
        self.stage.sleep(REST)
        for each in self.wire.servers.values():
            each.catch_up()
            each.heal()
