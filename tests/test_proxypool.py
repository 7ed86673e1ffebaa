"""Visits to proxies: few at once, used again, and thrown away when they break."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from finding_nouns import SCRIPTS

from agent import errors
from agent.model import Record, Role, Script, Server
from agent.proxypool import AT_ONCE, ProxyPool
from agent.transport import Arguments

PROXIES = [Server(name, "127.0.0.1", name.lower(), role=Role.PROXY) for name in ("CAS01", "CAS02")]
THREADS = 50


class Hall:
    """Counts the visits that are open and busy at each proxy, and holds the busy ones until the hall is full."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.busy: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.breaking: list[errors.ServerError | RuntimeError] = []
        self.lock = threading.Lock()
        self.crowd: threading.Barrier | None = None

    def __call__(self, server: Server) -> Guest:
        with self.lock:
            self.opened[server.name] += 1
        return Guest(self, server.name)


class Guest:
    """One visit."""

    def __init__(self, hall: Hall, name: str) -> None:
        self._hall = hall
        self._name = name

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        hall = self._hall
        with hall.lock:
            hall.busy[self._name] += 1
            hall.most[self._name] = max(hall.most[self._name], hall.busy[self._name])
        try:
            if hall.crowd is not None:
                hall.crowd.wait(30)
            with hall.lock:
                if hall.breaking:
                    raise hall.breaking.pop(0)
            return [{"Proxy": self._name}]
        finally:
            with hall.lock:
                hall.busy[self._name] -= 1

    def close(self) -> None:
        with self._hall.lock:
            self._hall.closed[self._name] += 1


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def pool(hall: Hall) -> ProxyPool:
    return ProxyPool(hall)


def test_fifty_threads_never_make_more_visits_than_allowed(hall: Hall, pool: ProxyPool) -> None:
    """Each question waits until as many are busy as may be: with fewer at once this would stand still."""
    hall.crowd = threading.Barrier(AT_ONCE * len(PROXIES))
    questions = [PROXIES[number % 2] for number in range(AT_ONCE * len(PROXIES) * 10)]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda proxy: pool.ask(proxy, SCRIPTS["hop"], {}), questions))

    assert [answer[0]["Proxy"] for answer in answers] == [proxy.name for proxy in questions]
    assert hall.most == {"CAS01": AT_ONCE, "CAS02": AT_ONCE}
    assert hall.opened == {"CAS01": AT_ONCE, "CAS02": AT_ONCE}


def test_a_visit_is_used_again(hall: Hall, pool: ProxyPool) -> None:
    for _ in range(5):
        pool.ask(PROXIES[0], SCRIPTS["hop"], {})

    assert hall.opened["CAS01"] == 1
    assert hall.closed["CAS01"] == 0


def test_closing_ends_every_visit(hall: Hall, pool: ProxyPool) -> None:
    for proxy in PROXIES:
        pool.ask(proxy, SCRIPTS["hop"], {})
    pool.close()
    pool.close()

    assert hall.closed == hall.opened


@pytest.mark.parametrize("error", [errors.Unreachable("CAS01", "no"), errors.Denied("CAS01", "no"), RuntimeError("no")])
def test_a_visit_that_broke_is_thrown_away(hall: Hall, pool: ProxyPool, error: errors.ServerError) -> None:
    hall.breaking = [error]
    with pytest.raises(type(error)):
        pool.ask(PROXIES[0], SCRIPTS["hop"], {})
    pool.ask(PROXIES[0], SCRIPTS["hop"], {})

    assert (hall.opened["CAS01"], hall.closed["CAS01"]) == (2, 1)


def test_a_visit_grown_old_is_replaced_within_the_question(hall: Hall, pool: ProxyPool) -> None:
    pool.ask(PROXIES[0], SCRIPTS["hop"], {})
    hall.breaking = [errors.BrokenOff("CAS01", "the shell is gone")]

    assert pool.ask(PROXIES[0], SCRIPTS["hop"], {}) == [{"Proxy": "CAS01"}]
    assert (hall.opened["CAS01"], hall.closed["CAS01"]) == (2, 1)


def test_a_logon_that_was_refused_is_not_tried_again(hall: Hall, pool: ProxyPool) -> None:
    """It could lock the account."""
    pool.ask(PROXIES[0], SCRIPTS["hop"], {})
    hall.breaking = [errors.Denied("CAS01", "no")]

    with pytest.raises(errors.Denied):
        pool.ask(PROXIES[0], SCRIPTS["hop"], {})

    assert hall.opened["CAS01"] == 1


def test_a_broken_visit_makes_room_for_the_next(hall: Hall, pool: ProxyPool) -> None:
    hall.breaking = [errors.BrokenOff("CAS01", "no") for _ in range(AT_ONCE * 3)]
    for _ in range(AT_ONCE * 3):
        with pytest.raises(errors.BrokenOff):
            pool.ask(PROXIES[0], SCRIPTS["hop"], {})

    assert pool.ask(PROXIES[0], SCRIPTS["hop"], {}) == [{"Proxy": "CAS01"}]


def test_a_proxy_is_only_read(hall: Hall, pool: ProxyPool) -> None:
    with pytest.raises(errors.WriteRefused):
        pool.ask(PROXIES[0], SCRIPTS["clear"], {})

    assert hall.most["CAS01"] == 0
