"""A loopback port that stays ours while nobody listens on it: a stopped service answers «connection refused»."""

from __future__ import annotations

import socket

BACKLOG = 128


class LoopbackPort:
    """One reserved TCP port; `listen` and `refuse` switch it, the number never changes until `release`.

    A bound socket that does not listen refuses connections, and keeps others (ephemeral ports among them) off the
    number. `SO_REUSEPORT` lets the next socket be bound before the listening one is closed.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self._socket = _bound(host, port)
        self.number: int = self._socket.getsockname()[1]
        self._listening = False

    @property
    def listening(self) -> bool:
        """True while connections are accepted by the kernel."""
        return self._listening

    def listen(self) -> socket.socket:
        """The socket to accept on; it stays the port's own, so close it through `refuse` only."""
        if not self._listening:
            self._socket.listen(BACKLOG)
            self._listening = True
        return self._socket

    def refuse(self) -> None:
        """Close the listening socket and hold the number with one that does not listen."""
        if not self._listening:
            return
        following = _bound(self.host, self.number) if _CAN_SHARE else None
        self._socket.close()
        self._socket = following or _bound(self.host, self.number)
        self._listening = False

    def release(self) -> None:
        """Give the number back to the system."""
        self._socket.close()
        self._listening = False


_CAN_SHARE = hasattr(socket, "SO_REUSEPORT")


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        if _CAN_SHARE:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
