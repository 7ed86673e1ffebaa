"""How a fleet is gone through: when it may be, who has agreed, what runs by itself, and who is told."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from agent.config.section import Anchored, FilePath, Name, Section

SESSION_SECONDS = 180
"""So long WinRM 2.0 keeps a session that is not used (domain 6.1); a connection that is not used ends before."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock_text(value: object) -> object:
    """YAML 1.1 reads 22:00 without quotes as the number 1320: sixty to the hour."""
    if isinstance(value, int):
        raise ValueError('must stand in quotes, such as "22:00": without them YAML reads a number')
    return value


def _limit(value: object) -> object:
    """A number of servers, or a percentage of them."""
    if isinstance(value, bool):
        return value  # refused further on, with words about yes and no
    is_percentage = isinstance(value, str) and re.fullmatch(r"(100|[1-9]?\d)%", value)
    if not isinstance(value, int) and not is_percentage:
        raise ValueError('must be a whole number of servers, or a percentage from "1%" to "100%"')
    if value == "0%" or (isinstance(value, int) and value < 1):
        raise ValueError("must be at least 1: a run that may not fail once stops when the 1st server has failed")
    return value


ClockTime = Annotated[str, BeforeValidator(_clock_text), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day, "HH:MM"."""

Limit = Annotated[int | str, BeforeValidator(_limit)]
"""A number of servers, or a percentage of the servers of a run."""


class WindowEntry(Section):
    """A change window: days and times in a zone, or a rule of RFC 5545."""

    name: Name
    """What it is called in answers and in the record."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ()
    """Days on which it opens; every day unless given."""

    rule: str = ""
    """Instead of days: an RFC 5545 rule of the days on which it opens, such as FREQ=MONTHLY;BYDAY=2SA."""

    opens: ClockTime
    """Time of day at which it opens, by the clock of the zone."""

    duration_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]
    """How long it stays open, in minutes that really pass."""

    zone: str
    """Time zone of the IANA database, such as Europe/Berlin."""

    @model_validator(mode="after")
    def _days_or_rule(self) -> Self:
        if self.days and self.rule:
            raise ValueError("has both days and a rule; keep one")
        return self


class ApprovalSection(Section):
    """Whether somebody else must have agreed to a plan before it is applied."""

    require_approval: bool = False
    """Apply nothing but a plan that `easfix approve` has approved."""

    four_eyes: bool = False
    """The one who approves must be another than the one who applies."""

    expires_hours: Annotated[float, Field(gt=0, le=24 * 90)] = 72
    """An approval older than this counts no more."""


class ScheduleSection(Section):
    """What `easfix run` does by itself."""

    remediate: Literal["never", "auto"] = "never"
    """never: tell of drift only; auto: clear it, inside a window only."""

    stop_file: Annotated[str, Anchored()] = ""
    """The kill switch: while this file exists, no run begins a step, and none is admitted to a server."""

    beat_seconds: Annotated[float, Field(ge=1, le=300)] = 10
    """How often a process that works says in the journal that it lives."""

    fence_seconds: Annotated[float, Field(ge=5, le=3600)] = 60
    """A process whose own beat is older than this sends nothing any more; less than stale_seconds."""

    stale_seconds: Annotated[float, Field(ge=10, le=86400)] = 300
    """A process whose beat is older than this counts as dead, and its servers may be taken over.

    At least 180 more than fence_seconds: so long a server keeps the session of a process that sleeps (WinRM 2.0).
    """

    @model_validator(mode="after")
    def _ages_are_in_order(self) -> Self:
        if self.beat_seconds * 2 > self.fence_seconds:
            raise ValueError("beat_seconds must be at most half of fence_seconds")
        if self.fence_seconds + SESSION_SECONDS > self.stale_seconds:
            raise ValueError(f"stale_seconds must be at least {SESSION_SECONDS} more than fence_seconds")
        return self


class NoticeEntry(Section):
    """Somebody who is told; the address may hold a secret, so it never stands in this file."""

    url_env: str = ""
    """Name of the environment variable that holds the Apprise URL."""

    url_file: FilePath = ""
    """File that holds the Apprise URL; on POSIX, readable by its owner only."""

    keyring: str = ""
    """Service name under which the operating system's keyring holds the URL, with the user name "notify"."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.url_env, self.url_file, self.keyring))) != 1:
            raise ValueError("needs exactly one of url_env, url_file, keyring")
        return self
