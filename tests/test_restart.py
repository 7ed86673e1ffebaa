"""What a restart leaves behind when nobody sees its end: a doubt, never a "nothing was changed"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_nouns import journal_in
from finding_nouns import SCRIPTS, SERVER, finding, vdir

from agent import errors
from agent.act import Actor
from agent.journal import Journal, OpenRun
from agent.model import Action, Effect, Holder, Record, RunRecord, Script, StepState
from agent.notice import ignore
from agent.plan import Restart, decide
from agent.restart import IisRestart, Limits
from agent.retry import Policy, Questioner
from agent.transport import Arguments

NAMES = ("restart-status", "start-services", "close")
EVERY = {**SCRIPTS, **{name: Script(name, "", Effect.WRITE, "0" * 64, 60) for name in NAMES}}


class Rebooting:
    """A server that takes the restart and is not seen again."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append(script.id)
        if script.id == "restart":
            return [{"Kind": "restart", "State": "running"}]
        raise errors.Unreachable("EX01", "connection refused", "Check that the WinRM service runs.")

    def close(self) -> None: ...


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with journal_in(tmp_path) as journal:
        yield journal


@pytest.fixture
def run(journal: Journal) -> OpenRun:
    run = journal.begin(RunRecord("r1", "apply", datetime(2026, 5, 6, tzinfo=UTC), Holder("r1", "h", 1, "u"), "0.1.0"))
    run.admit("EX01")
    return run


def test_a_restart_whose_end_nobody_saw_is_in_doubt(journal: Journal, run: OpenRun) -> None:
    """That the question after it never arrived says nothing about the restart, which did."""
    server = Rebooting()
    patience = Questioner(Policy(attempts=2), lambda _: None, lambda: 0.0)
    actor = Actor("EX01", run, server, patience, (), ignore)
    plan = decide(SERVER, finding(vdir(8)), EVERY, Restart())
    trouble = IisRestart("r1", plan, actor, EVERY, Limits(60, 180), patience).restart()

    assert trouble is not None
    assert trouble.is_unsure
    assert server.sent.count("restart") == 1
    (record,) = journal.server("r1", "EX01").steps
    assert (record.step.action, record.state) == (Action.RESTART, StepState.UNKNOWN)


class Clock:
    """Time that only waiting moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds


def test_the_patience_for_a_server_that_is_gone_is_spent_once(run: OpenRun) -> None:
    """The time a window is reckoned with has one patience for the restart in it, not one for each look after it."""
    server, clock = Rebooting(), Clock()
    patience = Questioner(Policy(1_000_000, 210.0, 0.25, 2.0), clock.wait, clock.now)
    actor = Actor("EX01", run, server, patience, (), ignore)
    plan = decide(SERVER, finding(vdir(8)), EVERY, Restart())

    assert IisRestart("r1", plan, actor, EVERY, Limits(60, 180), patience).restart()

    assert 200 < clock.seconds <= 210
    assert server.sent[-3:] == ["restart-status"] * 3


class Overdue(Rebooting):
    """A server that answers all along: its restart never ends, and now and then a question is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = False

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append(script.id)
        if script.id == "restart":
            return [{"Kind": "restart", "State": "running"}]
        if self.lost:
            self.lost = False
            raise errors.BrokenOff("EX01", "the connection broke", "")
        return [{"Kind": "restart", "State": "overdue", "Seconds": None, "ExitCode": None, "Output": ""}]


def test_a_server_that_answers_keeps_its_patience(run: OpenRun) -> None:
    """That a restart is overdue is an answer: a question that is lost after it is put again, as any other."""
    server, clock = Overdue(), Clock()
    patience = Questioner(Policy(3, 60.0), clock.wait, clock.now)
    actor = Actor("EX01", run, server, patience, (), ignore)
    restart = IisRestart(
        "r1", decide(SERVER, finding(vdir(8)), EVERY, Restart()), actor, EVERY, Limits(60, 180), patience
    )
    assert restart.restart()
    server.lost = True

    assert restart.look_again() is None  # there are no services in its answer that ran before


class Returning(Overdue):
    """Gone for the whole patience, then back; it loses a question afterwards."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        if script.id != "restart" and self._clock.now() < 50.0:
            self.sent.append(script.id)
            raise errors.Unreachable("EX01", "connection refused", "")
        return super().run(script, arguments)


def test_a_server_that_came_back_gets_its_patience_back(run: OpenRun) -> None:
    clock = Clock()
    server = Returning(clock)
    patience = Questioner(Policy(1_000_000, 40.0, 0.25, 2.0), clock.wait, clock.now)
    actor = Actor("EX01", run, server, patience, (), ignore)
    restart = IisRestart(
        "r1", decide(SERVER, finding(vdir(8)), EVERY, Restart()), actor, EVERY, Limits(60, 180), patience
    )
    assert restart.restart()
    clock.wait(20.0)
    assert restart.look_again() is None
    server.lost = True

    assert restart.look_again() is None


class Done(Rebooting):
    """A server whose restart ends well."""

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append(script.id)
        if script.id == "restart":
            return [{"Kind": "restart", "State": "running"}]
        return [
            {"Kind": "restart", "State": "ended", "Seconds": 9.5, "ExitCode": 0, "Output": ""},
            {"Kind": "service", "Name": "SMTPSVC", "State": "Running", "RanBefore": True},
        ]


def test_what_the_server_says_at_the_end_of_the_restart_is_not_asked_for_again(run: OpenRun) -> None:
    """To tell it, a server goes through all its services."""
    server, patience = Done(), Questioner(Policy(attempts=2), lambda _: None, lambda: 0.0)
    actor = Actor("EX01", run, server, patience, (), ignore)
    plan = decide(SERVER, finding(vdir(8)), EVERY, Restart())
    restart = IisRestart("r1", plan, actor, EVERY, Limits(60, 180), patience)

    assert restart.restart() is None
    assert server.sent == ["restart", "restart-status"]
    assert restart.look_again() is None
    assert server.sent == ["restart", "restart-status", "restart-status"]


class Flickering(Rebooting):
    """Gone for the whole patience, there for one question, and gone again."""

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append(script.id)
        if script.id == "restart":
            return [{"Kind": "restart", "State": "running"}]
        if script.id == "restart-status" and "WaitSeconds" not in arguments and not self.was_there:
            self.was_there = True
            return [{"Kind": "restart", "State": "running", "Seconds": None, "ExitCode": None, "Output": ""}]
        raise errors.Unreachable("EX01", "connection refused", "")

    was_there = False


def test_each_time_that_a_server_goes_its_patience_is_spent_once(run: OpenRun) -> None:
    server, clock = Flickering(), Clock()
    patience = Questioner(Policy(1_000_000, 200.0, 0.25, 2.0), clock.wait, clock.now)
    actor = Actor("EX01", run, server, patience, (), ignore)
    plan = decide(SERVER, finding(vdir(8)), EVERY, Restart())

    assert IisRestart("r1", plan, actor, EVERY, Limits(60, 180), patience).restart()
    assert server.was_there
    assert 350 < clock.seconds <= 400
