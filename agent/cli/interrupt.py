"""Owns Ctrl-C: once finishes the step and stops cleanly, twice stops now and says what is not known."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TextIO

from agent.cli.bell import Bell
from agent.errors import Interrupted

FIRST = "easfix: stopping: steps under way are finished, nothing new begins. Again: stop now."
NOT_KNOWN = "A step that was under way is on record as intended, and is not known to be done or not."
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, the end of the system, a closed terminal, and Ctrl-Break on Windows."""

SHOW_CURSOR = "\x1b[?25h"


def _nobody() -> list[str]:
    return []


def _unheard() -> None:
    """Nobody watches for signs of life."""


@dataclass(slots=True)
class Work:
    """What a signal would break off; told by the session and its progress, read within the handler."""

    command: str = ""
    run: str = ""  # empty before a run begins, and for a command that only looks
    as_json: bool = False
    servers: Callable[[], list[str]] = _nobody  # those under way
    typed: Callable[[str], str] = str  # a sentence with its commands as they must be typed here
    heard: Callable[[], None] = _unheard  # called with each notice: a sign that the work goes on

    def broken_off(self) -> tuple[str, str]:
        """What is so now, and what to do next."""
        names = ", ".join(self.servers())
        if not self.run:
            return "stopped now. No run had begun, so nothing was changed.", ""
        under_way = f" Under way: {names}. {NOT_KNOWN}" if names else ""
        hint = (
            f"easfix resume {self.run} looks at the servers and goes on from there; easfix status lists what is owed."
        )
        return f"run {self.run} stopped now.{under_way}", self.typed(hint)


class Interrupt:
    """While in force, a signal sets `stop`; the second one ends the process with 130."""

    def __init__(self, stop: threading.Event, work: Work | None = None) -> None:
        self.stop = stop
        self.work = work or Work()
        self.table: Callable[[str], None] | None = None  # says it within the live table, while there is one
        self._is_first = True
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> None:
        """Take over the signals, where this thread may; one that is ignored, as under nohup, stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        caught = functools.partial(self._caught, self._exits.enter_context(Bell(self.stop)))
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._exits.callback(signal.signal, number, signal.signal(number, caught))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the signals back."""
        self._exits.close()

    def _caught(self, bell: Bell, _number: int, _frame: FrameType | None) -> None:
        """Takes no lock: the thread it interrupts may hold it."""
        if self.stop.is_set() or not self._is_first:
            self._break_off()
            os._exit(130)  # threads hold the interpreter until a server answers; the record is durable already
        self._is_first = False
        bell.ring()
        (self.table or _say)(FIRST)

    def _break_off(self) -> None:
        message, hint = self.work.broken_off()
        words = f"easfix: {message}" + (f"\n        {hint}" if hint else "")
        _say(words if self.table is None else f"{SHOW_CURSOR}\n{words}")
        if self.work.as_json:
            document = envelope(self.work.command, self.work.run, 130, message, next_step=hint)
            _write(sys.stdout, f"{json.dumps(document, indent=2)}\n")


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


def envelope(
    command: str, run: str, code: int, message: str, where: str = "", next_step: str = ""
) -> dict[str, object]:
    """The document of a command that came to no answer."""
    error = {"message": message, "where": where, "next_step": next_step}
    document = {"schema": "easfix/1", "command": command, "run": run or None, "exit_code": code}
    return {**document, "servers": [], "error": error}


def _say(words: str) -> None:
    _write(sys.stderr, f"\n{words}\n")


def _write(stream: TextIO, words: str) -> None:
    """Without locks or buffers, since the signal may have come in the middle of either."""
    with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it any more
        os.write(stream.fileno(), words.encode())
