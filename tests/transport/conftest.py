from __future__ import annotations

from collections.abc import Iterator

import pytest
from visiting import Visits, eventually, listens

from agent.lab.fleet import Fleet
from agent.lab.winrm.faults import WireFaults
from agent.model import Way


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(servers=4, proxies=0, faults=[], seed=1) as fleet:
        yield fleet


@pytest.fixture(params=[Way.PSRP, Way.WINRM])
def visits(fleet: Fleet, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """By each way in; afterwards the machines are well again."""
    yield from _visits(fleet, request.param)


@pytest.fixture
def psrp(fleet: Fleet) -> Iterator[Visits]:
    """By PowerShell remoting only."""
    yield from _visits(fleet, Way.PSRP)


@pytest.fixture
def automatic(fleet: Fleet) -> Iterator[Visits]:
    """By the way that the server has."""
    yield from _visits(fleet, Way.AUTO)


def _visits(fleet: Fleet, way: Way) -> Iterator[Visits]:
    visits = Visits(fleet, way)
    yield visits
    visits.close()
    well = WireFaults()
    for node in fleet.servers:
        node.wire.set(**{name: getattr(well, name) for name in WireFaults.names()})
        node.machine.set_online(True)
    assert all(eventually(lambda port=node.ports.winrm: listens(port)) for node in fleet.servers)
    fleet.administrator.locked = False
    fleet.administrator.bad_passwords = 0
