"""Owns the decision from evidence to causes: ranked, each with what speaks for it, and how sure it is.

What was read from settings, or was said in so many words, is certain; what merely fits is likely, and the table says
what would tell it apart from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent.causes import (
    BROKEN,
    CAUSES,
    END_TO_END,
    EVENTS,
    HOP,
    LINES,
    LOGON,
    READABLE,
    SERVER_EVENTS,
    SIBLINGS,
    Cause,
    Stage,
)
from agent.model import Finding, Probe, Proof, SslFlags, Verdict
from agent.probe.evidence import Evidence


class Certainty(StrEnum):
    """How sure the decoder is."""

    CERTAIN = "certain"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause, how sure it is, and what speaks for it."""

    cause: Cause
    certainty: Certainty
    evidence: tuple[str, ...]


def decode(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """The causes for this proxy and this back-end, best first; none where the path is proved or nothing is wrong."""
    found = _Found(evidence)
    through = evidence.proof(Probe.END_TO_END, evidence.proxy)
    if through and through.verdict is Verdict.GOOD:
        return ()
    for name, words in _settings(evidence):
        found.read(name, words)
    for symptom in _symptoms(evidence):
        found.weigh(symptom)
    return found.ranked()


@dataclass(frozen=True, slots=True)
class _Symptom:
    """What was met, the causes it fits, and the stage that the question began behind: none up to there explains it."""

    fits: tuple[str, ...]
    words: str
    behind: Stage = Stage.HERE


class _Found:
    """The causes so far."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._certain: dict[str, list[str]] = {}
        self._likely: dict[str, list[str]] = {}
        hop = evidence.proof(Probe.HOP, evidence.proxy)
        self._is_passed = hop is not None and hop.verdict is Verdict.GOOD

    def read(self, name: str, words: str) -> None:
        """Read from settings: certain, unless the proxy has just been let past it."""
        if not self._is_disproved(name):
            self._certain.setdefault(name, []).append(words)

    def weigh(self, symptom: _Symptom) -> None:
        """Of a cause that is certain already, of the only one it fits, or of each that it may have."""
        names, words = symptom.fits, symptom.words
        known = [name for name in names if name in self._certain]
        first = min(CAUSES[name].stage for name in names)
        earlier = [name for name in self._certain if symptom.behind < CAUSES[name].stage < first]
        if known or (earlier and len(names) > 1):
            for name in known:
                self._certain[name].append(words)
            return
        left = [name for name in names if not self._is_disproved(name) and not self._is_absent(name)] or list(names)
        held = self._certain if len(left) == 1 else self._likely
        for name in left:
            held.setdefault(name, []).append(words)

    def ranked(self) -> tuple[Diagnosis, ...]:
        """Certain ones first, in the order of a request's way; then the likely ones in the order they fit."""
        if "service-stopped" in self._certain:
            self._certain.pop("site-stopped", None)  # no site runs without the service
        sure = sorted(self._certain, key=lambda name: list(CAUSES).index(name))
        maybe = [name for name in self._likely if name not in self._certain]
        made = [Diagnosis(CAUSES[name], Certainty.CERTAIN, tuple(self._certain[name])) for name in sure]
        made += [Diagnosis(CAUSES[name], Certainty.LIKELY, tuple(self._likely[name])) for name in maybe]
        return tuple(made)

    def _is_disproved(self, name: str) -> bool:
        """The proxy's own question got as far as the logon."""
        return self._is_passed and CAUSES[name].stage in (Stage.NETWORK, Stage.SITE)

    def _is_absent(self, name: str) -> bool:
        """A look at the settings would have shown it."""
        facts = self._evidence.facts
        if name == "block-legacy":
            return facts is not None and facts.blocks_legacy is False
        return self._evidence.finding is not None and name in READABLE


def _settings(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """What stands in settings, whether or not a request has met it yet."""
    if evidence.finding is not None:
        yield from _of_finding(evidence.finding)
    facts = evidence.facts
    if facts is None:
        return
    if facts.blocks_legacy:
        yield "block-legacy", f"web.config of {evidence.proxy} sets BlockLegacyMailboxes"
    if not facts.is_serving:
        yield "proxy-down", f"W3SVC of {evidence.proxy} does not run"
    for each in evidence.admissions:
        if facts.addresses and not any(each.admits(address) for address in facts.addresses):
            yield "address-refused", f"{each.path} does not admit {', '.join(facts.addresses)}"


def _of_finding(finding: Finding) -> Iterator[tuple[str, str]]:
    for vdir in finding.eas:
        words = f"{vdir.path} has AccessSSLFlags {vdir.flags.meaning}"
        for bit, name in (
            (SslFlags.SSL, "ssl-required"),
            (SslFlags.SSL128, "ssl-128-required"),
            (SslFlags.REQUIRE_CERT, "certificate-required"),
        ):
            if vdir.flags & bit:
                yield name, words
    for sibling in finding.siblings:
        if sibling.name in SIBLINGS:
            yield SIBLINGS[sibling.name], sibling.evidence
    if finding.facts.exchange_service_pack < 2:
        yield "service-pack-too-old", f"Exchange 2003 build {finding.facts.exchange_build}"


def _symptoms(evidence: Evidence) -> Iterator[_Symptom]:
    """What was met on the way, each with the causes that it fits; the proxy's own answers before those from here."""
    mine = evidence.proof(Probe.HOP, evidence.proxy)
    through = evidence.proof(Probe.END_TO_END, evidence.proxy)
    if evidence.is_unreachable and mine and mine.cause in ("refused", "timed-out"):
        words = f"no logon came about, and from {evidence.proxy}: {mine.cause}"
        yield _Symptom(("server-down",), words, Stage.PROXY)
    yield from _of_hop(evidence, mine)
    if through and through.verdict is not Verdict.GOOD:
        yield from _through(evidence, through)
    for event in evidence.events:
        if event.id in EVENTS:
            words = f"event {event.id} on {evidence.proxy} at {event.at:%H:%M:%S}"
            yield _Symptom(EVENTS[event.id], words, Stage.PROXY)


def _of_hop(evidence: Evidence, mine: Proof | None) -> Iterator[_Symptom]:
    """The proxy's answer; one from here counts where the proxy got none, or where it shows what a proxy cannot see."""
    others = [evidence.proof(probe, "agent") for probe in (Probe.HOP, Probe.LOGON)]
    failed = [proof for proof in others if proof and proof.verdict is not Verdict.GOOD]
    is_asked = mine is not None and mine.cause in ("", *HOP)
    through = evidence.proof(Probe.END_TO_END, evidence.proxy)
    is_well = mine is not None and mine.verdict is Verdict.GOOD and through is None
    if mine and mine.verdict is not Verdict.GOOD and mine.cause in HOP:
        names, line = _told_by_log(evidence, mine)
        if mine.cause == "timed-out" and any(HOP.get(proof.cause) == BROKEN for proof in failed):
            names = BROKEN  # bytes came here: the port is open
        yield _Symptom(names, _words(mine) + line, Stage.PROXY)
    for proof in failed:
        fits = LOGON.get(proof.cause) or HOP.get(proof.cause)
        if fits and not is_well and (not is_asked or fits == BROKEN or proof.cause in LOGON):
            yield _Symptom(fits, _words(proof), Stage.PROXY)


def _told_by_log(evidence: Evidence, proof: Proof) -> tuple[tuple[str, ...], str]:
    """The causes that an answer fits, and the line it left; where the page does not say which, the log may."""
    names = HOP[proof.cause]
    lines = [line for line in evidence.own_lines if line.status == str(proof.status)]
    words = f"; the server's log has {lines[-1]}" if lines else ""
    told = {LINES[line.status, line.substatus] for line in lines if (line.status, line.substatus) in LINES}
    return (tuple(told) if len(names) > 1 and len(told) == 1 and told <= set(names) else names), words


def _through(evidence: Evidence, proof: Proof) -> Iterator[_Symptom]:
    names = END_TO_END.get(proof.cause, ("proxy-broken",))
    told = {SERVER_EVENTS[event.id]: event for event in evidence.server_events if event.id in SERVER_EVENTS}
    fits = [name for name in names if name in told]
    if proof.cause.startswith("foldersync-5") and fits:
        event = told[fits[0]]
        yield _Symptom((fits[0],), f"event {event.id} of Server ActiveSync at {event.at:%H:%M:%S}")
    yield _Symptom(names, _words(proof))


def _words(proof: Proof) -> str:
    way = f"through {proof.origin}" if proof.probe is Probe.END_TO_END else f"from {proof.origin}"
    return f"{way}: {proof.cause} ({proof.evidence})"


def conclude(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """`decode`, and where it has nothing to say although nothing is proved: why it has not."""
    found = decode(evidence)
    relevant = [
        proof for proof in evidence.proofs if proof.target == evidence.target.name and proof.origin == evidence.proxy
    ]
    if found or any(proof.verdict is Verdict.GOOD for proof in relevant):
        return found
    if evidence.silence:
        words = f"event 1034 cannot be judged for another {evidence.silence:.0f} s"
        return (Diagnosis(CAUSES["throttled-silence"], Certainty.CERTAIN, (words,)),)
    if not evidence.proofs:
        return ()  # nothing was asked, so there is nothing to explain
    raw = tuple(_words(proof) for proof in evidence.proofs)
    return (Diagnosis(CAUSES["unknown"], Certainty.LIKELY, raw),)
