"""Owns output on its way to a client: written by script threads, taken by Receive requests on the loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from agent.lab.winrm.answers import Piece


class Outbox:
    """The pieces of one command, or of a shell's own stream. `put` and `finish` are thread-safe."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.exit_code: int | None = None
        self._loop = loop
        self._lock = threading.Lock()
        self._pieces: deque[Piece | None] = deque()  # None: a Receive ends here although more is there
        self._bytes = 0
        self._done = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []  # each with how many bytes are enough for it
        self._told = False

    @property
    def bytes(self) -> int:
        """How much waits to be received."""
        return self._bytes

    @property
    def is_done(self) -> bool:
        """True once `finish` was called."""
        return self._done

    def put(self, piece: Piece) -> None:
        """Append output."""
        with self._lock:
            self._pieces.append(piece)
            self._bytes += len(piece.content)
            is_awaited = self._is_awaited()
        if is_awaited:
            self._tell()

    def barrier(self) -> None:
        """What comes after this goes into another answer."""
        with self._lock:
            if self._pieces:
                self._pieces.append(None)

    def finish(self, exit_code: int) -> None:
        """Nothing more will come; the first call counts."""
        with self._lock:
            if self._done:
                return
            self.exit_code = exit_code
            self._done = True
        self._tell()

    def take(self, room: int) -> tuple[list[Piece], bool]:
        """The pieces that fit into `room` bytes of an envelope (at least one), and whether that was the end."""
        taken: list[Piece] = []
        with self._lock:
            while self._pieces:
                piece = self._pieces[0]
                if piece is not None:
                    if taken and piece.cost > room:
                        break
                    taken.append(piece)
                    room -= piece.cost
                    self._bytes -= len(piece.content)
                self._pieces.popleft()
                if piece is None and taken:
                    break
            return taken, self._done and not self._pieces

    def has_news(self) -> bool:
        """Whether a Receive can be answered now."""
        with self._lock:
            return self._is_due(0)

    def waiter(self, enough: int = 0) -> asyncio.Future[None]:
        """A future that is set once a Receive can be answered; call on the loop.

        With `enough`, once waiting for more makes no better answer: it is the end, a barrier, or so many bytes are
        there. Nobody is woken for each piece of an answer that is still being written.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            self._waiting.append((enough, future))
            is_due = self._is_due(enough)
        if is_due:
            future.set_result(None)
        return future

    def _is_due(self, enough: int) -> bool:
        """Call with the lock held."""
        if enough:
            return self._done or None in self._pieces or self._bytes >= enough
        return self._done or bool(self._pieces)

    def _is_awaited(self) -> bool:
        """Call with the lock held."""
        return any(not future.done() and self._is_due(enough) for enough, future in self._waiting)

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        on_loop(self._loop, self._wake)

    def _wake(self) -> None:
        self._told = False
        with self._lock:
            self._waiting = [(enough, future) for enough, future in self._waiting if not future.done()]
            due = [future for enough, future in self._waiting if self._is_due(enough)]
        for future in due:
            future.set_result(None)


def post(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Set the future from any thread."""
    on_loop(loop, lambda: _settle(future))


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call on the loop, from any thread."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        # The loop is closed: the lab went down while something still ran, and nobody will ask.
        return
