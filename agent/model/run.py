"""A run record: who did what to which server, when, why, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.model.proof import Proof
from agent.model.step import Action, Prior, Step, StepState


class ServerState(StrEnum):
    """How it stands with one server, in one word."""

    RIGHT = "right"
    PENDING = "pending"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    REVERTED = "reverted"
    ROLLED_BACK = "rolled_back"

    @property
    def is_failure(self) -> bool:
        """It counts against max_failures: the server was to be mended, and is not, or nobody knows."""
        return self in _FAILURES


_FAILURES = frozenset(
    {
        ServerState.FAILED,
        ServerState.UNREACHABLE,
        ServerState.UNKNOWN,
        ServerState.REVERTED,
        ServerState.ROLLED_BACK,
    }
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a server: a run, and the process behind it."""

    run: str
    host: str
    pid: int
    user: str

    def __str__(self) -> str:
        """In the operator's words."""
        return f"run {self.run} by {self.user} on {self.host} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One move of a step: when, into which state, and what was said."""

    at: datetime
    state: StepState
    message: str = ""
    error: str = ""  # class name of the error, empty without one


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step with its place in the order, its state, what it would be undone with, and its history."""

    number: int
    step: Step
    state: StepState
    priors: tuple[Prior, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One server of a run; `state` is None while nothing has been concluded."""

    name: str
    state: ServerState | None = None
    reason: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outage_seconds: float | None = None
    is_closed: bool = False  # nothing is owed: the lease is free and the markers are gone
    steps: tuple[StepRecord, ...] = ()
    proofs: tuple[Proof, ...] = ()
    wave: int | None = None  # None where the run had no waves

    @property
    def is_settled(self) -> bool:
        """It is known of every step what it did."""
        return all(each.state.is_settled for each in self.steps)

    @property
    def has_begun(self) -> bool:
        """More than the backup was begun with."""
        return any(each.step.action is not Action.BACK_UP for each in self.steps)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A server that must be looked at again, because DS2MB may put the flag back (domain 3)."""

    run: str
    server: str
    due_at: datetime
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hand:
    """One process that had a run in hand, by which command; `ended_at` is None while it has, or if it died."""

    command: str
    holder: Holder
    at: datetime
    reason: str = ""
    ended_at: datetime | None = None
    exit_code: int | None = None  # None where it left a run that has not ended


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of one command; `exit_code` and `ended_at` are None while it goes on, or if it died.

    `holder` has it in hand now, or had it last; `hands` are all who ever had, the one that began it first.
    """

    id: str
    command: str
    started_at: datetime
    holder: Holder
    version: str
    reason: str = ""
    change: str = ""
    plan_hash: str = ""
    ended_at: datetime | None = None
    exit_code: int | None = None
    servers: tuple[ServerRecord, ...] = ()
    window: str = ""  # name of the change window it began in
    closes_at: datetime | None = None  # when that window closes
    outside_window: str = ""  # why it may work outside any window
    threshold: str = ""  # in words: "stops when the 3rd server has failed"
    approved_by: str = ""
    hands: tuple[Hand, ...] = ()

    @property
    def begun_by(self) -> Holder:
        """The process that began it."""
        return self.hands[0].holder if self.hands else self.holder
