"""Owns whose turn it is: no server is asked more than so many things at once, however large the grid."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 8
"""Questions that one web server is asked at the same time."""


class Turns:
    """Room for a few at each server, by name; for many threads. Take the proxy's turn before the back-end's."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._lock = threading.Lock()
        self._rooms: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(at_once))

    @contextmanager
    def of(self, server: str) -> Iterator[None]:
        """Hold this while asking the server."""
        with self._lock:
            room = self._rooms[server]
        with room:
            yield
