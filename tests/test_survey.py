"""The grid: four proxies against twenty servers, as much at once as allowed and no more, and a cell for every pair."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from finding_nouns import AT, finding

from agent import errors
from agent.fleet import over
from agent.model import Effect, Probe, Proof, Record, Role, Script, Server, Verdict
from agent.probe.turns import AT_ONCE, Turns
from agent.proxypool import ProxyPool
from agent.survey import CellState, Subject, Surveyor, recorded
from agent.transport import Arguments

NAMES = ("proxy", "events", "addresses", "eas-events", "weblog")
SCRIPTS = {name: Script(name, f"# {name}", Effect.READ, "0" * 64, 60) for name in NAMES}
PROXIES = tuple(Server(f"CAS{number:02}", "127.0.0.1", f"cas{number:02}.x", Role.PROXY) for number in range(1, 5))
SERVERS = tuple(
    Server(f"EX{number:02}", "127.0.0.1", f"ex{number:02}.x", proxies=tuple(proxy.name for proxy in PROXIES))
    for number in range(1, 21)
)
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
PATIENCE = 30.0


class Crowd:
    """Counts who is inside at once, in all and by name. Whoever enters waits until as many are in as can be."""

    def __init__(self, wanted: int) -> None:
        self.most = 0
        self.most_at: Counter[str] = Counter()
        self._inside = 0
        self._at: Counter[str] = Counter()
        self._wanted = wanted
        self._changed = threading.Condition()

    @contextmanager
    def within(self, *names: str) -> Iterator[None]:
        with self._changed:
            self._inside += 1
            self._at.update(names)
            self.most = max(self.most, self._inside)
            for name in names:
                self.most_at[name] = max(self.most_at[name], self._at[name])
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._wanted, PATIENCE)
        yield
        with self._changed:
            self._inside -= 1
            self._at.subtract(names)


def test_a_grid_of_eighty_pairs_is_asked_many_at_once_and_each_server_few() -> None:
    """Thirty-two at once are eight for each of four proxies: the eighty take the time of three, not of eighty."""
    crowd, turns = Crowd(wanted=4 * AT_ONCE), Turns()
    pairs = [(proxy.name, server.name) for server in SERVERS for proxy in PROXIES]

    def ask(pair: tuple[str, str]) -> tuple[str, str]:
        with turns.of(pair[0]), turns.of(pair[1]), crowd.within(*pair):
            return pair

    assert over(pairs, ask, 80) == pairs
    assert crowd.most == 4 * AT_ONCE
    assert {name: most for name, most in crowd.most_at.items() if most > AT_ONCE} == {}
    assert len(crowd.most_at) == 24


class Scripted:
    """A transport whose scripts answer what a test says; it counts who runs what."""

    def __init__(self, ran: Counter[str], answers: dict[str, list[Record]]) -> None:
        self._ran = ran
        self._answers = answers

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self._ran[script.id] += 1
        return self._answers.get(script.id, [])

    def close(self) -> None: ...


class Bench:
    """A surveyor on scripted servers."""

    def __init__(self, **answers: list[Record]) -> None:
        self.ran: Counter[str] = Counter()
        told = {name.replace("_", "-"): records for name, records in answers.items()}
        made = Scripted(self.ran, told)
        self.surveyor = Surveyor(ProxyPool(lambda _: made), lambda _: made, SCRIPTS, lambda: AT)


def proof(server: Server, proxy: Server, verdict: Verdict, cause: str = "", probe: Probe = Probe.END_TO_END) -> Proof:
    return Proof(proxy.name, server.name, probe, verdict, AT, cause, evidence="as seen")


def subjects(*proofs: Proof) -> list[Subject]:
    return [
        Subject(server, finding(), tuple(each for each in proofs if each.target == server.name)) for server in SERVERS
    ]


def test_every_pair_has_a_cell_in_the_order_of_the_servers() -> None:
    cells = Bench().surveyor.grid(subjects(), PROXIES)

    assert [(cell.target, cell.proxy) for cell in cells] == [
        (server.name, proxy.name) for server in SERVERS for proxy in PROXIES
    ]


def test_only_the_proxies_that_lead_to_a_server_have_a_cell() -> None:
    one = Server("EX01", "127.0.0.1", "ex01.x", proxies=("CAS03",))
    cells = Bench().surveyor.grid([Subject(one, finding())], PROXIES)

    assert [(cell.target, cell.proxy) for cell in cells] == [("EX01", "CAS03")]


@pytest.mark.parametrize(
    ("proofs", "state"),
    [
        ([(G, "", Probe.END_TO_END)], CellState.WORKS),
        ([(G, "", Probe.HOP)], CellState.REACHES),
        ([(G, "", Probe.HOP), (B, "foldersync-500", Probe.END_TO_END)], CellState.BROKEN),
        ([(G, "", Probe.HOP), (U, "password-refused", Probe.END_TO_END)], CellState.UNKNOWN),
        ([(G, "", Probe.HOP), (U, "proxy-certificate", Probe.END_TO_END)], CellState.UNKNOWN),
        ([(B, "ssl-required", Probe.HOP)], CellState.BROKEN),
        ([(U, "timed-out", Probe.HOP)], CellState.BROKEN),
        ([(U, "proxy-not-asked", Probe.HOP)], CellState.UNKNOWN),
        ([], CellState.UNKNOWN),
    ],
)
def test_how_it_stands_between_two(proofs: list[tuple[Verdict, str, Probe]], state: CellState) -> None:
    server, proxy = SERVERS[0], PROXIES[0]
    made = tuple(proof(server, proxy, verdict, cause, probe) for verdict, cause, probe in proofs)
    cells = Bench().surveyor.grid([Subject(server, finding(), made)], [proxy])

    assert [cell.state for cell in cells] == [state]


def test_nobody_is_bothered_where_everything_is_proved() -> None:
    bench = Bench()
    proofs = [proof(server, proxy, G) for server in SERVERS for proxy in PROXIES]
    cells = bench.surveyor.grid(subjects(*proofs), PROXIES)

    assert {cell.state for cell in cells} == {CellState.WORKS}
    assert bench.ran == {}


def test_each_proxy_and_each_unclear_server_is_read_once() -> None:
    bench = Bench()
    proofs = [proof(server, proxy, G) for server in SERVERS[:18] for proxy in PROXIES]
    bench.surveyor.grid(subjects(*proofs), PROXIES)

    assert bench.ran == {"proxy": 4, "events": 4, "addresses": 2, "eas-events": 2, "weblog": 2}


def test_what_cannot_be_read_is_a_doubt_and_no_failure() -> None:
    def connect(server: Server) -> Scripted:
        raise errors.Unreachable(server.name, "connection refused")

    surveyor = Surveyor(ProxyPool(connect), connect, SCRIPTS, lambda: AT)
    bad = proof(SERVERS[0], PROXIES[0], B, "ssl-required", Probe.HOP)
    (cell,) = surveyor.grid([Subject(SERVERS[0], finding(), (bad,))], PROXIES[:1])

    assert [each.cause.name for each in cell.diagnoses] == ["ssl-required"]
    assert len(surveyor.doubts) >= 2
    assert all("connection refused" in doubt for doubt in surveyor.doubts)


def test_a_proxys_events_come_as_proofs_that_prove_nothing() -> None:
    event = {"Kind": "event", "Id": 1034, "At": AT.isoformat(), "Message": "timed out", "Host": "ex01.x"}
    other = {**event, "Host": "ex02.x"}
    (cell,) = Bench(events=[event, event, other]).surveyor.grid(subjects()[:1], PROXIES[:1])

    assert [(each.probe, each.cause, each.verdict) for each in cell.events] == [(Probe.EVENTS, "event-1034", U)]
    assert cell.events[0].evidence.startswith("2 since")
    assert cell.events[0].evidence.endswith("UTC; no new one can be written for another 900 s")


def test_an_event_1034_that_is_old_enough_is_not_called_silent() -> None:
    old = {
        "Kind": "event",
        "Id": 1034,
        "At": (AT - timedelta(seconds=901)).isoformat(),
        "Message": "",
        "Host": "ex01.x",
    }
    (cell,) = Bench(events=[old]).surveyor.grid(subjects()[:1], PROXIES[:1])

    assert cell.events[0].evidence.endswith("UTC")


def test_a_silence_that_proves_nothing_is_the_cause_shown_where_nothing_else_is_known() -> None:
    event = {
        "Kind": "event",
        "Id": 1034,
        "At": (AT - timedelta(seconds=100)).isoformat(),
        "Message": "",
        "Host": "ex01.x",
    }
    unasked = proof(SERVERS[0], PROXIES[0], U, "proxy-not-asked", Probe.HOP)
    (cell,) = Bench(events=[event]).surveyor.grid(subjects(unasked)[:1], PROXIES[:1])

    assert [each.cause.name for each in cell.diagnoses] == ["throttled-silence"]
    assert cell.diagnoses[0].evidence == ("event 1034 cannot be judged for another 800 s",)


def test_a_recorded_grid_has_a_cell_for_every_proxy_that_was_asked_and_asks_nobody() -> None:
    bad = proof(SERVERS[0], PROXIES[0], B, "ssl-required", Probe.HOP)
    well = proof(SERVERS[0], PROXIES[1], G, "", Probe.HOP)
    one = Server("EX01", "", "EX01", proxies=("CAS01", "CAS02"))
    cells = recorded([Subject(one, None, (bad, well)), Subject(SERVERS[1], None)])

    assert [(cell.proxy, cell.target, cell.state) for cell in cells] == [
        ("CAS01", "EX01", CellState.BROKEN),
        ("CAS02", "EX01", CellState.REACHES),
    ]
    assert [each.cause.name for each in cells[0].diagnoses] == ["ssl-required"]


def test_before_a_change_nothing_but_settings_is_read() -> None:
    facts = {"Kind": "proxy", "Addresses": ["198.18.0.9"], "WebService": "Running", "BlocksLegacy": True}
    bench = Bench(proxy=[facts])
    cells = bench.surveyor.before(subjects()[:2], PROXIES[:1])

    assert [[each.cause.name for each in cell.diagnoses] for cell in cells] == [["block-legacy"]] * 2
    assert set(bench.ran) == {"proxy", "events", "addresses"}
