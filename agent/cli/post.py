"""Owns what people are told of a schedule: what is new in a tick, and a tick that failed; once, and then silence."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.telling import tell, title
from agent.cli.told import Told

if TYPE_CHECKING:
    from agent.cli.news import Seen
    from agent.cli.options import Options
    from agent.cli.scheduled import Schedule
    from agent.config import Config
    from agent.logs import Redactor


@dataclass(frozen=True, slots=True)
class Post:
    """Tells of a schedule, as the configuration wants it told; the last good one where the newest is broken."""

    config: Config
    redactor: Redactor
    options: Options
    schedule: Schedule

    def tick(self, seen: Seen, summary: str) -> None:
        """Tell what is new in a tick, where anything is."""
        from agent.calendar import windows_of
        from agent.cli.news import news

        if not self.config.notify:
            return
        path = self.schedule.told_file(self.config)
        found = news(Told.read(path), seen, windows_of(self.config))
        if found.headline:
            self._send(found.headline, [summary, *found.lines, f"see: {self.options.line('status')}"])
        self._keep(found.told, path)

    def failure(self, words: str) -> None:
        """Tell that a tick came to nothing; the same words are told once."""
        from agent.errors import EasfixError

        if not self.config.notify:
            return
        before, path, words = Told(), None, self.redactor.text(words)
        with contextlib.suppress(EasfixError):  # the selection itself may be what is wrong
            path = self.schedule.told_file(self.config)
            before = Told.read(path)
        if before.failure == words:
            return
        lines = [f"{self.schedule.words}: the tick came to nothing: {words}"]
        self._send("a tick failed", [*lines, f"see: {self.options.line('config check')}"])
        if path is not None:
            self._keep(replace(before, failure=words), path)

    def _send(self, headline: str, lines: Sequence[str]) -> None:
        from agent.notify import Message

        tell(self.config, self.redactor, Message(title(headline), "\n".join(lines), is_bad=True))

    def _keep(self, told: Told, path: Path) -> None:
        """Where it cannot be kept, the same may be told again; that is no reason to fail."""
        from agent import logs

        try:
            told.write(path)
        except OSError as error:
            logs.get().warning("told.unwritable", file=str(path), detail=error.strerror)
