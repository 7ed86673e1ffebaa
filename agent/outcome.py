"""Owns what a command answers with: one value a server, the same for the screen and for the JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from agent import exits
from agent.errors import Busy, Denied, Interrupted, ServerError, Unreachable, Unsupported
from agent.model import (
    Action,
    Change,
    Finding,
    Impact,
    Obstacle,
    Probe,
    Proof,
    ServerPlan,
    ServerRecord,
    ServerState,
    Service,
    Sibling,
    SslFlags,
    StepRecord,
    StepState,
)

ASKED = "asked for by the operator"
"""Begins what goes on record with each write that an operator's own rollback puts back."""

STOPPED = "stopped by"
BY_OPERATOR = f"{STOPPED} the operator"
NOT_BEGUN = "not begun"
WAITING = "its turn has not come yet"
TO_COME = (STOPPED, NOT_BEGUN, WAITING)
"""Begin the reason of a server that a run did not come to; `resume` takes it up again."""

NAMES = frozenset({"iisreset", "recycle", "chmod", "keyring"})
"""Words that an operator may have to type, so they keep their small letter."""


@dataclass(frozen=True, slots=True)
class ServerOutcome:
    """How it stands with one server after a command; `reason` is never empty."""

    name: str
    state: ServerState
    reason: str
    directories: tuple[Change, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    proof: tuple[Proof, ...] = ()
    proof_before: tuple[Proof, ...] = ()  # how the path answered before anything was written
    proof_past: tuple[Proof, ...] = ()  # what was so after the change, before it was put back
    obstacles: tuple[Obstacle, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    impact: Impact | None = None
    services: tuple[Service, ...] = ()
    outage_seconds: float | None = None
    started_at: datetime | None = None  # of the work on it, where a run is on record
    ended_at: datetime | None = None
    wave: int | None = None
    next_step: str = ""
    is_asked: bool = False  # it was put back because the operator said so, which is what was asked for

    def __post_init__(self) -> None:
        """A server without a reason is a defect of ours."""
        if not self.reason:
            raise ValueError(f"{self.name} is {self.state} without a reason")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command answers with.

    `codes` are those that no server's state tells, such as an interruption; `ended_with` is the code of a run that
    ended long ago, and then nothing is worked out anew.
    """

    command: str
    servers: tuple[ServerOutcome, ...]
    run: str | None = None
    codes: tuple[exits.Exit, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)
    ended_with: exits.Exit | None = None

    @property
    def exit_code(self) -> exits.Exit:
        """The worst of all servers and of the run itself."""
        if self.ended_with is not None:
            return self.ended_with
        is_rollback = self.command == "rollback"
        states = (exits.of_state(found.state, is_rollback=is_rollback or found.is_asked) for found in self.servers)
        return exits.worst((*self.codes, *states))


OF_ERROR: tuple[tuple[type[ServerError | Interrupted], ServerState], ...] = (
    (Interrupted, ServerState.SKIPPED),
    (Unreachable, ServerState.UNREACHABLE),
    (Denied, ServerState.UNREACHABLE),
    (Unsupported, ServerState.UNREACHABLE),
    (Busy, ServerState.UNREACHABLE),
    (ServerError, ServerState.UNKNOWN),
)
"""The state of a server that a question could not be put to; the first that fits."""


def of_error(name: str, error: ServerError | Interrupted) -> ServerOutcome:
    """A server that could not be looked at; nothing was sent that could change it."""
    return ServerOutcome(name, state_of(error), words_of(error), next_step=error.next_step)


def state_of(error: ServerError | Interrupted) -> ServerState:
    """Unreachable where no logon came about, skipped where nobody asked, unknown for everything else."""
    return next(state for kind, state in OF_ERROR if isinstance(error, kind))


def words_of(error: ServerError | Interrupted) -> str:
    """What went wrong and what to do next."""
    return sentences(error.message, error.next_step) if error.next_step else error.message


def came_back(words: str) -> str:
    """The reason of a server that reads cleared no more: Active Directory, or a lost save (domain 2.6, 3)."""
    hint = "Clear the same bits in msExchAccessSSLFlags of the directory's object in Active Directory."
    return sentences(f"the flag came back: {words}", hint)


def sentences(*parts: str) -> str:
    """The parts one after another, each with a full stop; those behind the first begin with a capital.

    A command stays as it is to be typed: "easfix resume r1 looks again".
    """
    found = [part.strip() for part in parts if part.strip()]
    ended = [part if part.endswith((".", "!", "?")) else f"{part.rstrip(',;:')}." for part in found]
    return " ".join(part if not at or part.startswith("easfix ") else _capital(part) for at, part in enumerate(ended))


def _capital(text: str) -> str:
    """A word of letters only gets its capital: W3SVC/1, iisreset.exe and --limit are names."""
    word = text.split(maxsplit=1)[0].rstrip(".,;:!?")
    return text[0].upper() + text[1:] if word.isalpha() and word.islower() and word not in NAMES else text


def of_plan(plan: ServerPlan, finding: Finding | None = None) -> ServerOutcome:
    """A server that was looked at and decided about."""
    return ServerOutcome(
        name=plan.server,
        state=plan.state,
        reason=plan.reason,
        directories=plan.changes,
        obstacles=plan.obstacles,
        siblings=plan.siblings,
        impact=plan.impact,
        services=finding.services if finding else (),
    )


def of_record(record: ServerRecord, directories: Sequence[Change] = (), next_step: str = "") -> ServerOutcome:
    """A server as the journal tells of it; one that nothing was concluded about is unknown."""
    return ServerOutcome(
        name=record.name,
        state=record.state or ServerState.UNKNOWN,
        reason=record.reason or "the run broke off before anything was concluded",
        directories=tuple(directories) or directories_of(record),
        steps=record.steps,
        proof=proofs_after(record),
        proof_before=proofs_before(record),
        proof_past=proofs_past(record),
        outage_seconds=record.outage_seconds,
        started_at=record.started_at,
        ended_at=_worked_until(record),
        wave=record.wave,
        next_step=next_step,
        is_asked=bool(asked(record)),
    )


def _worked_until(record: ServerRecord) -> datetime | None:
    """The last move of a step: a second look days later is no work. Without steps, when it was concluded."""
    return max((each.at for step in record.steps for each in step.attempts), default=record.ended_at)


def proofs_before(record: ServerRecord) -> tuple[Proof, ...]:
    """How the path answered before the run wrote anything to the server; none where it never came to a step.

    The look afterwards begins with the flags, which nobody reads back before.
    """
    began = min((each.at for step in record.steps for each in step.attempts), default=None)
    if began is None:
        return ()
    return tuple(takewhile(lambda proof: proof.at <= began and proof.probe is not Probe.METABASE, record.proofs))


def proofs_past(record: ServerRecord) -> tuple[Proof, ...]:
    """The answers after the change that say nothing any more, because the change was put back since."""
    return _since_written(record)[0]


def proofs_after(record: ServerRecord) -> tuple[Proof, ...]:
    """All other answers: those after the change, or after it was put back, and of every look since."""
    return _since_written(record)[1]


def _since_written(record: ServerRecord) -> tuple[tuple[Proof, ...], tuple[Proof, ...]]:
    """The answers since the run wrote: those before the last step back, and those that count."""
    found = record.proofs[len(proofs_before(record)) :]
    mine = (each for each in record.steps if each.step.action is Action.RESTORE)
    restores = [each for each in mine if each.state is not StepState.FAILED]  # a failed one has changed nothing
    back = max((attempt.at for each in restores for attempt in each.attempts), default=None)
    if back is None:
        return (), found
    past = tuple(takewhile(lambda proof: proof.at < back, found))
    return past, found[len(past) :]


def asked(record: ServerRecord) -> str:
    """Why the operator had the server put back; empty where nobody but the run itself wanted that."""
    restores = [each for each in record.steps if each.step.action is Action.RESTORE]
    said = [attempt.message for each in restores for attempt in each.attempts if attempt.message.startswith(ASKED)]
    return said[-1].removeprefix(f"{ASKED}: ") if said else ""


def is_to_come(record: ServerRecord) -> bool:
    """Its run was stopped before it came to this server, which `resume` therefore takes up."""
    return record.state is ServerState.SKIPPED and record.reason.startswith(TO_COME)


def directories_of(record: ServerRecord) -> tuple[Change, ...]:
    """The flag words that the record's steps tell of."""
    return changes_of(record.steps)


def changes_of(steps: Sequence[StepRecord]) -> tuple[Change, ...]:
    """The flag words that these steps tell of."""
    found = []
    for each in steps:
        step = each.step
        if step.action in (Action.CLEAR, Action.RESTORE) and step.before is not None and step.after is not None:
            prior = next((prior for prior in each.priors if prior.path == step.path), None)
            is_explicit = prior.is_explicit if prior else True
            origin = prior.inherited_from if prior else ""
            found.append(Change(step.path, SslFlags(step.before), SslFlags(step.after), is_explicit, origin))
    return tuple(found)
