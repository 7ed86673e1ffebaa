"""Owns what is shown while a command works: a live table at a terminal, plain lines elsewhere; and the log of it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.cli.options import Options
from agent.cli.table import Rows
from agent.notice import Notice

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from agent.cli.interrupt import Interrupt

QUIET_EVENTS = frozenset({"server.looked_at", "server.found", "step.intended"})
"""Of interest to the table and the log, noise on plain lines."""


PULSE = 60.0
"""Seconds without a word, where nobody sees a table, after which one says what is under way."""


class Progress:
    """A listener for many threads; `with Progress(options, names) as listen:`."""

    def __init__(
        self,
        options: Options,
        servers: Sequence[str] = (),
        run: str = "",
        interrupt: Interrupt | None = None,
        *,
        pulse: float = PULSE,
    ) -> None:
        """`servers` are the names of all that will be worked on; `interrupt` learns where to say that it stops."""
        from agent import logs

        self._options = options
        self._log = logs.get().bind(run=run) if run else logs.get()
        self._rows = Rows(servers, time.monotonic())
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._pulse = pulse
        self._said_at = time.monotonic()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        """Begin the table, where somebody watches."""
        if self._interrupt is not None:
            self._interrupt.work.servers = self._rows.at_work
        if self._options.is_live:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=not self._options.color or None, highlight=False)

            def table() -> RenderableType:
                with self._lock:
                    return self._rows.render(time.monotonic(), console.size.height)

            self._live = Live(get_renderable=table, console=console, refresh_per_second=4, transient=True)
            self._live.__enter__()
            if self._interrupt is not None:
                self._interrupt.table = self._rows.say
        elif self._options.verbosity == 0:
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The table goes; the answer of the command takes its place."""
        self._over.set()
        if self._ticker.is_alive():
            self._ticker.join()
        if self._interrupt is not None:
            self._interrupt.table = None
        if self._live is not None:
            with contextlib.suppress(OSError):  # the terminal may be gone
                self._live.__exit__(kind, error, traceback)

    def __call__(self, notice: Notice) -> None:
        """Somebody tells something."""
        if self._interrupt is not None:
            self._interrupt.work.heard()
        keys = {"server": notice.server, "step": notice.step or None, "detail": notice.message or None}
        self._log.info(notice.event, **{key: value for key, value in keys.items() if value})
        with self._lock:
            self._rows.take(notice, time.monotonic())
            if self._live is None and self._options.verbosity == 0 and notice.event not in QUIET_EVENTS:
                self._say(self._options.typed(line(notice, time.strftime("%H:%M:%S"))))

    def _tick(self) -> None:
        """Once in a while say what is under way, where nothing else was said."""
        while not self._over.wait(max(0.01, self._said_at + self._pulse - time.monotonic())):
            with self._lock:
                if time.monotonic() - self._said_at >= self._pulse:
                    if words := self._rows.pulse(time.monotonic()):
                        self._say(f"{time.strftime('%H:%M:%S')}  {words}")
                    self._said_at = time.monotonic()

    def _say(self, words: str) -> None:
        """One plain line; whoever calls holds the lock."""
        self._said_at = time.monotonic()
        # Nobody may read any more, as behind `| head`: that must not break off what is being done to a server.
        with contextlib.suppress(OSError, ValueError):
            print(words, file=sys.stderr, flush=True)


def line(notice: Notice, stamp: str) -> str:
    """One plain line: when, which server, what."""
    verb = notice.event.partition(".")[2].replace("_", " ")
    if notice.event == "server.concluded":
        return f"{stamp}  {notice.server}  {notice.message}"
    words = f"{notice.step}: {verb}" if notice.step else verb
    return f"{stamp}  {notice.server}  {words}" + (f", {notice.message}" if notice.message else "")
