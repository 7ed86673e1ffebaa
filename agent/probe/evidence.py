"""Owns everything that is known about one proxy and one back-end: proofs, settings, events, lines of the log."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent.model import Finding, Probe, Proof, Record, Server
from agent.sane import is_sane

THROTTLE = timedelta(seconds=900)
"""A proxy writes 1034 about a host at most once in this time (KB2607574, domain 1.5)."""

TIMED_OUT = 1034

_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `host` is the back-end it is about where it is a proxy's (domain 1.4)."""

    id: int
    at: datetime
    text: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """A proxy's own settings; `blocks_legacy` is None where its web.config could not be read (domain 1.6)."""

    addresses: tuple[str, ...]
    is_serving: bool
    blocks_legacy: bool | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom a directory admits (domain 2.9); the rules are "address, mask"."""

    path: str
    is_open: bool  # everybody but `denied`; else nobody but `granted`
    granted: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def admits(self, address: str) -> bool:
        """A client with this address gets in."""
        if self.is_open:
            return not any(_covers(rule, address) for rule in self.denied)
        return any(_covers(rule, address) for rule in self.granted)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the web server's log that a probe left."""

    status: str
    substatus: str
    win32: str
    client: str
    agent: str = ""
    at: datetime | None = None  # None where the log does not say

    def __str__(self) -> str:
        """As an administrator reads it: 403.4 5."""
        return f"{self.status}.{self.substatus or '?'} {self.win32} from {self.client}".strip()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to decide with; whatever was not asked, or not answered, is None or empty."""

    proxy: str
    target: Server
    at: datetime
    finding: Finding | None = None
    is_unreachable: bool = False  # no logon to the back-end came about either
    proofs: tuple[Proof, ...] = ()
    facts: ProxyFacts | None = None
    admissions: tuple[Admission, ...] = ()
    events: tuple[Event, ...] = ()  # of this proxy, about this back-end
    server_events: tuple[Event, ...] = ()
    lines: tuple[LogLine, ...] = ()

    @property
    def own_lines(self) -> tuple[LogLine, ...]:
        """The lines that this proxy's questions left; all where its addresses are not known, or are translated."""
        addresses = self.facts.addresses if self.facts else ()
        return tuple(line for line in self.lines if line.client in addresses) or self.lines

    def proof(self, probe: Probe, origin: str) -> Proof | None:
        """The latest answer to a question about this back-end."""
        fits = (each for each in reversed(self.proofs) if each.probe is probe and each.origin == origin)
        return next((each for each in fits if each.target == self.target.name), None)

    @property
    def silence(self) -> float:
        """Seconds for which this proxy would not write another 1034 about this back-end."""
        last = max((event.at for event in self.events if event.id == TIMED_OUT), default=None)
        return max(0.0, (last + THROTTLE - self.at).total_seconds()) if last else 0.0


def about(events: Iterable[Event], target: Server) -> tuple[Event, ...]:
    """The events of a proxy that name this back-end, by its full name or its first label."""
    names = {target.fqdn.lower(), target.name.lower(), target.fqdn.lower().partition(".")[0]}
    return tuple(event for event in events if event.host.lower() in names)


def events_of(records: Sequence[Record]) -> tuple[Event, ...]:
    """The events that events.ps1 or eas-events.ps1 told."""
    told = (record for record in records if record.get("Kind") == "event")
    found = [
        Event(_whole(record, "Id"), moment(_text(record, "At")), _text(record, "Message"), _text(record, "Host"))
        for record in told
    ]
    return tuple(sorted(found, key=lambda event: event.at))


def facts_of(record: Record) -> ProxyFacts:
    """What proxy.ps1 told."""
    blocks = record.get("BlocksLegacy")
    running = _text(record, "WebService") == "Running"
    return ProxyFacts(_texts(record, "Addresses"), running, blocks if isinstance(blocks, bool) else None)


def admissions_of(records: Sequence[Record]) -> tuple[Admission, ...]:
    """What addresses.ps1 told."""
    return tuple(
        Admission(
            _text(record, "Path"),
            record.get("GrantByDefault") is not False,
            _texts(record, "Granted"),
            _texts(record, "Denied"),
        )
        for record in records
    )


def lines_of(records: Sequence[Record]) -> tuple[LogLine, ...]:
    """The lines that weblog.ps1 found."""
    return tuple(
        LogLine(
            _text(each, "Status"),
            _text(each, "SubStatus"),
            _text(each, "Win32"),
            _text(each, "Client"),
            _text(each, "Agent"),
            moment(_text(each, "At")) if _text(each, "At").strip() else None,
        )
        for each in records
        if each.get("Kind") == "line"
    )


def left_by(marker: str, lines: Sequence[LogLine], since: datetime) -> tuple[LogLine, ...]:
    """The lines of the questions with this User-Agent; where there are none yet, those of others not older than this.

    IIS holds lines back for up to a minute, so a question's own line is often not there when it is looked for.
    """
    own = tuple(line for line in lines if line.agent == marker)
    return own or tuple(line for line in lines if line.at is None or line.at >= since)


def moment(text: str) -> datetime:
    """A time as .NET's round-trip format has it (seven digits of a second); one long ago for nonsense."""
    whole, _, rest = text.partition(".")
    try:
        made = datetime.fromisoformat(whole.removesuffix("Z") + ("." + rest[:6].rstrip("Z") if rest else ""))
    except ValueError:
        return _LONG_AGO
    if not is_sane(made):
        return _LONG_AGO
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _covers(rule: str, address: str) -> bool:
    network, _, mask = (part.strip() for part in rule.partition(","))
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(f"{network}/{mask or 32}", strict=False)
    except ValueError:
        return False


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _texts(record: Record, name: str) -> tuple[str, ...]:
    value = record.get(name) or ()
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()


def _whole(record: Record, name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
