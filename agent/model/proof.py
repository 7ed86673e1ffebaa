"""A proof: one question put to the proxy path, and what its answer means."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Probe(StrEnum):
    """Which question was put."""

    METABASE = "metabase"
    HOP = "hop"  # OPTIONS over plain HTTP, from the agent or from a proxy
    LOGON = "logon"  # the same from the agent, logged on as the test user
    END_TO_END = "end-to-end"  # through a proxy as the test user: OPTIONS and FolderSync
    EVENTS = "events"
    SERVICES = "services"


class Verdict(StrEnum):
    """What the answer says about the path."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # no answer, or one that proves nothing


@dataclass(frozen=True, slots=True)
class Proof:
    """One answer: who asked whom, what came, and the evidence for it."""

    origin: str  # "agent", or the name of a proxy; "from" in documents
    target: str  # name of the server asked; "to" in documents
    probe: Probe
    verdict: Verdict
    at: datetime
    cause: str = ""  # stable identifier, e.g. "ssl-required"; empty when good
    status: int | None = None  # HTTP status
    latency_ms: float | None = None
    evidence: str = ""
    attempts: int = 1
