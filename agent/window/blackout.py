"""Owns a blackout, a time in which nothing is changed, and what openings are left where blackouts are taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from agent.window.opening import Opening


@dataclass(frozen=True, slots=True)
class Blackout:
    """Nothing is changed from here (included) to there (not included); times are UTC."""

    name: str
    begins_at: datetime
    ends_at: datetime
    source: str = ""  # name of the calendar file

    def covers(self, moment: datetime) -> bool:
        """The moment lies within."""
        return self.begins_at <= moment < self.ends_at

    def between(self, since: datetime, until: datetime) -> tuple[Blackout, ...]:
        """Itself, where it has to do with this time: a single blackout is used as a calendar is."""
        return (self,) if self.begins_at < until and self.ends_at > since else ()

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return f'blackout "{self.name}"' + (f" ({self.source})" if self.source else "")


@dataclass(frozen=True, slots=True)
class Free:
    """What is left of an opening, and the blackout that cuts its end off, if one does."""

    opening: Opening
    cut_by: Blackout | None = None


def left_of(opening: Opening, blackouts: Iterable[Blackout]) -> Iterator[Free]:
    """The parts of an opening that no blackout covers, in order."""
    begins = opening.opens_at
    for dark in sorted(blackouts, key=lambda each: (each.begins_at, each.ends_at)):
        if dark.begins_at >= opening.closes_at:
            break
        if dark.begins_at > begins:
            yield Free(replace(opening, opens_at=begins, closes_at=dark.begins_at), dark)
        begins = max(begins, dark.ends_at)
    if begins < opening.closes_at:
        yield Free(replace(opening, opens_at=begins))
