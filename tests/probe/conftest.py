from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from httpd import Place, Start
from loopback import Listener, Ticking
from phones import Sights

from agent.lab.fleet import Fleet, Pace


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Start a server; `hold` keeps the connection open after the last piece."""
    listeners: list[Listener] = []

    def start(*pieces: bytes, hold: bool = False, endless: Iterable[bytes] | None = None) -> Listener:
        listeners.append(Listener(endless if endless is not None else pieces, hold=hold))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
def still() -> Ticking:
    return Ticking()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two servers behind two proxies, all well."""
    with Fleet(2, 2, ["healthy@EX01"], seed=1, pace=Pace(warm_up_seconds=0.0, proxy_seconds=1.0)) as made:
        yield made


@pytest.fixture
def sights(fleet: Fleet, tmp_path: Path) -> Iterator[Sights]:
    """Ways to ask it; every fault is undone afterwards."""
    yield Sights(fleet, tmp_path)
    for name in fleet.nodes:
        fleet.fault(f"healthy@{name}")
    for name, user in fleet.phones.items():
        user.mailbox_server, user.expired, user.disabled = name, False, False


@pytest.fixture
def httpd() -> Iterator[Start]:
    """Start Apache with these rules for the ActiveSync directory."""
    place = Place()
    yield place.start
    place.close()
