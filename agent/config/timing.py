"""What is wrong with change windows and blackout calendars: a zone, a rule, a name, a file.

What knows about time is loaded where there is a window or a calendar: it takes longer than the rest of a short command.
"""

from collections.abc import Iterator
from pathlib import Path

from agent.config.problems import Problem
from agent.config.root import Config


def of_windows(config: Config) -> list[Problem]:
    """Zones that there are not, rules that cannot be followed or never open, names that stand twice."""
    return [*_of_entries(config), *_twice(config)] if config.windows else []


def of_blackouts(config: Config) -> list[Problem]:
    """Calendar files that are not there, cannot be read, or are no calendars."""
    return list(_of_calendars(config)) if config.blackouts else []


def _of_calendars(config: Config) -> Iterator[Problem]:
    from agent.window import Unusable, read_calendar

    for index, path in enumerate(config.blackouts):
        try:
            read_calendar(Path(path), ())
        except Unusable as error:
            yield Problem(("blackouts", index), error.message, error.next_step)


def _of_entries(config: Config) -> Iterator[Problem]:
    from agent.window import Rule, Unusable, zone

    for index, entry in enumerate(config.windows):
        try:
            zone(entry.zone)
        except Unusable as error:
            yield Problem(("windows", index, "zone"), error.message, error.next_step)
        try:
            if entry.rule:
                Rule.parse(entry.rule)
        except Unusable as error:
            yield Problem(("windows", index, "rule"), error.message, error.next_step)


def _twice(config: Config) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(config.windows):
        first = seen.setdefault(entry.name.casefold(), index)
        if first != index:
            text = f"{entry.name} is already the name of windows.{first}"
            yield Problem(("windows", index, "name"), text, "keep one")
