"""One run over many servers: order kept, as many at once as allowed, a server's failure is data, a stop is heeded."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest
from finding_nouns import AT, SCRIPTS, SERVER, record_of

from agent import errors
from agent.fleet import Looker, over
from agent.model import Record, Script, Server
from agent.notice import Notice
from agent.retry import Policy, Questioner
from agent.transport import Arguments

SERVERS = [replace(SERVER, name=f"EX{number:02}") for number in range(1, 9)]


def test_results_come_in_the_order_of_the_items() -> None:
    barrier = threading.Barrier(4)

    def work(number: int) -> int:
        barrier.wait(30)  # all four are at it together
        return number * 10

    assert over([3, 1, 2, 0], work, 4) == [30, 10, 20, 0]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_at_once_than_allowed(concurrency: int) -> None:
    lock, barrier = threading.Lock(), threading.Barrier(concurrency)
    busy, most = 0, 0

    def work(_: int) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        barrier.wait(30)
        with lock:
            busy -= 1

    over(range(concurrency * 5), work, concurrency)

    assert most == concurrency


def test_nothing_at_all_is_nothing() -> None:
    assert over([], lambda item: item, 4) == []


def test_after_a_defect_nothing_new_begins() -> None:
    begun: list[int] = []
    both = threading.Barrier(2)

    def work(number: int) -> None:
        begun.append(number)
        both.wait(30)
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        over(range(200), work, 2)

    assert sorted(begun) == [0, 1]


class Town:
    """Servers of which some cannot be reached."""

    def __init__(self, **broken: errors.ServerError) -> None:
        self.broken = broken
        self.visited: list[str] = []
        self.left: list[str] = []

    def __call__(self, server: Server) -> House:
        return House(self, server.name)


class House:
    def __init__(self, town: Town, name: str) -> None:
        self._town = town
        self._name = name

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self._town.visited.append(self._name)
        if self._name in self._town.broken:
            raise self._town.broken[self._name]
        return [record_of("server", Computer=self._name)]

    def close(self) -> None:
        self._town.left.append(self._name)


def looker(town: Town, heard: list[Notice], stop: threading.Event) -> Looker:
    questioner = Questioner(Policy(attempts=3), lambda _: None, lambda: 0.0, rng=random.Random(1))
    return Looker(town, SCRIPTS["detect"], questioner, lambda: AT, stop.is_set, heard.append)


def test_a_server_that_cannot_be_looked_at_does_not_stop_the_others() -> None:
    town = Town(EX02=errors.Unreachable("EX02", "connection refused"), EX03=errors.Denied("EX03", "logon refused"))
    heard: list[Notice] = []
    found = over(SERVERS, looker(town, heard, threading.Event()).one, 3)

    assert [each.server.name for each in found] == [each.name for each in SERVERS]
    assert {each.server.name for each in found if each.error} == {"EX02", "EX03"}
    assert all((each.finding is None) != (each.error is None) for each in found)
    assert {each.server for each in heard if each.event == "server.failed"} == {"EX02", "EX03"}


def test_a_question_is_put_again_but_a_refused_logon_is_not() -> None:
    town = Town(EX02=errors.Unreachable("EX02", "connection refused"), EX03=errors.Denied("EX03", "logon refused"))
    over(SERVERS, looker(town, [], threading.Event()).one, 1)

    assert (town.visited.count("EX02"), town.visited.count("EX03")) == (3, 1)


def test_every_visit_is_ended() -> None:
    town = Town(EX02=errors.BadAnswer("EX02", "no sense"))
    over(SERVERS, looker(town, [], threading.Event()).one, 2)

    assert sorted(town.left) == [each.name for each in SERVERS]


def test_after_a_stop_no_other_server_is_visited() -> None:
    town, stop = Town(), threading.Event()

    def listen(notice: Notice) -> None:
        if (notice.server, notice.event) == ("EX02", "server.found"):
            stop.set()

    questioner = Questioner(Policy(), lambda _: None, lambda: 0.0)
    found = over(SERVERS, Looker(town, SCRIPTS["detect"], questioner, lambda: AT, stop.is_set, listen).one, 1)

    assert town.visited == ["EX01", "EX02"]
    assert {each.server.name for each in found if isinstance(each.error, errors.Interrupted)} == {
        each.name for each in SERVERS[2:]
    }
