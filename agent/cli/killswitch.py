"""Owns the kill switch: a file, or a word in the journal, that stops a command between two steps like Ctrl-C once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.outcome import STOPPED

if TYPE_CHECKING:
    from agent.journal import Journal


@dataclass(slots=True)
class KillSwitch:
    """Read before every step; who has once been stopped by it stays stopped."""

    file: Path | None
    words: str = ""  # "stopped by ..."
    _runs: dict[str, Journal] = field(default_factory=dict)

    def watch(self, journal: Journal, run: str) -> None:
        """Heed `easfix stop` for this run too."""
        self._runs[run] = journal

    def read(self) -> str:
        """By whom the command is stopped; empty while it may go on, and for one that has no run to stop."""
        if self._runs and not self.words:
            self.words = self.of_file() or self._of_journal()
        return self.words

    def of_file(self) -> str:
        """The file alone."""
        return f"{STOPPED} the stop file {self.file}" if self.file is not None and self.file.exists() else ""

    def _of_journal(self) -> str:
        asked = (journal.stop_asked(run) for run, journal in self._runs.items())
        return next((f"stopped {words}" for words in asked if words), "")
