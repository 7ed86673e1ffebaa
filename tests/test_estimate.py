"""The arithmetic of a window: what one server takes, from defaults or from history, and which servers do not fit."""

from datetime import timedelta

import pytest

from agent.config import Config
from agent.estimate import Estimate, estimate, fits
from agent.waves import Wave, waves

ONE = Estimate(600, "from defaults")


def names(count: int) -> list[str]:
    return [f"EX{number:02}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({}, 60 + 630 + 180 + 60),
        ({"restart": {"deadline_seconds": 200}}, 60 + 230 + 180 + 60),
        ({"restart": {"method": "recycle"}}, 60 + 40 + 180 + 60),
        ({"restart": {"method": "none"}}, 60 + 180 + 60),
        ({"run": {"on_failure": "leave"}}, 60 + 630 + 180),
        ({"verify": {"deadline_seconds": 300}}, 60 + 630 + 300 + 60),
        ({"retry": {"deadline_seconds": 30}}, 30 + 630 + 180 + 30),
    ],
)
def test_without_a_history_each_stage_may_take_its_deadline(values: dict[str, object], seconds: float) -> None:
    found = estimate(Config.model_validate(values), [1.0, 2.0, 3.0, 4.0])

    assert (found.seconds, found.basis) == (seconds, "from defaults")


@pytest.mark.parametrize(
    ("measured", "percentile"),
    [
        ([100.0] * 5, 100),
        ([10, 20, 30, 40, 50], 50),
        ([10, 20, 30, 40, 50, 60, 70, 80, 90, 1000], 90),  # one in ten does not decide
        ([float(each) for each in range(1, 201)], 180),
    ],
)
def test_with_a_history_the_slow_ones_decide(measured: list[float], percentile: float) -> None:
    found = estimate(Config(), measured[::-1])

    assert found.seconds == percentile * 1.25 + 180 + 60
    assert found.basis == f"from the last {len(measured)} servers of this journal"


def test_the_words_say_what_they_rest_on() -> None:
    assert estimate(Config(), []).words == "16 minutes a server: from defaults"
    assert estimate(Config(), [100.0] * 37).words == "7 minutes a server: from the last 37 servers of this journal"


@pytest.mark.parametrize(
    ("servers", "minutes", "reached"),
    [
        (0, 60, 0),
        (1, 10, 1),
        (1, 9, 0),
        (5, 0, 0),
        (5, -5, 0),
        (16, 10, 1),  # the canary
        (16, 20, 2),
        (16, 39, 4),  # 1, 1, 2
        (16, 50, 12),  # 1, 1, 2, 4, 4: never more than four at once
        (16, 60, 16),
    ],
)
def test_a_server_is_reached_when_it_can_be_finished(servers: int, minutes: int, reached: int) -> None:
    found = fits(waves(names(servers), concurrency=4), 4, ONE, timedelta(minutes=minutes))

    assert found.reached == tuple(names(servers)[:reached])
    assert found.not_reached == tuple(names(servers)[reached:])


def test_a_wave_larger_than_the_concurrency_takes_several_turns() -> None:
    found = fits([Wave(1, tuple(names(5)))], 2, ONE, timedelta(minutes=20))

    assert found.reached == tuple(names(4))


def test_without_an_end_everything_is_reached() -> None:
    found = fits(waves(names(100)), 16, ONE, None)

    assert not found.not_reached
    assert found.seconds == 600 * 11
    assert found.words == "100 servers take 1 hour 50 minutes at the longest (10 minutes a server: from defaults)"


@pytest.mark.parametrize(
    ("servers", "minutes", "words"),
    [
        (1, 60, "1 server takes 10 minutes at the longest (10 minutes a server: from defaults), and the window "
                "has 1 hour left"),
        (3, 25, "1 of 3 servers will not be reached with 25 minutes left (10 minutes a server: from "
                "defaults): EX03"),
        (20, 12, "19 of 20 servers will not be reached with 12 minutes left (10 minutes a server: from "
                 "defaults): EX02, EX03, EX04, EX05, EX06, EX07, EX08, EX09, EX10, EX11 and 9 more"),
        (3, 9, "no server can be finished with 9 minutes left (10 minutes a server: from defaults)"),
        (3, -9, "no server can be finished with less than a minute left (10 minutes a server: from defaults)"),
    ],
)  # fmt: skip
def test_what_is_not_reached_is_said_with_its_names(servers: int, minutes: int, words: str) -> None:
    assert fits(waves(names(servers)), 16, ONE, timedelta(minutes=minutes)).words == words
