"""A step, the prior values that undo it, and the table of its life."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from agent.model.script import Scalar, Value


class Action(StrEnum):
    """What a step does, in the order a server meets them."""

    BACK_UP = "back-up"
    CLEAR = "clear"
    RESTART = "restart"
    START_SERVICES = "start-services"
    VERIFY = "verify"
    RESTORE = "restore"
    CLOSE = "close"


class StepState(StrEnum):
    """Where a step stands. Failed means refused and certainly nothing changed; any other broken write is unknown."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDONE = "undone"

    def may_become(self, after: "StepState") -> bool:
        """The table of a step's life allows the move."""
        return after in LIFE[self]

    @property
    def is_settled(self) -> bool:
        """It is known what the server looks like."""
        return self in (StepState.DONE, StepState.FAILED, StepState.UNDONE)


LIFE: Mapping[StepState, frozenset[StepState]] = MappingProxyType(
    {
        StepState.INTENDED: frozenset({StepState.DONE, StepState.FAILED, StepState.UNKNOWN}),
        StepState.FAILED: frozenset({StepState.INTENDED}),
        StepState.UNKNOWN: frozenset({StepState.INTENDED, StepState.DONE, StepState.UNDONE}),
        StepState.DONE: frozenset({StepState.UNDONE}),
        StepState.UNDONE: frozenset(),
    }
)
"""Every move a step can make; only looking again leads out of unknown."""


@dataclass(frozen=True, slots=True)
class Prior:
    """A property as it was before a write: enough to put it back. An inherited one is put back by deleting ours."""

    path: str  # "W3SVC/1/ROOT/Microsoft-Server-ActiveSync", or "service/SMTPSVC"
    name: str  # "AccessSSLFlags", "State"
    value: Value
    is_explicit: bool = True
    inherited_from: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One write that a server is to meet. `id` is unique within the run and server, e.g. "clear W3SVC/1/ROOT/..."."""

    id: str
    action: Action
    script: str  # Script.id
    script_sha256: str
    path: str = ""  # the directory it is about; empty for the whole server
    arguments: tuple[tuple[str, Scalar | tuple[Scalar, ...]], ...] = ()
    before: int | None = None  # full flag word, where the step changes one
    after: int | None = None
