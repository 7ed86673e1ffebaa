"""Owns the visits to proxies: few at a time each, and used again, because every server of a run asks through them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import ServerError
from agent.model import Record, Script, Server
from agent.transport import Arguments, Connect, ReadOnly

AT_ONCE = 3
"""WinRM 2.0 allows five shells per user (domain 6.1); other tools, and a second run, need some of them."""


class ProxyPool:
    """Read-only visits to proxies, for many threads."""

    def __init__(self, connect: Connect, at_once: int = AT_ONCE) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: dict[str, list[ReadOnly]] = defaultdict(list)
        self._rooms: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(at_once))

    def ask(self, proxy: Server, script: Script, arguments: Arguments) -> list[Record]:
        """Run a script that reads on the proxy; raises a `ServerError`."""
        with self._visit(proxy) as visit:
            return visit.run(script, arguments)

    def close(self) -> None:
        """End every visit."""
        with self._lock:
            idle = [visit for visits in self._idle.values() for visit in visits]
            self._idle.clear()
        for visit in idle:
            visit.close()

    @contextmanager
    def _visit(self, proxy: Server) -> Iterator[ReadOnly]:
        with self._lock:
            room = self._rooms[proxy.name]
        with room:
            with self._lock:
                visit = self._idle[proxy.name].pop() if self._idle[proxy.name] else None
            visit = visit or ReadOnly(self._connect(proxy), proxy.name)
            try:
                yield visit
            except ServerError:
                visit.close()
                raise
            with self._lock:
                self._idle[proxy.name].append(visit)
