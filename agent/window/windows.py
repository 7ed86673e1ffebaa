"""Owns the windows and blackouts of a configuration, taken together: what is open at a moment, and what opens next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from agent.window.blackout import Blackout, Free, left_of
from agent.window.calendars import Dark
from agent.window.opening import Opening, Window, always, unions
from agent.window.standing import SIGHT, Standing, has_end, words_of_closed, words_of_open

FAR = timedelta(days=2 * 366)
"""Where blackouts cover each opening for this long, no opening is in sight."""


class Windows:
    """Windows and blackouts together; no window at all leaves everything open but the blackouts."""

    def __init__(self, windows: Sequence[Window], blackouts: Sequence[Dark]) -> None:
        self._windows = tuple(windows)
        self._blackouts = tuple(blackouts)

    @property
    def is_bound(self) -> bool:
        """There is a window or a blackout calendar: changes are not allowed at any time."""
        return bool(self._windows or self._blackouts)

    def at(self, now: datetime) -> Standing:
        """How it stands at a moment, which must be aware."""
        now = _aware(now)
        first = next(self._free(now), None)
        if first is not None and first.opening.covers(now):
            return _open(first, now)
        dark = max(self._dark(now, now + timedelta(microseconds=1)), key=lambda each: each.ends_at, default=None)
        following = first.opening if first else None
        opens_at = following.opens_at if following else None
        words = words_of_closed(dark, following, now)
        return Standing(None, dark.name if dark else "", None, opens_at, words, is_open=False)

    def upcoming(self, now: datetime, count: int) -> tuple[Opening, ...]:
        """The next openings that have not begun, without what blackouts take; none where it is open without an end."""
        now = _aware(now)
        standing = self.at(now)
        if not self._windows or (standing.is_open and standing.closes_at is None):
            return ()
        found: list[Opening] = []
        for opening in (each.opening for each in self._free(now) if each.opening.opens_at > now):
            if len(found) == count or (found and opening.opens_at <= found[-1].closes_at):  # more of one without end
                break
            found.append(opening)
        return tuple(found)

    def ended(self, now: datetime) -> tuple[str, ...]:
        """The windows that open no more: their rule has come to its end."""
        now = _aware(now)
        return tuple(each.name for each in self._windows if next(each.openings(now), None) is None)

    def _free(self, now: datetime) -> Iterator[Free]:
        """What is open from now on and no blackout takes, in order; it ends where nothing is in sight."""
        every = unions(self._windows, now, SIGHT) if self._windows else always(now, SIGHT)
        for number, opening in enumerate(every):
            if number and opening.opens_at > now + FAR:  # the first one counts, however rare it is: a 29 February
                return
            for free in left_of(opening, self._dark(opening.opens_at, opening.closes_at)):
                if free.opening.closes_at > now:
                    yield free

    def _dark(self, since: datetime, until: datetime) -> list[Blackout]:
        return [dark for each in self._blackouts for dark in each.between(since, until)]


def _open(free: Free, now: datetime) -> Standing:
    opening = free.opening
    closes_at = opening.closes_at if has_end(free, now) else None
    words = words_of_open(free, now)
    return Standing(opening if opening.name else None, "", closes_at, None, words, is_open=True)


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("now must be aware: a time without a zone is no moment")
    return now.astimezone(UTC)
