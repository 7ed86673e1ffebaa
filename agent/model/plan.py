"""A plan: what would be done to which server, exactly, under one hash."""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum

from agent.model.finding import Obstacle, Sibling
from agent.model.flags import SslFlags
from agent.model.run import ServerState
from agent.model.step import Step

LEADS_TO = "LeadsTo"
"""In a proxy's restart: the servers that it is done for. It stays in the plan and is not sent."""


class RestartMethod(StrEnum):
    """How IIS is made to start afresh (domain 5.4)."""

    IISRESET = "iisreset"
    RECYCLE = "recycle"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """The flag word of one metabase key, before and after."""

    path: str
    before: SslFlags
    after: SslFlags
    is_explicit: bool
    inherited_from: str = ""

    @property
    def is_needed(self) -> bool:
        """The word is to become another one."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Impact:
    """What the restart interrupts (domain 5.1)."""

    method: RestartMethod
    services: tuple[str, ...]  # names of the running services that stop with it
    seconds: float | None = None  # expected outage; None where it was never measured


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What would be done to one server; `fingerprint` is the digest of the state it was planned from."""

    server: str
    state: ServerState
    reason: str
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    impact: Impact | None = None
    obstacles: tuple[Obstacle, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    fingerprint: str = ""

    @property
    def standing(self) -> tuple[Obstacle, ...]:
        """What speaks against it and has not been overridden."""
        return tuple(each for each in self.obstacles if not each.is_overridden)

    @property
    def leads_to(self) -> tuple[str, ...]:
        """The servers that this one is restarted for, where it is a proxy; empty for every other server.

        They are kept in the step: a field of its own would give every plan that was ever approved another hash.
        """
        found = [value for step in self.steps for name, value in step.arguments if name == LEADS_TO]
        return tuple(str(name) for value in found if isinstance(value, tuple) for name in value)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every server's plan, and the scripts it will be done with."""

    playbook: str
    version: str  # of easfix
    made_at: datetime
    servers: tuple[ServerPlan, ...]
    scripts: tuple[tuple[str, str], ...]  # (Script.id, sha256), sorted

    @property
    def hash(self) -> str:
        """SHA-256 over the whole plan; what was approved is what runs."""
        return digest(self)


def digest(value: object) -> str:
    """SHA-256 of a dataclass or of plain values in one canonical JSON form.

    Keys and sets are sorted, times are ISO 8601, everything outside ASCII is escaped.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_canonical)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")
