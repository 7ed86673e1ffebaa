"""What is said of a run before it begins: who goes first, and how many follow."""

from __future__ import annotations

import pytest

from agent.cli.conduct import order
from agent.waves import waves


@pytest.mark.parametrize(
    ("servers", "canary", "words"),
    [
        (1, 1, "EX1 alone (canary)"),
        (1, 0, "1 server at a time"),
        (2, 1, "EX1 alone (canary), then 1 server at a time"),
        (8, 1, "EX1 alone (canary), then 1, 2, 4 servers at a time"),
        (4, 2, "EX1, then EX2 alone (canaries), then 1, 1 servers at a time"),
        (0, 1, ""),
    ],
)
def test_the_order_is_said_as_it_will_be(servers: int, canary: int, words: str) -> None:
    assert order(waves([f"EX{number}" for number in range(1, servers + 1)], canary)) == words
