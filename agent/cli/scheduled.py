"""Owns what a schedule is about: when its ticks come, which servers they look at, and what the journal calls it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.model import digest
from agent.schedule import Timetable, name_of

if TYPE_CHECKING:
    from agent.config import Config
    from agent.model import Server


@dataclass(frozen=True, slots=True)
class Schedule:
    """One command's schedule; without a timetable there is one tick, now."""

    timetable: Timetable | None = None
    limit: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    beyond_cap: bool = False

    @property
    def words(self) -> str:
        """For the operator."""
        return self.timetable.words if self.timetable else "once"

    def servers(self, config: Config) -> tuple[Server, ...]:
        """The servers that it looks at, as the configuration has them now; raises `UsageError`."""
        from agent.inventory import select

        limit, skip = _names(self.limit), _names(self.skip)
        return select(config, limit if self.limit else None, skip, may_exceed_cap=self.beyond_cap)

    def name(self, config: Config) -> str:
        """What it is called in the journal; raises `UsageError`."""
        key = self.timetable.key if self.timetable else "once"
        return name_of(key, [each.name for each in self.servers(config)])

    def told_file(self, config: Config) -> Path:
        """Where is kept what people were told last: beside the log, which is a place that can be written to."""
        from agent.config import log_file

        return log_file(config).parent / f"told-{digest(self.name(config))[:12]}.json"


def _names(given: tuple[str, ...]) -> list[str]:
    return [name.strip() for text in given for name in text.split(",") if name.strip()]
