"""Owns the engines of one pool: as many as the client asked for, each running one pipeline at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.winrm.shell import Host
    from agent.lab.world.processes import Process

Job = Callable[["Engine"], None]
_LOG = logging.getLogger(__name__)


class Runspaces:
    """A job waits until an engine is free; variables live on in the engine."""

    def __init__(self, host: Host, process: Process, user: str) -> None:
        self.limit = 1
        self._host = host
        self._process = process
        self._user = user
        self._lock = threading.Lock()
        self._idle: list[Engine] = []
        self._made = 0
        self._waiting: deque[Job] = deque()

    @property
    def available(self) -> int:
        """How many pipelines could start now."""
        with self._lock:
            return len(self._idle) + max(0, self.limit - self._made)

    def submit(self, job: Job) -> None:
        """Run the job on a script thread as soon as an engine is free."""
        with self._lock:
            self._waiting.append(job)
        self._next()

    def _next(self) -> None:
        with self._lock:
            if not self._waiting or (not self._idle and self._made >= self.limit):
                return
            job = self._waiting.popleft()
            engine = self._idle.pop() if self._idle else None
            self._made += engine is None
        self._host.authority.threads.submit(self._run, job, engine).add_done_callback(_report)

    def _run(self, job: Job, engine: Engine | None) -> None:
        engine = engine or self._host.new_engine(self._host.machine, self._process, self._user)
        try:
            job(engine)
        finally:
            with self._lock:
                self._idle.append(engine)
            self._next()


def _report(future: Future[None]) -> None:
    """A job never raises; when it does, the lab itself is broken and says so."""
    if not future.cancelled() and (error := future.exception()) is not None:
        _LOG.error("a script thread broke down", exc_info=error)
