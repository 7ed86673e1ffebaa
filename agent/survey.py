"""Owns the grid: every proxy against every back-end, what was proved, and the causes where it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from agent.causes import Stage
from agent.decoder import Certainty, Diagnosis, conclude
from agent.errors import ServerError, told_by
from agent.model import Finding, Probe, Proof, Record, Script, Server, Verdict
from agent.probe import evidence as known
from agent.probe.evidence import Evidence
from agent.probe.talk import USER_AGENT
from agent.proxypool import ProxyPool
from agent.transport import Arguments, Connect, ReadOnly

T = TypeVar("T")
Ask = Callable[[str, Arguments], list[Record]]
LOOK_BACK = 3600
"""Seconds of a proxy's events that are looked at; older ones tell of another day."""

LINES: Arguments = {"Marker": USER_AGENT, "Most": 40}
"""Of one server's log: a few lines for each proxy that asked, of this command and of those before."""


WARNINGS = frozenset({"service-pack-too-old"})
"""Causes that stand in the settings and need not break anything: a guard that the operator can override."""


class CellState(StrEnum):
    """How it stands between one proxy and one back-end."""

    WORKS = "works"  # proved from end to end
    REACHES = "reaches"  # the proxy's own question is answered well; nobody asked as a phone
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cell:
    """One proxy and one back-end."""

    proxy: str
    target: str
    state: CellState
    diagnoses: tuple[Diagnosis, ...] = ()
    events: tuple[Proof, ...] = ()  # what the proxy wrote about the back-end, as corroboration


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known about a back-end already."""

    server: Server
    finding: Finding | None
    proofs: tuple[Proof, ...] = ()
    is_unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Gathers what else speaks for a cause, and decides. It holds nothing that can write."""

    pool: ProxyPool
    connect: Connect
    scripts: Mapping[str, Script]
    now: Callable[[], datetime]
    concurrency: int = 16
    marker: str = USER_AGENT  # of the questions whose lines are looked for in the servers' logs
    doubts: list[str] = field(default_factory=list)  # what could not be gathered, in words

    def grid(self, subjects: Sequence[Subject], proxies: Sequence[Server]) -> list[Cell]:
        """A cell for each proxy that leads to each back-end."""
        pairs = [(proxy, each) for each in subjects for proxy in proxies if proxy.name in each.server.proxies]
        asked = [proxy for proxy in proxies if any(proxy.name in each.server.proxies for each in subjects)]
        unclear = [each for each in subjects if not all(_is_proved(each, name) for name in each.server.proxies)]
        about_proxies = dict(self._each(asked if unclear else [], self._of_proxy))
        about_servers = dict(self._each([each.server for each in unclear if each.finding], self._of_server))
        return [_cell(self._evidence(proxy, each, about_proxies, about_servers)) for proxy, each in pairs]

    def before(self, subjects: Sequence[Subject], proxies: Sequence[Server]) -> list[Cell]:
        """What settings tell before a change: those of the back-end, and of the proxies; nothing is asked over HTTP."""
        pairs = [(proxy, each) for each in subjects for proxy in proxies if proxy.name in each.server.proxies]
        asked = [proxy for proxy in proxies if any(proxy.name in each.server.proxies for each in subjects)]
        about_proxies = dict(self._each(asked, self._of_proxy))
        about_servers = dict(self._each([each.server for each in subjects if each.finding], self._of_directory))
        found = [self._evidence(proxy, each, about_proxies, about_servers) for proxy, each in pairs]
        return [_cell(replace(each, events=())) for each in found]

    def _evidence(
        self,
        proxy: Server,
        subject: Subject,
        about_proxies: Mapping[str, tuple[known.ProxyFacts | None, tuple[known.Event, ...]]],
        about_servers: Mapping[str, _AboutServer],
    ) -> Evidence:
        facts, events = about_proxies.get(proxy.name, (None, ()))
        about = about_servers.get(subject.server.name, _AboutServer())
        return Evidence(
            proxy=proxy.name,
            target=subject.server,
            at=self.now(),
            finding=subject.finding,
            is_unreachable=subject.is_unreachable,
            proofs=subject.proofs,
            facts=facts,
            admissions=about.admissions,
            events=known.about(events, subject.server),
            server_events=about.events,
            lines=about.lines,
        )

    def _of_proxy(self, proxy: Server) -> tuple[known.ProxyFacts | None, tuple[known.Event, ...]]:
        ask = self._asker(proxy, lambda script, arguments: self.pool.ask(proxy, script, arguments))
        try:
            with told_by(proxy.name):
                told = (known.facts_of(record) for record in ask("proxy", {}) if record.get("Kind") == "proxy")
                return next(told, None), known.events_of(ask("events", {"SecondsAgo": LOOK_BACK}))
        except ServerError as error:
            self.doubts.append(f"{proxy.name}: {error.message}")
            return None, ()

    def _of_server(self, server: Server) -> _AboutServer:
        return self._read(
            server,
            lambda ask: _AboutServer(
                known.admissions_of(ask("addresses", {})),
                known.events_of(ask("eas-events", {"SecondsAgo": LOOK_BACK})),
                known.left_by(
                    self.marker, known.lines_of(ask("weblog", LINES)), self.now() - timedelta(seconds=LOOK_BACK)
                ),
            ),
        )

    def _of_directory(self, server: Server) -> _AboutServer:
        return self._read(server, lambda ask: _AboutServer(known.admissions_of(ask("addresses", {}))))

    def _read(self, server: Server, work: Callable[[Ask], _AboutServer]) -> _AboutServer:
        """On a visit that may only read; nothing where none comes about."""
        try:
            transport = ReadOnly(self.connect(server), server.name)
        except ServerError as error:
            self.doubts.append(f"{server.name}: {error.message}")
            return _AboutServer()
        try:
            with told_by(server.name):
                return work(self._asker(server, transport.run))
        except ServerError as error:
            self.doubts.append(f"{server.name}: {error.message}")
            return _AboutServer()
        finally:
            transport.close()

    def _asker(self, server: Server, run: Callable[[Script, Arguments], list[Record]]) -> Ask:
        """What cannot be read leaves a doubt and no records: a decision is made with less."""

        def ask(name: str, arguments: Arguments) -> list[Record]:
            try:
                return run(self.scripts[name], arguments)
            except ServerError as error:
                self.doubts.append(f"{server.name}, {name}: {error.message}")
                return []

        return ask

    def _each(self, servers: Sequence[Server], work: Callable[[Server], T]) -> Iterable[tuple[str, T]]:
        if not servers:
            return []
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="survey") as pool:
            return list(zip([server.name for server in servers], pool.map(work, servers), strict=True))


@dataclass(frozen=True, slots=True)
class _AboutServer:
    admissions: tuple[known.Admission, ...] = ()
    events: tuple[known.Event, ...] = ()
    lines: tuple[known.LogLine, ...] = ()


def recorded(subjects: Sequence[Subject]) -> list[Cell]:
    """The grid from what is known already, of those about whom there is something; nobody is asked anything."""
    found = []
    for each in subjects:
        times = [proof.at for proof in each.proofs] + ([each.finding.at] if each.finding else [])
        for proxy in each.server.proxies if times else ():
            found.append(Evidence(proxy, each.server, max(times), each.finding, proofs=each.proofs))
    return [_cell(each) for each in found]


def event_proofs(evidence: Evidence) -> list[Proof]:
    """The proxy's events about this back-end as proofs: corroboration, never the proof itself (domain 1.5)."""
    counted: dict[int, list[known.Event]] = {}
    for event in evidence.events:
        counted.setdefault(event.id, []).append(event)
    return [
        Proof(
            evidence.proxy,
            evidence.target.name,
            Probe.EVENTS,
            Verdict.UNKNOWN,
            evidence.at,
            f"event-{number}",
            evidence=f"{len(found)} since an hour ago, the last at {found[-1].at:%Y-%m-%d %H:%M:%S} UTC"
            + (_silence(evidence) if number == known.TIMED_OUT else ""),
        )
        for number, found in sorted(counted.items())
    ]


def _silence(evidence: Evidence) -> str:
    """For how long nobody can tell from the log whether it has stopped (domain 1.5)."""
    return f"; no new one can be written for another {evidence.silence:.0f} s" if evidence.silence else ""


def _cell(evidence: Evidence) -> Cell:
    diagnoses = conclude(evidence)
    state = _state(evidence, diagnoses)
    return Cell(evidence.proxy, evidence.target.name, state, diagnoses, tuple(event_proofs(evidence)))


def _state(evidence: Evidence, diagnoses: Sequence[Diagnosis]) -> CellState:
    through = evidence.proof(Probe.END_TO_END, evidence.proxy)
    hop = evidence.proof(Probe.HOP, evidence.proxy)
    if through and through.verdict is Verdict.GOOD:
        return CellState.WORKS
    sure = [each.cause for each in diagnoses if each.certainty is Certainty.CERTAIN]
    is_sure = any(cause.stage > Stage.HERE and cause.name not in WARNINGS for cause in sure)
    if is_sure or any(proof and proof.verdict is Verdict.BAD for proof in (through, hop)):
        return CellState.BROKEN
    return CellState.REACHES if through is None and hop and hop.verdict is Verdict.GOOD else CellState.UNKNOWN


def _is_proved(subject: Subject, proxy: str) -> bool:
    return any(
        proof.origin == proxy and proof.probe is Probe.END_TO_END and proof.verdict is Verdict.GOOD
        for proof in subject.proofs
    )
