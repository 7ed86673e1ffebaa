"""A run and its change window: nothing begins that cannot be finished, and what has begun is not broken off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from campaign_nouns import BEGIN, CHANGED, FAILED, SKIPPED, Fake, in_waves, journal_in, names, orders

from agent.journal import Journal
from agent.window import Blackout, Window, Windows

HOUR = timedelta(hours=1)
NIGHT = Window("night", time(22, 0), HOUR, ZoneInfo("UTC"))
"""Opens when the clock of these tests begins."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with journal_in(tmp_path) as journal:
        yield journal


class Dark:
    """One blackout."""

    def __init__(self, begins_at: datetime) -> None:
        self._it = Blackout("freeze", begins_at, begins_at + HOUR)

    def between(self, since: datetime, until: datetime) -> tuple[Blackout, ...]:
        return self._it.between(since, until)


def test_no_server_begins_that_could_not_be_finished_in_the_window(journal: Journal) -> None:
    """With 12 minutes a server and 15 it may need, four fit into the hour, and the fifth would not."""
    fake = Fake(journal, {}, takes=timedelta(minutes=12))
    found = fake.carry_out(names(6), orders(in_waves(6, most=1), windows=Windows((NIGHT,), ()), needs=15 * 60))

    assert fake.begun == names(4)
    assert {found[name][0] for name in names(6)[4:]} == {SKIPPED}
    assert "night closes at 2026-05-06 23:00 UTC" in found["EX05"][1]
    assert found["EX05"][1].startswith("not begun: ")


@pytest.mark.parametrize(("spare", "begun"), [(0, 1), (-1, 0)])
def test_a_server_that_ends_with_the_window_begins_and_one_a_second_longer_does_not(
    journal: Journal, spare: int, begun: int
) -> None:
    fake = Fake(journal, {})
    fake.carry_out(names(1), orders(in_waves(1), windows=Windows((NIGHT,), ()), needs=3600 - spare))

    assert len(fake.begun) == begun


def test_a_blackout_closes_the_window_early(journal: Journal) -> None:
    windows = Windows((NIGHT,), (Dark(BEGIN + timedelta(minutes=20)),))
    fake = Fake(journal, {}, takes=timedelta(minutes=12))
    found = fake.carry_out(names(3), orders(in_waves(3, most=1), windows=windows, needs=600))

    assert fake.begun == ["EX01"]
    assert "freeze" in found["EX02"][1]


def test_nothing_begins_in_a_closed_window(journal: Journal) -> None:
    fake = Fake(journal, {}, now=BEGIN - HOUR)
    found = fake.carry_out(names(3), orders(in_waves(3), windows=Windows((NIGHT,), ()), needs=1))

    assert fake.begun == []
    assert found["EX01"][1].startswith("not begun: closed: the next opening, of window night")


def test_a_reason_to_work_outside_any_window_is_the_only_way_round(journal: Journal) -> None:
    fake = Fake(journal, {}, now=BEGIN - HOUR)
    windows = Windows((NIGHT,), ())
    fake.carry_out(names(3), orders(in_waves(3), windows=windows, outside="mail is down for the whole of Berlin"))

    assert sorted(fake.begun) == names(3)


def test_the_journals_clock_decides_where_ours_is_wrong(journal: Journal) -> None:
    """Ours says that there is an hour left; the journal's, which all machines share, that there is none."""
    from agent.journal import open_journal

    late = open_journal(journal.where, lambda: BEGIN + HOUR)
    fake = Fake(late, {})
    found = fake.carry_out(names(2), orders(in_waves(2), windows=Windows((NIGHT,), ()), needs=60))
    late.close()

    assert fake.begun == []
    assert found["EX01"][1].startswith("not begun: the change window closed at 2026-05-06 23:00 UTC")


def test_a_server_that_was_admitted_goes_on_past_the_end_of_the_window(journal: Journal) -> None:
    fake = Fake(journal, {"EX01": FAILED}, takes=2 * HOUR)
    found = fake.carry_out(names(2), orders(in_waves(2, canary=0, most=1), windows=Windows((NIGHT,), ()), needs=60))

    assert found["EX01"][0] is FAILED  # it came to its own end
    assert found["EX02"][0] is SKIPPED


def test_without_a_window_there_is_no_cut_off(journal: Journal) -> None:
    fake = Fake(journal, {}, takes=timedelta(days=1))
    found = fake.carry_out(names(3), orders(in_waves(3, most=1)))

    assert {state for state, _ in found.values()} == {CHANGED}
