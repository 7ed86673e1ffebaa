"""A run says that it lives, in time and until the end; one that cannot say so goes on, and the fence judges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.beat import Beats
from agent.cli.killswitch import KillSwitch
from agent.errors import JournalError, Locked
from agent.journal import Journal, OpenRun, open_journal
from agent.model import Holder, RunRecord

AT = datetime(2026, 5, 6, tzinfo=UTC)


class Heart(OpenRun):
    """A run whose beats are counted, and fail as the test says."""

    def __init__(self, run: OpenRun, *errors: Exception) -> None:
        super().__init__(run.holder, run.store, run.now, run.scrub)
        object.__setattr__(self, "errors", list(errors))
        object.__setattr__(self, "count", 0)
        object.__setattr__(self, "twice", threading.Event())

    errors: list[Exception]
    count: int
    twice: threading.Event

    def beat(self) -> None:
        object.__setattr__(self, "count", self.count + 1)
        if self.count >= 2:
            self.twice.set()
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = open_journal(str(tmp_path / "journal.db"), lambda: AT)
    yield journal
    journal.close()


@pytest.fixture
def run(journal: Journal) -> OpenRun:
    return journal.begin(RunRecord("r1", "apply", AT, Holder("r1", "h", 1, "u"), "0.1.0"), ["EX01"])


def at_work() -> set[str]:
    return {each.name for each in threading.enumerate() if each.name.startswith("beat-")}


def test_it_beats_until_the_run_ends(run: OpenRun) -> None:
    beats, heart = Beats(), Heart(run)
    beats.begin(heart, 0.001)

    assert heart.twice.wait(60)
    assert at_work() == {"beat-r1"}
    beats.end("r1")
    assert at_work() == set()


def test_the_end_of_the_command_ends_every_beat(run: OpenRun) -> None:
    beats = Beats()
    beats.begin(Heart(run), 60)
    beats.close()

    assert at_work() == set()


def test_a_beat_that_fails_is_no_end(run: OpenRun) -> None:
    beats, heart = Beats(), Heart(run, JournalError("the disk is full"))
    beats.begin(heart, 0.001)

    assert heart.twice.wait(60)
    beats.close()


def test_who_was_taken_over_beats_no_more(run: OpenRun) -> None:
    beats, heart = Beats(), Heart(run, Locked("", "taken over", run="r1", holder="h", since=AT))
    beats.begin(heart, 0.001)
    for thread in threading.enumerate():
        if thread.name == "beat-r1":
            thread.join(60)

    assert heart.count == 1
    beats.close()


def test_the_kill_switch_says_who_pulled_it_and_stays_pulled(tmp_path: Path, journal: Journal, run: OpenRun) -> None:
    file = tmp_path / "stop"
    switch = KillSwitch(file)
    switch.watch(journal, run.id)
    before = switch.read()
    file.touch()
    pulled = switch.read()
    file.unlink()

    assert (before, pulled, switch.read()) == ("", f"stopped by the stop file {file}", pulled)


def test_a_word_in_the_journal_is_heard(journal: Journal, run: OpenRun) -> None:
    switch = KillSwitch(None)
    switch.watch(journal, run.id)
    journal.ask_stop(run.id, "berta", "the phones of the board")

    assert switch.read() == "stopped by berta at 2026-05-06 00:00:00 UTC (the phones of the board)"


def test_a_command_without_a_run_heeds_no_kill_switch(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    switch = KillSwitch(tmp_path / "stop")

    assert switch.read() == ""
    assert switch.of_file()
