"""Fixtures: a machine of the practice lab, and PowerShell sessions on it."""

from __future__ import annotations

import pytest
from psession import Session

from agent.lab.clock import DrivenClock
from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(auto=True)


@pytest.fixture
def forest(clock: DrivenClock) -> Forest:
    made = Forest(clock)
    made.accounts.add("administrator", "secret", is_admin=True)
    made.accounts.add("clerk", "secret")
    return made


@pytest.fixture
def machine(forest: Forest) -> Machine:
    return exchange_2003("EX01", forest, seed=1)


@pytest.fixture
def session(machine: Machine) -> Session:
    return Session(machine)


@pytest.fixture
def clerk(machine: Machine) -> Session:
    return Session(machine, "LAB\\clerk")


@pytest.fixture
def proxy(forest: Forest) -> Session:
    return Session(client_access("CAS01", forest, seed=1))
