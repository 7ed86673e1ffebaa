"""Owns time in the lab: a real clock with one scheduler thread, and a clock that tests drive."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LOOK = 0.02  # seconds of real time between two looks at `woken`


def never() -> bool:
    """The `woken` of a sleep that nothing cuts short."""
    return False


class Timer:
    """A call that is due later; `cancel` is harmless once it has run."""

    __slots__ = ("cancelled", "due", "function")

    def __init__(self, due: float, function: Callable[[], object]) -> None:
        self.due = due
        self.function = function
        self.cancelled = False

    def cancel(self) -> None:
        """Forget the call."""
        self.cancelled = True


class _Agenda:
    """The timers of one clock, soonest first, in the order they were made where equal."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def add(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))

    def due(self, until: float) -> Timer | None:
        """Take the soonest live timer due at or before `until`."""
        if (first := self.soonest()) is None or first > until:
            return None
        return heapq.heappop(self._heap)[2]

    def soonest(self) -> float | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None


class Clock(ABC):
    """What time it is, how to wait, and how to be called later. Safe to use from any thread."""

    @abstractmethod
    def now(self) -> datetime:
        """The date and time, aware, UTC."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""

    @abstractmethod
    def sleep(self, seconds: float, woken: Callable[[], bool] = never) -> None:
        """Wait; return early once `woken()` is true (it is asked often). Hold no lock while calling."""

    @abstractmethod
    def call_later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Call the function once, `seconds` from now, in the clock's own thread; it must be quick."""


class RealClock(Clock):
    """The clock of a running lab. Its one scheduler thread starts with the first timer."""

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def now(self) -> datetime:
        """The date and time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float, woken: Callable[[], bool] = never) -> None:
        """Wait; `close` wakes every sleeper too."""
        end = time.monotonic() + seconds
        step = seconds if woken is never else _LOOK
        while (left := end - time.monotonic()) > 0 and not woken() and not self._closed.wait(min(step, left)):
            pass

    def call_later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Call the function once in the scheduler thread."""
        timer = Timer(time.monotonic() + max(0.0, seconds), function)
        with self._changed:
            soonest = self._agenda.soonest()
            self._agenda.add(timer)
            if self._thread is None:
                self._start()
            elif soonest is None or timer.due < soonest:  # or the thread would wake for nothing, again and again
                self._changed.notify()
        return timer

    def close(self) -> None:
        """Stop the scheduler; timers not yet due never run."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _start(self) -> None:
        if not self._closed.is_set():
            self._thread = threading.Thread(target=self._run, name="lab-clock", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while (timer := self._next()) is not None:
                if not timer.cancelled:
                    timer.function()
        finally:
            self._start()  # a call that failed is reported by its dying thread; the others still come true

    def _next(self) -> Timer | None:
        with self._changed:
            while not self._closed.is_set():
                if (timer := self._agenda.due(time.monotonic())) is not None:
                    return timer
                soonest = self._agenda.soonest()
                self._changed.wait(None if soonest is None else max(0.0, soonest - time.monotonic()))
        return None


class DrivenClock(Clock):
    """A clock that stands still until `advance`; with `auto` a sleep moves it along by itself."""

    def __init__(self, start: datetime = datetime(2011, 3, 14, 2, 0, tzinfo=UTC), *, auto: bool = False) -> None:
        self.auto = auto
        self._start = start
        self._elapsed = 0.0
        self._agenda = _Agenda()
        self._changed = threading.Condition()

    def now(self) -> datetime:
        """The date and time, aware, UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    def sleep(self, seconds: float, woken: Callable[[], bool] = never) -> None:
        """Wait for `advance` to pass the moment, or with `auto` advance to it."""
        end = self._elapsed + seconds
        if self.auto:
            self._advance_to(end, woken)
            return
        with self._changed:
            while self._elapsed < end and not woken():
                self._changed.wait(None if woken is never else _LOOK)

    def call_later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Call the function once, in the thread that advances the clock past the moment."""
        with self._changed:
            timer = Timer(self._elapsed + max(0.0, seconds), function)
            self._agenda.add(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move the time on, running every timer that falls due, each at its own moment."""
        self._advance_to(self._elapsed + seconds, never)

    def _advance_to(self, end: float, woken: Callable[[], bool]) -> None:
        while not woken():
            with self._changed:
                timer = self._agenda.due(end)
                self._elapsed = max(self._elapsed, end if timer is None else timer.due)
                self._changed.notify_all()
            if timer is None:
                return
            if not timer.cancelled:
                timer.function()
