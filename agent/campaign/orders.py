"""Owns what a run is bound by, and in which words it says why it goes no further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.estimate import Estimate
from agent.journal import Terms
from agent.outcome import NOT_BEGUN
from agent.waves import Threshold, Wave
from agent.window import Windows

NAMED = 5


@dataclass(frozen=True, slots=True)
class Orders:
    """The order of the servers, how many may fail, and how long there is time."""

    waves: tuple[Wave, ...]
    threshold: Threshold
    windows: Windows
    estimate: Estimate
    concurrency: int
    outside_window: str = ""  # the reason for which the windows do not bind this run

    def terms(self, now: datetime) -> Terms:
        """For the journal, which decides on its own clock about one more server."""
        return Terms(self._closes_at(now), self.estimate.needs, self.threshold.count)

    def too_late(self, now: datetime) -> str:
        """Why no server may begin now; empty where one may, and can be finished."""
        closes_at = self._closes_at(now)
        if closes_at is None or now + self.estimate.needs <= closes_at:
            return ""
        standing = self.windows.at(now)
        if not standing.is_open:
            return f"{NOT_BEGUN}: {standing.words}"
        return f"{NOT_BEGUN}: {standing.words}, and too little of it is left: {self.estimate.words}"

    def too_many(self, failed: Sequence[str]) -> str:
        """Why no server may begin after so many failures; empty where one may."""
        if not self.threshold.is_reached(len(failed)):
            return ""
        return f"{NOT_BEGUN}: the run {self.threshold.words}, and failed have {names(failed)}"

    def _closes_at(self, now: datetime) -> datetime | None:
        """When a server must be finished; now, where it is closed already."""
        if self.outside_window:
            return None
        standing = self.windows.at(now)
        return standing.closes_at if standing.is_open else now - timedelta(microseconds=1)


def names(found: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more
