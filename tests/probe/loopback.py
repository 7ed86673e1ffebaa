"""A server on loopback that answers one connection with given bytes, and a clock that tests drive."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable


class Listener:
    """Answers each connection with the same pieces; keeps what it was asked."""

    def __init__(self, pieces: Iterable[bytes], *, hold: bool) -> None:
        self.pieces = pieces
        self.asked: list[bytes] = []
        self.done = threading.Event()
        self._hold = hold
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.done.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 5).close()  # closing alone does not wake accept()
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while not self.done.is_set():
                connection, _ = self._socket.accept()
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked and (piece := connection.recv(65536)):
            asked += piece
        if not asked:
            return
        self.asked.append(asked)
        for piece in self.pieces:
            connection.sendall(piece)
        if self._hold:
            self.done.wait(30)


class Ticking:
    """A monotonic clock that goes on by a step each time it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.step = step
        self.time = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time
