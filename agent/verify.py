"""Owns the look afterwards: the flags read back, and the proxy path asked until it answers as it should."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from agent.answers import Answer, each, only
from agent.errors import ServerError, told_by
from agent.model import Change, Probe, Proof, Script, Server, SslFlags, Verdict
from agent.probe import direct, endtoend, hop, probe
from agent.probe.endtoend import Asking
from agent.probe.phone import Phone, Phones
from agent.probe.talk import USER_AGENT
from agent.probe.turns import Turns
from agent.proxypool import ProxyPool
from agent.retry import Questioner
from agent.transport import Arguments, ReadOnly

MOST_END_TO_END = 4
"""Times that one path is asked from end to end, however much patience there is: each one is a logon."""

PATHS = (Probe.HOP, Probe.END_TO_END)
"""What proves the path; the others corroborate."""

PORT = 80
"""The proxy uses no other (domain 1.2), whatever port this machine reaches the back-end at."""


@dataclass(frozen=True, slots=True)
class Origins:
    """From where the back-end is asked."""

    from_agent: bool
    proxies: tuple[Server, ...]
    seconds: float  # for one answer
    phones: Phones | None = None  # None: nobody is asked from end to end
    marker: str = USER_AGENT  # User-Agent of every question: its lines in the web servers' logs are found by it


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time, as arguments."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


class Verifier:
    """Asks about one back-end; holds nothing that can write."""

    def __init__(
        self,
        proxies: ProxyPool,
        scripts: Mapping[str, Script],
        origins: Origins,
        questioner: Questioner,
        clocks: Clocks,
    ) -> None:
        self._proxies = proxies
        self._scripts = scripts
        self._origins = origins
        self._questioner = questioner
        self._clocks = clocks
        self._turns = Turns()

    def flags(self, server: Server, transport: ReadOnly, wanted: Sequence[Change]) -> list[Proof]:
        """Each key as it reads now; bad where it blocks the proxy again, unknown where nobody answers."""
        paths = [change.path for change in wanted]
        if not paths:
            return []
        try:
            found = self._questioner.ask(lambda: transport.run(self._scripts["readback"], {"Path": paths}))
            answers = each(server.name, found, len(paths))
            with told_by(server.name):
                return [self._flag(server, answer) for answer in answers]
        except ServerError as error:
            return [self._proof("agent", server, Verdict.UNKNOWN, f"{paths[0]}: {error.message}", "not-read")]

    def hops(self, server: Server, *, is_before: bool = False) -> list[Proof]:
        """The answers of the proxy path: from here, from each proxy and through it; once only `before` a change."""
        asked = _together([partial(self._ask, each, is_before=is_before) for each in self._questions(server)])
        phone = self._origins.phones.of(server) if self._origins.phones else None
        if phone is None:
            return asked
        return [*asked, *_together(list(self._as_phone(server, phone, asked, is_before=is_before)))]

    def through(self, proxy: Server) -> Verifier:
        """The same questions, asked by way of this proxy alone."""
        origins = replace(self._origins, from_agent=False, proxies=(proxy,))
        return Verifier(self._proxies, self._scripts, origins, self._questioner, self._clocks)

    def before(self, server: Server) -> list[Proof]:
        """The proxy path as it is before anything is written: each question once, no longer than one answer may take.

        What a change mended, and what was broken by something else, is told from these and the proofs afterwards.
        """
        return self.hops(server, is_before=True)

    def _as_phone(
        self, server: Server, phone: Phone, asked: Sequence[Proof], *, is_before: bool
    ) -> Iterable[Callable[[], Proof]]:
        """As the test user: directly, and through each proxy whose own question was not refused.

        Where it was, the cause is known, and another request would only hang in the proxy and write events.
        """
        asking = Asking(self._clocks.now, self._clocks.monotonic, self._origins.seconds, self._origins.marker)
        few = replace(self._questioner.policy, attempts=min(MOST_END_TO_END, self._questioner.policy.attempts))
        questioner = replace(self._questioner, policy=few)
        bad = {proof.origin for proof in asked if proof.probe is Probe.HOP and proof.verdict is Verdict.BAD}
        if self._origins.from_agent and "agent" not in bad:
            yield partial(self._directly, server, phone, asking)
        for proxy in self._origins.proxies:
            if proxy.name in server.proxies and proxy.name not in bad:
                yield partial(self._through, proxy, server, phone, asking, questioner if not is_before else None)

    def _directly(self, server: Server, phone: Phone, asking: Asking) -> Proof:
        with self._turns.of(server.name):
            return direct.direct(server, phone, asking)

    def _through(
        self, proxy: Server, server: Server, phone: Phone, asking: Asking, questioner: Questioner | None
    ) -> Proof:
        attempts = 0

        def once() -> Proof:
            nonlocal attempts
            attempts += 1
            with self._turns.of(proxy.name), self._turns.of(server.name):
                return endtoend.end_to_end(proxy, server, phone, asking)

        is_over = lambda found: found.verdict is Verdict.GOOD or found.cause in endtoend.FINAL  # noqa: E731 - one use
        answer = questioner.ask(once, is_good=is_over) if questioner else once()
        return replace(answer, attempts=attempts)

    def _questions(self, server: Server) -> Iterable[Callable[[], Proof]]:
        clocks, seconds = self._clocks, self._origins.seconds
        if self._origins.from_agent:
            yield lambda: probe(server, clocks.now, clocks.monotonic, seconds=seconds, marker=self._origins.marker)
        for proxy in self._origins.proxies:
            if proxy.name in server.proxies:
                yield lambda proxy=proxy: self._from_proxy(proxy, server)  # type: ignore[misc]  # bound per turn

    def _ask(self, question: Callable[[], Proof], *, is_before: bool) -> Proof:
        """Put the question until the answer is good or the patience ends; the last answer counts."""
        attempts = 0

        def once() -> Proof:
            nonlocal attempts
            attempts += 1
            return question()

        answer = once() if is_before else self._questioner.ask(once, is_good=lambda found: _is_final(found))
        return replace(answer, attempts=attempts)

    def _from_proxy(self, proxy: Server, server: Server) -> Proof:
        seconds = int(self._origins.seconds)
        marker = self._origins.marker
        arguments: Arguments = {"Fqdn": server.fqdn, "Port": PORT, "TimeoutSeconds": seconds, "Marker": marker}
        try:
            record = only(proxy.name, self._proxies.ask(proxy, self._scripts["hop"], arguments))
            with told_by(proxy.name):
                return hop(proxy.name, server.name, record, self._clocks.now())
        except ServerError as error:
            return self._proof(proxy.name, server, Verdict.UNKNOWN, error.message, "proxy-not-asked", Probe.HOP)

    def _flag(self, server: Server, answer: Answer) -> Proof:
        path, value = str(answer["Path"]), answer["Flags"]
        if not isinstance(value, int):
            return self._proof("agent", server, Verdict.BAD, f"{path} is not there any more", "directory-missing")
        flags = SslFlags.of(value)
        held = "its own" if answer["Explicit"] is True else f"inherited from {answer['InheritedFrom'] or 'the default'}"
        verdict, cause = (Verdict.BAD, "ssl-required") if flags.blocks_proxy else (Verdict.GOOD, "")
        return self._proof("agent", server, verdict, f"{path} reads {flags.meaning} ({held})", cause)

    def _proof(
        self, origin: str, server: Server, verdict: Verdict, evidence: str, cause: str, kind: Probe = Probe.METABASE
    ) -> Proof:
        return Proof(origin, server.name, kind, verdict, self._clocks.now(), cause, evidence=evidence)


def _together(questions: Sequence[Callable[[], Proof]]) -> list[Proof]:
    """All answers in the order of the questions, in the time of the slowest; each origin is asked one thing."""
    if len(questions) < 2:
        return [question() for question in questions]
    with ThreadPoolExecutor(len(questions), thread_name_prefix="path") as pool:
        return [each.result() for each in [pool.submit(question) for question in questions]]


def _is_final(found: Proof) -> bool:
    """Good, or a proxy that could not be asked, which the transport has tried already."""
    return found.verdict is Verdict.GOOD or found.cause == "proxy-not-asked"


@dataclass(frozen=True, slots=True)
class Summary:
    """What all proofs together say about a server, and in which words."""

    verdict: Verdict
    words: str
    is_reverted: bool = False


def sum_up(proofs: Sequence[Proof]) -> Summary:
    """One bad answer is bad; good needs a good answer of the path; a path that nobody could ask is unknown."""
    flags = [proof for proof in proofs if proof.probe is Probe.METABASE]
    paths = [
        proof for proof in proofs if proof.probe in (Probe.HOP, Probe.END_TO_END) and not _is_beside(proof, proofs)
    ]
    if back := [proof for proof in flags if proof.verdict is Verdict.BAD]:
        return Summary(Verdict.BAD, "; ".join(proof.evidence for proof in back), is_reverted=True)
    if bad := [proof for proof in paths if proof.verdict is Verdict.BAD and not _is_the_proxys(proof, proofs)]:
        return Summary(Verdict.BAD, "; ".join(_words(proof) for proof in bad))
    good = [proof for proof in paths if proof.verdict is Verdict.GOOD]
    unsure = [proof for proof in (*flags, *paths) if proof.verdict is not Verdict.GOOD]
    doubts = "".join(f"; {_words(proof)}" for proof in unsure)
    if any(proof.verdict is Verdict.UNKNOWN for proof in flags) or (paths and not good):
        return Summary(Verdict.UNKNOWN, f"the proxy path could not be proved{doubts}")
    if not paths:
        return Summary(Verdict.GOOD, "the flags read back as they should; no origin was configured to ask the path")
    origins = dict.fromkeys(_origin(proof) for proof in good)
    return Summary(Verdict.GOOD, f"proved from {', '.join(origins)}{doubts}")


def _origin(proof: Proof) -> str:
    return f"end to end through {proof.origin}" if proof.probe is Probe.END_TO_END else proof.origin


def _is_the_proxys(proof: Proof, proofs: Sequence[Proof]) -> bool:
    """Bad through this proxy although its own question is answered well, and good through another: not the server."""
    if proof.probe is not Probe.END_TO_END:
        return False
    good = {(each.probe, each.origin) for each in proofs if each.verdict is Verdict.GOOD}
    elsewhere = any(kind is Probe.END_TO_END and origin != proof.origin for kind, origin in good)
    return elsewhere and (Probe.HOP, proof.origin) in good


def _is_beside(proof: Proof, proofs: Sequence[Proof]) -> bool:
    """This machine is not admitted and a proxy is: the directory is limited to the proxies (domain 8.1)."""
    is_refused = proof.origin == "agent" and proof.cause == "address-refused"
    return is_refused and any(
        each.probe is Probe.HOP and each.origin != "agent" and each.verdict is Verdict.GOOD for each in proofs
    )


def _words(proof: Proof) -> str:
    return f"from {_origin(proof)}: {proof.cause or proof.verdict} ({proof.evidence})"
