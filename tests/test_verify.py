"""The look afterwards: what all proofs together say, and how patiently the path is asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from finding_nouns import AT, EAS, SCRIPTS, SERVER

from agent import errors
from agent.model import Change, Probe, Proof, Record, Role, Script, Server, SslFlags, Verdict
from agent.proxypool import ProxyPool
from agent.retry import Policy, Questioner
from agent.transport import Arguments, ReadOnly
from agent.verify import PORT, Clocks, Origins, Summary, Verifier, sum_up

CAS01 = Server("CAS01", "127.0.0.1", "cas01.lab.example", role=Role.PROXY)
CAS02 = Server("CAS02", "127.0.0.1", "cas02.lab.example", role=Role.PROXY)
WANTED = [Change(EAS, SslFlags(264), SslFlags(0), is_explicit=True)]
GOOD = {"Kind": "hop", "Status": 401, "Milliseconds": 4, "Authenticate": ["Negotiate", "NTLM"], "Server": "IIS"}


def proof(kind: Probe, verdict: Verdict, origin: str = "agent", cause: str = "") -> Proof:
    return Proof(origin, "EX01", kind, verdict, AT, cause, evidence=f"{kind} {verdict}")


FLAG = {verdict: proof(Probe.METABASE, verdict) for verdict in Verdict}
HOP = {verdict: proof(Probe.HOP, verdict) for verdict in Verdict}
FROM_PROXY = {verdict: proof(Probe.HOP, verdict, "CAS01") for verdict in Verdict}
THROUGH = {verdict: proof(Probe.END_TO_END, verdict, "CAS01") for verdict in Verdict}
OTHER = {verdict: proof(Probe.END_TO_END, verdict, "CAS02") for verdict in Verdict}
NOT_ADMITTED = proof(Probe.HOP, Verdict.BAD, cause="address-refused")
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN

TABLE: list[tuple[list[Proof], Verdict, bool, str]] = [
    ([], G, False, "no origin was configured"),
    ([FLAG[G]], G, False, "no origin was configured"),
    ([FLAG[G], HOP[G]], G, False, "proved from agent"),
    ([FLAG[G], HOP[G], FROM_PROXY[G]], G, False, "proved from agent, CAS01"),
    ([FLAG[G], HOP[U], FROM_PROXY[G]], G, False, "proved from CAS01; from agent: unknown"),
    ([FLAG[G], HOP[U]], U, False, "could not be proved; from agent: unknown"),
    ([FLAG[G], HOP[U], FROM_PROXY[U]], U, False, "could not be proved"),
    ([FLAG[U], HOP[G]], U, False, "could not be proved"),
    ([FLAG[G], HOP[B]], B, False, "from agent: bad"),
    ([FLAG[G], HOP[G], FROM_PROXY[B]], B, False, "from CAS01: bad"),
    ([FLAG[U], HOP[B]], B, False, "from agent: bad"),
    ([FLAG[B], HOP[G]], B, True, "metabase bad"),
    ([FLAG[G], FLAG[B]], B, True, "metabase bad"),
    ([FLAG[B], HOP[B]], B, True, "metabase bad"),
    ([HOP[G]], G, False, "proved from agent"),
    ([FROM_PROXY[G], THROUGH[G]], G, False, "proved from CAS01, end to end through CAS01"),
    ([FROM_PROXY[G], THROUGH[B]], B, False, "end to end through CAS01: bad"),
    ([FROM_PROXY[G], THROUGH[U]], G, False, "end to end through CAS01: unknown"),
    ([FROM_PROXY[G], THROUGH[B], OTHER[G]], G, False, "end to end through CAS01: bad"),
    ([THROUGH[B], OTHER[G]], B, False, "end to end through CAS01: bad"),
    ([FROM_PROXY[G], THROUGH[B], OTHER[B]], B, False, "bad"),
    ([NOT_ADMITTED, FROM_PROXY[G]], G, False, "proved from CAS01"),
    ([NOT_ADMITTED, FROM_PROXY[U]], B, False, "address-refused"),
    ([NOT_ADMITTED], B, False, "address-refused"),
]


@pytest.mark.parametrize(("proofs", "verdict", "is_reverted", "says"), TABLE)
def test_what_all_proofs_say_together(proofs: list[Proof], verdict: Verdict, is_reverted: bool, says: str) -> None:
    found = sum_up(proofs)

    assert (found.verdict, found.is_reverted) == (verdict, is_reverted)
    assert says in found.words


def test_the_order_of_the_proofs_does_not_matter() -> None:
    for proofs, verdict, is_reverted, _ in TABLE:
        found = sum_up(proofs[::-1])

        assert (found.verdict, found.is_reverted) == (verdict, is_reverted)


def test_a_summary_always_has_words() -> None:
    assert all(isinstance(sum_up(proofs), Summary) and sum_up(proofs).words for proofs, *_ in TABLE)


# --- asking ----------------------------------------------------------------------------------------------------------


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds


class Answers:
    """A transport that gives the next answer, or raises it; the last one for ever."""

    def __init__(self, *answers: list[Record] | errors.ServerError) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.asked.append((script.id, dict(arguments)))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, errors.ServerError):
            raise answer
        return answer

    def close(self) -> None: ...


def readback(flags: object, explicit: bool = True, path: str = EAS, **different: Any) -> Record:
    return {"Path": path, "Exists": True, "Flags": flags, "Explicit": explicit, "InheritedFrom": "", **different}


@pytest.fixture
def time() -> Time:
    return Time()


Make = Callable[..., Verifier]


@pytest.fixture
def verifier(time: Time) -> Make:
    def make(proxy: Answers, *proxies: Server, attempts: int = 4, deadline: float = 60.0) -> Verifier:
        policy = Policy(attempts, deadline, first_wait=2.0, longest_wait=8.0)
        questioner = Questioner(policy, time.sleep, time.monotonic, rng=random.Random(1))
        origins = Origins(from_agent=False, proxies=proxies, seconds=15.0)
        pool = ProxyPool(lambda _: proxy)
        return Verifier(pool, SCRIPTS, origins, questioner, Clocks(lambda: AT, time.monotonic))

    return make


def flags_of(verifier: Verifier, *answers: list[Record] | errors.ServerError) -> list[Proof]:
    return verifier.flags(SERVER, ReadOnly(Answers(*answers), "EX01"), WANTED)


@pytest.mark.parametrize(
    ("answer", "verdict", "cause"),
    [
        (readback(0), G, ""),
        (readback(32), G, ""),
        (readback(8), B, "ssl-required"),
        (readback(256), B, "ssl-required"),
        (readback(-2147483640), B, "ssl-required"),
        (readback(0, explicit=False), G, ""),
        (readback(None), B, "directory-missing"),
    ],
)
def test_each_key_is_read_again(verifier: Make, answer: Record, verdict: Verdict, cause: str) -> None:
    (found,) = flags_of(verifier(Answers([])), [answer])

    assert (found.probe, found.verdict, found.cause, found.target) == (Probe.METABASE, verdict, cause, "EX01")


def test_nothing_wanted_is_nothing_asked(verifier: Make) -> None:
    transport = Answers([])

    assert verifier(Answers([])).flags(SERVER, ReadOnly(transport), []) == []
    assert transport.asked == []


def test_flags_that_nobody_could_read_are_not_known(verifier: Make, time: Time) -> None:
    (found,) = flags_of(verifier(Answers([])), errors.Unreachable("EX01", "connection refused"))

    assert (found.verdict, found.cause) == (U, "not-read")
    assert len(time.slept) == 3


def test_flags_are_asked_again_where_the_error_allows_it(verifier: Make, time: Time) -> None:
    (found,) = flags_of(verifier(Answers([])), errors.TimedOut("EX01", "late"), [readback(0)])

    assert found.verdict is G
    assert len(time.slept) == 1


def test_too_few_answers_are_no_proof(verifier: Make) -> None:
    (found,) = flags_of(verifier(Answers([])), [])

    assert found.verdict is U


def test_only_the_proxies_that_lead_to_the_server_are_asked(verifier: Make) -> None:
    proxy = Answers([GOOD])
    found = verifier(proxy, CAS01, CAS02).hops(SERVER)

    assert [each.origin for each in found] == ["CAS01"]
    assert proxy.asked == [
        ("hop", {"Fqdn": "ex01.lab.example", "Port": PORT, "TimeoutSeconds": 15, "Marker": "easfix"})
    ]


def test_a_path_that_warms_up_is_asked_until_it_is_good(verifier: Make, time: Time) -> None:
    cold = {**GOOD, "Status": 503}
    (found,) = verifier(Answers([cold], [cold], [GOOD]), CAS01).hops(SERVER)

    assert (found.verdict, found.attempts) == (G, 3)
    assert len(time.slept) == 2


def test_a_path_that_stays_bad_ends_with_the_attempts(verifier: Make, time: Time) -> None:
    (found,) = verifier(Answers([{**GOOD, "Status": 503}]), CAS01, attempts=4).hops(SERVER)

    assert (found.verdict, found.attempts) == (B, 4)
    assert [1.0 <= wait <= 8.0 for wait in time.slept] == [True, True, True]


def test_a_path_that_stays_bad_ends_with_the_deadline(verifier: Make, time: Time) -> None:
    (found,) = verifier(Answers([{**GOOD, "Status": 503}]), CAS01, attempts=100, deadline=20.0).hops(SERVER)

    assert time.seconds < 20.0
    assert 3 < found.attempts < 20


def test_before_a_change_the_path_is_asked_once(verifier: Make, time: Time) -> None:
    (found,) = verifier(Answers([{**GOOD, "Status": 403}]), CAS01).before(SERVER)

    assert found.attempts == 1
    assert time.slept == []


def test_a_proxy_that_cannot_be_asked_is_not_the_path_being_bad(verifier: Make, time: Time) -> None:
    (found,) = verifier(Answers(errors.Denied("CAS01", "logon refused")), CAS01).hops(SERVER)

    assert (found.verdict, found.cause, found.origin) == (U, "proxy-not-asked", "CAS01")
    assert found.attempts == 1
    assert time.slept == []


def test_a_server_without_proxies_has_no_hops(verifier: Make) -> None:
    assert verifier(Answers([GOOD]), CAS01).hops(replace(SERVER, proxies=())) == []
