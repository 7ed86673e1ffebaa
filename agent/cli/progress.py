"""Owns what is shown while a command works: a live table at a terminal, plain lines elsewhere; and the log of it."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.cli.options import Options
from agent.notice import Notice

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

QUIET_EVENTS = frozenset({"server.looked_at", "server.found", "step.intended"})
"""Of interest to the table and the log, noise on plain lines."""


@dataclass(slots=True)
class Row:
    """One server of the table."""

    since: float
    step: str
    message: str = ""
    ended: float | None = None


class Progress:
    """A listener for many threads; `with Progress(options, run) as listen:`."""

    def __init__(self, options: Options, run: str = "") -> None:
        from agent import logs

        self._options = options
        self._log = logs.get().bind(run=run) if run else logs.get()
        self._rows: dict[str, Row] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin the table, where somebody watches."""
        if self._options.is_live:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=not self._options.color or None)
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The table stays as it is."""
        if self._live is not None:
            self._live.__exit__(kind, error, traceback)

    def __call__(self, notice: Notice) -> None:
        """Somebody tells something."""
        keys = {"server": notice.server, "step": notice.step or None, "detail": notice.message or None}
        self._log.info(notice.event, **{key: value for key, value in keys.items() if value})
        with self._lock:
            self._remember(notice)
            if self._live is None and self._options.verbosity == 0 and notice.event not in QUIET_EVENTS:
                stamp = time.strftime("%H:%M:%S")
                words = "  ".join(part for part in (notice.event, notice.step, notice.message) if part)
                print(f"{stamp}  {notice.server}  {words}", file=sys.stderr, flush=True)

    def _remember(self, notice: Notice) -> None:
        row = self._rows.setdefault(notice.server, Row(time.monotonic(), ""))
        row.step = notice.step or notice.event.partition(".")[2].replace("_", " ")
        row.message = notice.message
        if notice.event in ("server.concluded", "server.found", "server.failed"):
            row.ended = time.monotonic()

    def _table(self) -> Table:
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for title in ("server", "step", "elapsed", ""):
            table.add_column(title, no_wrap=title != "", overflow="ellipsis")
        with self._lock:
            for name, row in sorted(self._rows.items()):
                elapsed = (row.ended or time.monotonic()) - row.since
                table.add_row(name, row.step, f"{elapsed:.0f} s", row.message)
        return table
