"""The change windows of a configuration: its entries and calendar files made into `Windows`."""

from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path

from agent.config import Config, WindowEntry
from agent.errors import ConfigError
from agent.window import Calendar, Rule, Unusable, Window, Windows, read_calendar, zone

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def windows_of(config: Config) -> Windows:
    """The windows and blackouts as they are configured; reads the calendar files, so ask again for news from them.

    Raises `ConfigError` with the window or the file that cannot be used.
    """
    windows = tuple(_window(entry) for entry in config.windows)
    return Windows(windows, _calendars(config.blackouts, windows))


def _window(entry: WindowEntry) -> Window:
    try:
        return Window(
            name=entry.name,
            opens=time.fromisoformat(entry.opens),
            duration=timedelta(minutes=entry.duration_minutes),
            zone=zone(entry.zone),
            days=frozenset(_DAYS.index(day) for day in entry.days),
            rule=Rule.parse(entry.rule) if entry.rule else None,
        )
    except Unusable as error:
        raise ConfigError(error.message, where=f"window {entry.name}", next_step=error.next_step) from None


def _calendars(paths: Sequence[str], windows: Sequence[Window]) -> list[Calendar]:
    zones = tuple(dict.fromkeys(window.zone for window in windows))
    found = []
    for path in paths:
        try:
            found.append(read_calendar(Path(path), zones))
        except Unusable as error:
            raise ConfigError(error.message, where="blackouts", next_step=error.next_step) from None
    return found
