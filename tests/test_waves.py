"""The order of a run: canaries alone, waves that grow up to a bound, and the failure that stops it, in words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.waves import Threshold, Wave, ordinal, waves

NAMES = [f"EX{number:02}" for number in range(1, 31)]


def sizes(found: tuple[Wave, ...]) -> list[int]:
    return [len(each.servers) for each in found]


@pytest.mark.parametrize(
    ("servers", "canary", "first", "growth", "most", "expected"),
    [
        (30, 1, 1, 2, 16, [1, 1, 2, 4, 8, 14]),
        (30, 1, 1, 2, 4, [1, 1, 2, 4, 4, 4, 4, 4, 4, 2]),
        (30, 0, 1, 2, 16, [1, 2, 4, 8, 15]),
        (30, 3, 1, 2, 16, [1, 1, 1, 1, 2, 4, 8, 12]),
        (30, 1, 5, 3, 16, [1, 5, 15, 9]),
        (8, 0, 1, 1, 16, [1] * 8),
        (8, 0, 1, 1.5, 16, [1, 1, 2, 3, 1]),
        (8, 0, 5, 2, 2, [2, 2, 2, 2]),
        (2, 5, 1, 2, 16, [1, 1]),
        (1, 0, 16, 10, 16, [1]),
        (0, 1, 1, 2, 16, []),
    ],
)
def test_canaries_go_alone_and_waves_grow_up_to_what_is_allowed(
    servers: int, canary: int, first: int, growth: float, most: int, expected: list[int]
) -> None:
    found = waves(NAMES[:servers], canary, first, growth, most)

    assert sizes(found) == expected
    assert [each.is_canary for each in found] == [number < canary for number in range(len(found))]


@given(
    servers=st.integers(0, 300),
    canary=st.integers(0, 10),
    first=st.integers(1, 300),
    growth=st.floats(1, 10, allow_nan=False),
    most=st.integers(1, 256),
)
def test_every_server_has_one_turn_in_order_and_no_wave_is_too_large(
    servers: int, canary: int, first: int, growth: float, most: int
) -> None:
    names = [str(number) for number in range(servers)]
    found = waves(names, canary, first, growth, most)
    grown = [len(each.servers) for each in found if not each.is_canary]

    assert [name for each in found for name in each.servers] == names
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    assert all(len(each.servers) == 1 for each in found if each.is_canary)
    assert all(0 < size <= most for size in grown)
    assert all(after < (before + 1) * growth for before, after in pairwise(grown))


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (14, "14th"),
        (20, "20th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (24, "24th"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (113, "113th"),
        (121, "121st"),
        (1011, "1011th"),
    ],
)
def test_an_ordinal_is_as_a_person_says_it(number: int, word: str) -> None:
    assert ordinal(number) == word


@pytest.mark.parametrize(
    ("limit", "servers", "count"),
    [
        (1, 30, 1),
        (3, 30, 3),
        (3, 2, 3),
        ("10%", 30, 3),
        ("10%", 31, 4),
        ("10%", 29, 3),
        ("10%", 10, 1),
        ("10%", 5, 1),
        ("1%", 1, 1),
        ("1%", 1000, 10),
        ("33%", 100, 33),
        ("100%", 30, 30),
        ("100%", 1, 1),
        ("100%", 0, 1),
    ],
)
def test_a_percentage_is_the_first_whole_server_at_which_that_share_has_failed(
    limit: int | str, servers: int, count: int
) -> None:
    assert Threshold.of(limit, servers) == Threshold(count)


@given(st.integers(1, 100), st.integers(1, 2000))
def test_a_percentage_neither_stops_before_its_share_nor_after_it(share: int, servers: int) -> None:
    count = Threshold.of(f"{share}%", servers).count

    assert count * 100 >= share * servers
    assert (count - 1) * 100 < share * servers


def test_the_words_are_when_it_stops_and_not_one_later() -> None:
    """Three means the third, where others stop at the fourth: the edge is said, and is so."""
    third = Threshold.of(3, 30)

    assert third.words == "stops when the 3rd server has failed"
    assert [third.is_reached(failed) for failed in (0, 2, 3, 4)] == [False, False, True, True]


def test_who_goes_on_with_a_stopped_run_is_allowed_as_many_again() -> None:
    assert [Threshold(3).beyond(3).is_reached(failed) for failed in (3, 5, 6)] == [False, False, True]
