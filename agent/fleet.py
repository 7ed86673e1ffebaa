"""Owns one run over many servers: a thread each, as many at once as allowed; a server's failure is data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from agent.detect import look
from agent.errors import Interrupted, ServerError, told_by
from agent.model import Finding, Script, Server
from agent.notice import Listen, Notice
from agent.retry import Questioner
from agent.transport import Connect, ReadOnly

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at a server came to: a finding, or the error that prevented it."""

    server: Server
    finding: Finding | None
    error: ServerError | Interrupted | None = None


def over(items: Iterable[S], work: Callable[[S], T], concurrency: int) -> list[T]:
    """Do the work on every item, `concurrency` at a time; results in the order of the items.

    An exception is a defect or a journal that cannot be written: what has not begun then does not begin any more.
    """
    is_broken = threading.Event()

    def begin(item: S) -> T:
        if is_broken.is_set():
            raise CancelledError  # seen by nobody: an item before this one has raised what is raised below
        try:
            return work(item)
        except BaseException:
            is_broken.set()
            raise

    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="server") as pool:
        futures = [pool.submit(begin, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at servers, and holds nothing that can write."""

    connect: Connect
    script: Script
    questioner: Questioner
    now: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    listen: Listen

    def one(self, server: Server) -> Looked:
        """Look at one server, on one visit; not at all where the operator wants no more."""
        if self.is_stopping():
            return Looked(server, None, Interrupted("stopped by the operator before it was looked at"))
        self.listen(Notice(server.name, "server.looked_at"))
        try:
            transport = self.connect(server)
            try:
                reading = ReadOnly(transport, server.name)
                with told_by(server.name):
                    finding = self.questioner.ask(lambda: look(server, reading, self.script, self.now()))
            finally:
                transport.close()
        except ServerError as error:
            self.listen(Notice(server.name, "server.failed", message=error.message))
            return Looked(server, None, error)
        self.listen(Notice(server.name, "server.found"))
        return Looked(server, finding)
