"""Owns Ctrl-C: once finishes the step and stops cleanly, twice stops now and says what is not known."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

FIRST = "\neasfix: stopping: steps under way are finished, nothing new begins. Again: stop now.\n"
SECOND = (
    "\neasfix: stopped now. A step that was under way is on record as intended, and is not known to be done or not:\n"
    "        easfix status lists it, easfix resume RUN looks at the server and goes on from there.\n"
)
NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


class Interrupt:
    """While in force, a signal sets `stop`; the second one ends the process with 130."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        """Take over the signals, where this thread may."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in NAMES:
            if number := getattr(signal, name, None):
                self._before[number] = signal.signal(number, self._caught)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            _say(SECOND)
            os._exit(130)  # threads hold the interpreter until a server answers; the record is durable already
        self._stop.set()
        _say(FIRST)


def _say(words: str) -> None:
    os.write(sys.stderr.fileno(), words.encode())
