"""A debt: what a run still owes to a server that it has begun to work on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DebtKind(StrEnum):
    """How far the work on the server has come, in one word."""

    CHANGED_NOT_RESTARTED = "changed_not_restarted"
    RESTARTED_NOT_PROVED = "restarted_not_proved"
    UNKNOWN = "unknown"
    NOT_SETTLED = "not_settled"


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed to one server by one run, in the operator's words, and since when nothing has happened."""

    run: str
    server: str
    kind: DebtKind
    words: str
    since: datetime
