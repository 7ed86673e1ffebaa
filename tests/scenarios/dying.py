"""A process that dies at the n-th step boundary: before or after a note of the journal, before or after a script."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from agent.journal import Journal, OpenRun, Terms
from agent.model import Holder, Prior, Proof, RunRecord, ServerState, Step, StepState

NO_TERMS = Terms()
NO_WAVES: Mapping[str, int] = MappingProxyType({})


class Died(BaseException):
    """The process is gone: nothing may catch it, and nothing happens after it."""


class Fuse:
    """Counts boundaries, and kills at the one it was set to; afterwards the dead stay dead."""

    def __init__(self, at: int | None = None) -> None:
        self.passed: list[str] = []
        self.is_blown = False
        self._at = at
        self._lock = threading.Lock()

    def tick(self, where: str) -> None:
        """A boundary is met."""
        with self._lock:
            self.is_blown = self.is_blown or len(self.passed) == self._at
            if self.is_blown:
                raise Died(where)
            self.passed.append(where)

    def wrap(self, journal: Journal) -> Journal:
        """The same journal, each note of which has a boundary before and after it."""
        return FusedJournal(self, journal)


class FusedJournal(Journal):
    """Hands out runs with boundaries."""

    def __init__(self, fuse: Fuse, journal: Journal) -> None:
        super().__init__(journal._store, journal._now, journal._scrub)
        self._fuse = fuse

    def begin(
        self,
        run: RunRecord,
        chosen: Iterable[str] = (),
        waiting: str = "not begun",
        waves: Mapping[str, int] = NO_WAVES,
    ) -> OpenRun:
        """As ever."""
        self._fuse.tick("before begin")
        return self._fused(super().begin(run, chosen, waiting, waves))

    def resume(self, run: str, holder: Holder, **given: Any) -> OpenRun:
        """As ever."""
        return self._fused(super().resume(run, holder, **given))

    def _fused(self, run: OpenRun) -> OpenRun:
        self._fuse.tick("after begin")
        return FusedRun(run.holder, run.store, run.now, run.scrub, self._fuse)


@dataclass(frozen=True)
class FusedRun(OpenRun):
    """A run whose every note may be the last."""

    fuse: Fuse

    def note(
        self,
        server: str,
        step: Step,
        state: StepState,
        *,
        originals: Sequence[Prior] = (),
        message: str = "",
        error: BaseException | None = None,
    ) -> int:
        """As ever."""
        noting = partial(super().note, server, step, state, originals=originals, message=message, error=error)
        return int(self._between(f"{step.id} {state}", noting))

    def admit(self, server: str, terms: Terms = NO_TERMS) -> None:
        """As ever."""
        self._between("admit", partial(super().admit, server, terms))

    def proved(self, server: str, given: Iterable[Proof]) -> None:
        """As ever."""
        self._between("proved", partial(super().proved, server, given))

    def conclude(self, server: str, state: ServerState, reason: str, *, outage_seconds: float | None = None) -> None:
        """As ever."""
        self._between(
            f"conclude {state}", partial(super().conclude, server, state, reason, outage_seconds=outage_seconds)
        )

    def owe_look(self, server: str, due_at: Any) -> None:
        """As ever."""
        self._between("owe_look", partial(super().owe_look, server, due_at))

    def close(self, server: str) -> None:
        """As ever."""
        self._between("close", partial(super().close, server))

    def end(self, exit_code: int) -> None:
        """As ever."""
        self._between("end", partial(super().end, exit_code))

    def _between(self, what: str, work: Any) -> Any:
        self.fuse.tick(f"before {what}")
        given = work()
        self.fuse.tick(f"after {what}")
        return given
