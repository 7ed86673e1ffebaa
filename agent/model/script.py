"""A script: text to be sent, and whether it reads or writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Scalar = str | int | float | bool | None
"""What may be passed to a script, by parameter name."""

Value = Scalar | Sequence[Scalar]
"""What a property of an answer may hold."""

Record = Mapping[str, Value]
"""One object that a script answered with, as a property bag; it dies at the door of detect, apply and verify."""


class Effect(StrEnum):
    """What a script may do to its target."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Script:
    """PowerShell 2.0 text with its declared effect; `timeout` in seconds is the longest a run may take."""

    id: str
    text: str
    effect: Effect
    sha256: str
    timeout: float
