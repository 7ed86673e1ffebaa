"""The grid of four proxies and twenty back-ends over the real wire: `easfix verify` with a test user on each server.

The lab counts at its own side who asks it what at the same time. It holds the first phones until enough of them are
there at once, so that it is proved, and not timed, that the pairs are not asked one after another; `make bench-grid`
tells the seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import yaml
from truth import truth

from agent.cli.main import call
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout
from agent.lab.node import Node
from agent.probe.turns import AT_ONCE
from agent.proxypool import AT_ONCE as VISITS

SERVERS, PROXIES = 20, 4
FAULTS = (
    *("require-ssl@EX01", "require-ssl-128@EX02", "client-certificates@EX03", "inherited-ssl@EX04"),
    *("exchange-vdir-ssl@EX05", "forms-auth@EX06", "basic-only@EX07", "address-refused@EX08"),
    *("no-eas-vdir@EX09", "old-service-pack@EX10", "unreachable@EX11", "http-bad-wbxml@EX12"),
    "block-legacy@CAS04",
)
TOGETHER = 16  # phones that are held until as many are there
PATIENCE = 60.0
Answer = Callable[[Any, Any], Awaitable[Any]]


class Gauge:
    """Counts who is being answered at once, in the lab's own loop; it holds phones until enough have come."""

    def __init__(self) -> None:
        self.phones: Counter[str] = Counter()  # by proxy, at this moment
        self.most_phones: Counter[str] = Counter()
        self.most_in_all = 0
        self.hops: Counter[tuple[str, str]] = Counter()  # by proxy and back-end
        self.most_asked: Counter[str] = Counter()  # questions that a back-end answers at once
        self._asked: Counter[str] = Counter()
        self._enough = asyncio.Event()

    def watch(self, node: Node) -> None:
        """Stand between the listener of this machine and what answers there."""
        answer: Answer = node.web.answer
        name = node.machine.name
        node.web.answer = self._phone(name, answer) if node.is_proxy else self._asks(node, answer)  # type: ignore[method-assign]  # the lab's side is counted, not changed

    def _phone(self, proxy: str, answer: Answer) -> Answer:
        async def answered(request: Any, connection: Any) -> Any:
            self.phones[proxy] += 1
            self.most_phones[proxy] = max(self.most_phones[proxy], self.phones[proxy])
            self.most_in_all = max(self.most_in_all, self.phones.total())
            if self.most_in_all >= TOGETHER:
                self._enough.set()
            try:
                await asyncio.wait_for(self._enough.wait(), PATIENCE / 2)
            except TimeoutError:
                self._enough.set()  # they do not come, and the test says so; nobody else needs to wait
            try:
                return await answer(request, connection)
            finally:
                self.phones[proxy] -= 1

        return answered

    def _asks(self, node: Node, answer: Answer) -> Answer:
        async def answered(request: Any, connection: Any) -> Any:
            name, client = node.machine.name, connection.address
            if client == node.machine.address:  # ActiveSync reads the mailbox through its own /Exchange
                return await answer(request, connection)
            self._asked[name] += 1
            self.most_asked[name] = max(self.most_asked[name], self._asked[name])
            if request.method == "OPTIONS" and (request.header("User-Agent") or "").startswith("easfix-"):
                self.hops[client, name] += 1
            try:
                return await answer(request, connection)
            finally:
                self._asked[name] -= 1

        return answered


class Grid:
    """One run of `easfix verify` over everything, and what the lab saw of it."""

    def __init__(self, fleet: Fleet, gauge: Gauge, document: dict[str, Any]) -> None:
        self.fleet = fleet
        self.gauge = gauge
        self.document = document
        self.cells = {(each["from"], each["to"]): each for each in document["grid"]}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    home = tmp_path_factory.mktemp("grid4x20")
    pace = Pace(warm_up_seconds=0.0, proxy_seconds=2.0)
    with Fleet(SERVERS, PROXIES, FAULTS, seed=1, pace=pace) as fleet:
        gauge = Gauge()
        for node in fleet.nodes.values():
            gauge.watch(node)
        layout = Layout(home)
        layout.write(fleet, 0, "")
        config = home / CONFIG_FILE
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
        settings["verify"] = {**settings.get("verify", {}), "attempts": 1}
        settings["timeouts"] = {**settings.get("timeouts", {}), "probe_seconds": PATIENCE}
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            call(["--config", str(config), "--json", "verify", "--beyond-max-servers"])
        yield Grid(fleet, gauge, json.loads(out.getvalue()))
        layout.remove()


@pytest.mark.timeout(300)
def test_every_pair_has_its_cell_and_nothing_was_left_unread(grid: Grid) -> None:
    names = [f"EX{number:02}" for number in range(1, SERVERS + 1)]
    proxies = [f"CAS{number:02}" for number in range(1, PROXIES + 1)]

    assert set(grid.cells) == {(proxy, name) for name in names for proxy in proxies}
    assert [doubt for doubt in grid.document["not_read"] if not doubt.startswith("EX11")] == []


def test_every_cell_says_what_is_really_so(grid: Grid) -> None:
    wrong = []
    for (proxy, name), cell in grid.cells.items():
        true, hidden = truth(grid.fleet[name], grid.fleet[proxy])
        named = {each["cause"] for each in cell["causes"]}
        certain = {each["cause"] for each in cell["causes"] if each["certainty"] == "certain"}
        well = not true and not hidden
        if not (true <= named and certain <= true | hidden) or (cell["state"] == "works") is not well:
            wrong.append((proxy, name, sorted(true), cell["state"], sorted(named)))

    assert wrong == []


def test_the_pairs_that_are_well_are_proved_from_end_to_end(grid: Grid) -> None:
    works = {pair for pair, cell in grid.cells.items() if cell["state"] == "works"}

    assert works == {(f"CAS{proxy:02}", f"EX{name:02}") for proxy in (1, 2, 3) for name in range(13, 21)}


def test_each_hop_is_asked_once_from_each_proxy_and_from_here(grid: Grid) -> None:
    answered = {name for _, name in grid.gauge.hops}
    asked = {name: {client for client, found in grid.gauge.hops if found == name} for name in answered}

    assert answered == {node.machine.name for node in grid.fleet.servers} - {"EX11"}
    assert {len(clients) for clients in asked.values()} == {PROXIES + 1}
    assert len({client for client, _ in grid.gauge.hops}) == PROXIES + 1


def test_many_phones_are_under_way_at_once_at_the_labs_side_and_few_at_each_server(grid: Grid) -> None:
    gauge = grid.gauge

    assert TOGETHER <= gauge.most_in_all <= PROXIES * AT_ONCE
    assert {name: most for name, most in gauge.most_phones.items() if most > AT_ONCE} == {}
    # Phones through every proxy, the direct logon, the question from here, and a visit's from each proxy.
    assert {name: most for name, most in gauge.most_asked.items() if most > AT_ONCE + PROXIES + 1} == {}
    assert grid.fleet["CAS01"].winrm.service.shells.quotas.shells_per_user > VISITS
