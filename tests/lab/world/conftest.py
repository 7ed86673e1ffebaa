"""Fixtures of the world's tests: a clock that moves along by itself, a forest, one default mailbox server."""

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(auto=True)


@pytest.fixture
def forest(clock: DrivenClock) -> Forest:
    return Forest(clock)


@pytest.fixture
def machine(forest: Forest) -> Machine:
    return exchange_2003("EX01", forest, seed=1)
