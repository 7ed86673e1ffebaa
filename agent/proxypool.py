"""Owns the visits to proxies: few at a time each, and used again, because every server of a run asks through them."""

from __future__ import annotations

import threading
from collections import defaultdict

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
        """Run a script that reads on the proxy; raises a `ServerError`.

        A visit that was used before may have grown too old in between (a shell ends after three idle minutes, domain
        6.1); where that is what went wrong, a new one is tried.
        """
        with self._room(proxy.name):
            if used := self._take(proxy.name):
                try:
                    return self._run(proxy.name, used, script, arguments)
                except ServerError as error:
                    if not error.retryable:
                        raise
            return self._run(proxy.name, ReadOnly(self._connect(proxy), proxy.name), script, arguments)

    def close(self) -> None:
        """End every visit."""
        with self._lock:
            idle = [visit for visits in self._idle.values() for visit in visits]
            self._idle.clear()
        for visit in idle:
            visit.close()

    def _run(self, name: str, visit: ReadOnly, script: Script, arguments: Arguments) -> list[Record]:
        """A visit that went wrong is ended; any other is kept for the next question."""
        try:
            answer = visit.run(script, arguments)
        except BaseException:
            visit.close()
            raise
        with self._lock:
            self._idle[name].append(visit)
        return answer

    def _take(self, name: str) -> ReadOnly | None:
        with self._lock:
            return self._idle[name].pop() if self._idle[name] else None

    def _room(self, name: str) -> threading.Semaphore:
        with self._lock:
            return self._rooms[name]
