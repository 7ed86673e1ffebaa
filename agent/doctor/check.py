"""Owns what the doctor says: one check with its verdict, evidence and cure; and all checks of one subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

WORKSTATION = "this workstation"


class Grade(StrEnum):
    """The verdict of a check."""

    GOOD = "good"
    WARN = "warn"  # it works, but somebody should know
    BAD = "bad"
    UNKNOWN = "unknown"


WORST = (Grade.BAD, Grade.UNKNOWN, Grade.WARN, Grade.GOOD)


class Kind(StrEnum):
    """What a subject is."""

    WORKSTATION = "workstation"
    BACK_END = "back-end"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` says what to do about it and is empty only where all is good."""

    name: str
    verdict: Grade
    evidence: str
    mend: str = ""

    def __post_init__(self) -> None:
        """A verdict without evidence, or a failed line that does not say how to mend it, is a defect of ours."""
        if not self.evidence or (self.verdict is not Grade.GOOD and not self.mend):
            raise ValueError(f"{self.name} is {self.verdict} without evidence or a way to mend it")


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that was looked at on one subject."""

    subject: str
    kind: Kind
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Grade:
        """The worst of all checks."""
        return worst(check.verdict for check in self.checks)


def worst(verdicts: Iterable[Grade]) -> Grade:
    """The verdict that wins; nothing at all is good."""
    return min(verdicts, key=WORST.index, default=Grade.GOOD)


def good(name: str, evidence: str) -> Check:
    """A check that went well."""
    return Check(name, Grade.GOOD, evidence)


def warn(name: str, evidence: str, mend: str) -> Check:
    """A check that somebody should know about."""
    return Check(name, Grade.WARN, evidence, mend)


def bad(name: str, evidence: str, mend: str) -> Check:
    """A check that failed."""
    return Check(name, Grade.BAD, evidence, mend)


def unknown(name: str, evidence: str, mend: str) -> Check:
    """A check that could not be made."""
    return Check(name, Grade.UNKNOWN, evidence, mend)
