"""A run over many servers: the canary first, waves one after another, and nothing begins once something speaks against.

The table goes through every combination of canary, waves, limits, thresholds and unreachable servers, against an
account of what must happen that knows nothing of threads, journals or waves as the program has them (ansible#56265,
salt#54521, salt#33773: each of these once stopped a stop from working).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import pytest
from campaign_nouns import FAILED, SKIPPED, Fake, in_waves, journal_in, names, orders

from agent.journal import Journal
from agent.model import ServerState
from agent.waves import Threshold, waves

FAILURES = (
    FAILED,
    ServerState.UNREACHABLE,
    ServerState.UNKNOWN,
    ServerState.REVERTED,
    ServerState.ROLLED_BACK,
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with journal_in(tmp_path_factory.mktemp("campaign")) as journal:
        yield journal


@dataclass(frozen=True)
class Case:
    """One combination."""

    canary: int
    first: int
    growth: float
    most: int
    limit: int | str
    unreachable: int  # so many could not be looked at when it was planned
    bad: tuple[int, ...]  # places of those that fail, among those that are to be changed
    servers: int = 7

    def account(self) -> tuple[list[str], bool]:
        """Who begins, and whether the run comes to its end, counted with fingers."""
        every = names(self.servers)
        rest, failed = every[self.unreachable :], self.unreachable
        share = int(str(self.limit).removesuffix("%")) / 100 * self.servers
        most = share if isinstance(self.limit, str) else self.limit
        bad = {rest[place] for place in self.bad if place < len(rest)}
        begun: list[str] = []
        exact = float(self.first)
        while rest and failed < most:
            is_canary = len(begun) < self.canary
            size = 1 if is_canary else int(min(exact, self.most))
            wave, rest = rest[:size], rest[size:]
            begun += wave
            failed += len(bad & set(wave))
            if is_canary and bad & set(wave):
                return begun, False
            exact *= 1 if is_canary else self.growth
        return begun, not rest


LIMITS = (1, 3, "10%", "34%", "100%")


@pytest.mark.parametrize("limit", LIMITS)
def test_every_combination_begins_whom_it_may_and_nobody_else(journal: Journal, limit: int | str) -> None:
    combinations = product((0, 1, 2), (1, 3), (2.0,), (1, 4), (limit,), (0, 2), ((), (0,), (1, 2, 4)))
    for number, each in enumerate(combinations):
        case = Case(*each)
        every = names(case.servers)
        gone, rest = every[: case.unreachable], every[case.unreachable :]
        bad = [rest[place] for place in case.bad if place < len(rest)]
        ends = {name: FAILURES[(number + at) % len(FAILURES)] for at, name in enumerate(bad)}
        found = waves(rest, case.canary, case.first, case.growth, case.most)
        fake = Fake(journal, ends, is_in_step=True)
        count = Threshold.of(case.limit, case.servers).count
        states = fake.carry_out(every, orders(found, count), gone, run=f"table-{limit}-{number}")
        expected, is_whole = case.account()

        assert sorted(fake.begun) == sorted(expected), case
        assert is_whole == (SKIPPED not in {state for state, _ in states.values()}), case
        assert all(reason for _, reason in states.values()), case
        skipped = {reason for state, reason in states.values() if state is SKIPPED}
        assert all(reason.startswith("not begun: ") for reason in skipped), (case, skipped)
        assert max(fake.together, default=0) <= case.most, case


def test_a_canary_that_fails_stops_the_run_whatever_the_threshold(journal: Journal) -> None:
    fake = Fake(journal, {"EX01": ServerState.ROLLED_BACK})
    found = fake.carry_out(names(5), orders(in_waves(5)), run="canary")

    assert fake.begun == ["EX01"]
    assert found["EX05"] == (SKIPPED, "not begun: the canary EX01 failed, and the run stops there")


def test_a_canary_that_was_skipped_has_proved_nothing_and_the_next_server_goes_alone(journal: Journal) -> None:
    """A canary flag that can be ignored is worse than none (salt#33773)."""
    fake = Fake(journal, {"EX01": SKIPPED, "EX02": FAILED})
    found = fake.carry_out(names(6), orders(in_waves(6, first=3)), run="stand-in")

    assert fake.begun == ["EX01", "EX02"]
    assert found["EX03"] == (SKIPPED, "not begun: the canary EX02 failed, and the run stops there")


def test_a_run_of_nothing_but_skipped_canaries_goes_one_by_one(journal: Journal) -> None:
    fake = Fake(journal, dict.fromkeys(names(4), SKIPPED))
    fake.carry_out(names(4), orders(in_waves(4, first=4)), run="alone")

    assert fake.begun == names(4)
    assert set(fake.together) == {1}


def test_who_stops_says_when_and_names_those_that_failed(journal: Journal) -> None:
    fake = Fake(journal, {"EX01": FAILED, "EX02": ServerState.UNREACHABLE})
    found = fake.carry_out(names(5), orders(in_waves(5, canary=0, most=1), 2), run="words")

    assert found["EX03"] == (
        SKIPPED,
        "not begun: the run stops when the 2nd server has failed, and failed have EX01, EX02",
    )


def test_servers_that_nobody_reached_beforehand_count(journal: Journal) -> None:
    """ansible#18721 and its like: a host that does not answer is a failure, also before anything begins."""
    fake = Fake(journal, {})
    found = fake.carry_out(names(5), orders(in_waves(5)[2:], 2), names(2), run="before")

    assert fake.begun == []
    assert found["EX04"][1].startswith("not begun: the run stops when the 2nd server has failed")


def test_skipped_and_right_servers_are_no_failures(journal: Journal) -> None:
    fake = Fake(journal, {"EX02": SKIPPED, "EX03": ServerState.RIGHT})
    fake.carry_out(names(5), orders(in_waves(5), 1), run="harmless")

    assert sorted(fake.begun) == names(5)


@pytest.mark.parametrize("state", [ServerState.REVERTED, FAILED, ServerState.UNKNOWN])
def test_a_server_that_is_not_well_between_two_waves_counts_as_failed(journal: Journal, state: ServerState) -> None:
    fake = Fake(journal, {}, sick={"EX02": state})
    found = fake.carry_out(names(6), orders(in_waves(6), 1), run=f"sick-{state}")

    assert fake.begun == ["EX01", "EX02"]
    assert found["EX02"] == (state, "not well any more")
    assert found["EX03"][1].endswith("failed have EX02")


def test_each_wave_is_looked_at_before_the_next_begins_and_the_last_needs_no_look(journal: Journal) -> None:
    fake = Fake(journal, {})
    fake.carry_out(names(4), orders(in_waves(4)), run="gate")

    assert sorted(fake.checked) == names(2)


def stop_after(fake: Fake, count: int) -> None:
    fake.stopping = lambda: "stopped by the stop file stop" if len(fake.begun) >= count else ""


def test_who_is_stopped_leaves_the_rest_for_resume(journal: Journal) -> None:
    fake = Fake(journal, {})
    stop_after(fake, 2)
    found = fake.carry_out(names(4), orders(in_waves(4)), run="stopped")

    assert fake.begun == ["EX01", "EX02"]
    assert {found[name] for name in ("EX03", "EX04")} == {(SKIPPED, "stopped by the stop file stop before it began")}


def test_resume_takes_up_exactly_those_that_did_not_begin(journal: Journal) -> None:
    from agent.outcome import is_to_come

    fake = Fake(journal, {"EX02": FAILED, "EX01": SKIPPED})
    fake.carry_out(names(4), orders(in_waves(4, canary=0, most=1), 1), run="to-come")

    assert fake.begun == ["EX01", "EX02"]
    assert [each.name for each in journal.run("to-come").servers if is_to_come(each)] == ["EX03", "EX04"]


def begun_after_resume(journal: Journal, run: str, ends: dict[str, ServerState], failed: Sequence[str]) -> list[str]:
    fake = Fake(journal, ends)
    every = names(6)
    rest = [name for name in every if name not in failed]
    limit = Threshold(2).beyond(len(failed)).count
    fake.carry_out(every, orders(waves(rest, 0, 1, 2, 1), limit), failed, run=run)
    return fake.begun


def test_who_goes_on_after_the_threshold_may_fail_as_often_again(journal: Journal) -> None:
    assert begun_after_resume(journal, "on-1", {}, names(2)) == names(6)[2:]
    assert begun_after_resume(journal, "on-2", {"EX03": FAILED, "EX04": FAILED}, names(2)) == ["EX03", "EX04"]
