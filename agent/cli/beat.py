"""Owns the beat of a run: while it is open, a thread says in the journal that this process lives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent.errors import JournalError, Locked

if TYPE_CHECKING:
    from agent.journal import OpenRun


class Beat:
    """Beats until it is told to stop. One that fails is no end: the fence sees how old the last one is."""

    def __init__(self, run: OpenRun, every: float) -> None:
        self.run = run
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=f"beat-{run.id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No beat comes any more when this returns."""
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        from agent import logs

        while not self._over.wait(self._every):
            try:
                self.run.beat()
            except Locked:  # another process has the run: the fence keeps this one from sending
                return
            except JournalError as error:
                logs.get().bind(run=self.run.id).warning("beat.failed", detail=error.message)


class Beats:
    """The beats of all the runs that a command has open."""

    def __init__(self) -> None:
        self._beats: dict[str, Beat] = {}

    def begin(self, run: OpenRun, every: float) -> None:
        """From now on, until the run or the command ends."""
        if run.id not in self._beats:
            self._beats[run.id] = Beat(run, every)

    def end(self, run: str) -> None:
        """The run has ended; one that never beat may end too."""
        if beat := self._beats.pop(run, None):
            beat.stop()

    def close(self) -> None:
        """The command ends."""
        for run in list(self._beats):
            self.end(run)
