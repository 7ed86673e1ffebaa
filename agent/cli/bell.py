"""Owns how a signal sets an event: a thread does it, for the handler may take no lock."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Self


class Bell:
    """Rung by a handler of signals; `with Bell(stop) as bell:`.

    A handler runs wherever the main thread happens to be, also within `Event.wait` while that holds the event's lock:
    `Event.set` would then wait for itself for ever. `SimpleQueue.put` may be called anywhere (documentation of
    Python's module `queue`, "reentrant").
    """

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._rung: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Listen no more; the event is set by now where it was rung for."""
        self._rung.put(False)
        self._thread.join()

    def ring(self) -> None:
        """Have the event set; takes no lock."""
        self._rung.put(True)

    def _listen(self) -> None:
        while self._rung.get():
            self._event.set()
