"""Owns the live table: a row a server with its step and elapsed time, as many as the screen holds, and a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.notice import Notice

if TYPE_CHECKING:
    from rich.console import RenderableType

ENDINGS = frozenset({"server.concluded", "server.found", "server.failed"})
AT_WORK = {"server.looked_at": "look", "server.started": "connect", "server.proving": "prove"}
"""What a server is busy with after an event that names no step."""

GOOD = frozenset({"found", "changed", "right"})
BESIDE = 4
"""Lines of the screen that rows may not have: the heading, the count, a word of the operator's, the cursor's."""

MOST_NAMED = 5
"""Servers that one line about what is under way names, those that take longest."""

COLORS = {"found": "green", "right": "green", "changed": "green", "skipped": "cyan", "rolled_back": "magenta"}


@dataclass(slots=True)
class Row:
    """One server that is being worked on, or has been; `state` is a word once it has ended."""

    name: str
    since: float
    step_since: float = 0.0
    step: str = ""
    message: str = ""
    ended: float | None = None
    state: str = ""

    @property
    def rank(self) -> int:
        """At work first, then what went wrong, then the rest."""
        if self.ended is None:
            return 0
        return 2 if self.state in GOOD else 1


class Rows:
    """Every server of the command; not for several threads at once."""

    def __init__(self, servers: Sequence[str], now: float) -> None:
        self._servers = servers
        self._begun = now
        self._rows: dict[str, Row] = {}
        self._said = ""

    def take(self, notice: Notice, now: float) -> None:
        """Something happened to a server."""
        row = self._rows.setdefault(notice.server, Row(notice.server, now))
        action, _, path = notice.step.partition(" ")
        verb = notice.event.partition(".")[2]
        step = action or AT_WORK.get(notice.event, verb.replace("_", " "))
        if step != row.step or row.ended is not None:
            row.step_since = now
        row.step = step
        row.message = notice.message or path
        row.ended = now if notice.event in ENDINGS else None
        if notice.event == "server.concluded":
            row.state, _, row.message = notice.message.partition(": ")
        elif row.ended is not None:
            row.state = notice.event.partition(".")[2]

    def say(self, words: str) -> None:
        """A word to the operator, below the table; takes no lock, since a signal may call it at any time."""
        self._said = words

    def at_work(self) -> list[str]:
        """The servers that have begun and not ended; takes no lock either."""
        return sorted(row.name for row in list(self._rows.values()) if row.ended is None)

    def pulse(self, now: float) -> str:
        """What is under way, for how long, and how far it all has come; empty where nothing is."""
        busy = sorted((row for row in self._rows.values() if row.ended is None), key=lambda row: row.step_since)
        if not busy:
            return ""
        named = [f"{row.name} {row.step} for {clock(now - row.step_since)}" for row in busy[:MOST_NAMED]]
        more = f" and {len(busy) - MOST_NAMED} more" if len(busy) > MOST_NAMED else ""
        return f"still at it: {', '.join(named)}{more}; {self.count(now)}"

    def shown(self, height: int) -> list[Row]:
        """The rows that a screen of this height has room for, the most telling first."""
        room = max(1, height - BESIDE)
        return sorted(self._rows.values(), key=lambda row: (row.rank, row.name))[:room]

    def count(self, now: float) -> str:
        """How far it has come, in one line."""
        ended = [row for row in self._rows.values() if row.ended is not None]
        states = Counter(row.state.replace("_", " ") for row in ended)
        waiting = max(0, len(self._servers) - len(self._rows))
        parts = [f"{len(ended)} of {max(len(self._servers), len(self._rows))} servers done"]
        parts += [f"{len(self._rows) - len(ended)} at work", *([f"{waiting} waiting"] if waiting else [])]
        parts += [f"{number} {state}" for state, number in sorted(states.items()) if state != "found"]
        return f"{', '.join(parts)}; {clock(now - self._begun)}"

    def render(self, now: float, height: int) -> RenderableType:
        """The table for a screen of this height."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="", expand=True)
        for title, ratio in (("server", None), ("step", None), ("elapsed", None), ("", 1)):
            justify = "right" if title == "elapsed" else "left"
            table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=ratio, justify=justify)  # type: ignore[arg-type]  # a word of rich's own list
        for row in self.shown(height):
            word = row.state.replace("_", " ") if row.state and row.state != "found" else row.step
            style = COLORS.get(row.state, "red" if row.ended is not None else "")
            elapsed = clock((row.ended or now) - row.since)
            table.add_row(row.name, Text(word, style), elapsed, Text(row.message))
        lines: list[RenderableType] = [table, Text(self.count(now), overflow="ellipsis", no_wrap=True)]
        if self._said:
            lines.append(Text(self._said, "yellow", overflow="ellipsis", no_wrap=True))
        return Group(*lines)


def clock(seconds: float) -> str:
    """Elapsed time: "7 s", "1:05", "1:00:05"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
