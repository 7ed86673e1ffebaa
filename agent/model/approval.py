"""An approval: who agreed to exactly which plan, when, under which change, and from which account."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody agreed to the plan of this hash; `by` is the name given, `account` and `host` are where it was typed."""

    plan_hash: str
    by: str
    change: str
    at: datetime  # by the journal's clock
    account: str
    host: str
