"""Owns Ctrl-C: once finishes the step and stops cleanly, twice stops now and says what is not known."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from agent.errors import Interrupted

FIRST = "easfix: stopping: steps under way are finished, nothing new begins. Again: stop now."
SECOND = (
    "easfix: stopped now. A step that was under way is on record as intended, and is not known to be done or not:\n"
    "        easfix status lists it, easfix resume RUN looks at the server and goes on from there."
)
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, the end of the system, a closed terminal, and Ctrl-Break on Windows."""

SHOW_CURSOR = "\x1b[?25h"


class Interrupt:
    """While in force, a signal sets `stop`; the second one ends the process with 130."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.table: Callable[[str], None] | None = None  # says it within the live table, while there is one
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        """Take over the signals, where this thread may; one that is ignored, as under nohup, stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._caught)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set():
            _say(SECOND if self.table is None else f"{SHOW_CURSOR}\n{SECOND}")
            os._exit(130)  # threads hold the interpreter until a server answers; the record is durable already
        self.stop.set()
        (self.table or _say)(FIRST)


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """While a question stands, nothing is under way: Ctrl-C ends the command at once. Raises `Interrupted`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("stopped at the question: nothing was changed") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _say(words: str) -> None:
    """Without locks or buffers, since the signal may have come in the middle of either."""
    with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it any more
        os.write(sys.stderr.fileno(), f"\n{words}\n".encode())
