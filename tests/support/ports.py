"""Port numbers on loopback for servers that must be told theirs."""

from __future__ import annotations

import socket


class HeldPort:
    """A number that nobody is given by chance between its choice and the start of the server that is told it.

    The socket is bound and never listens: a server that sets SO_REUSEADDR, as Apache, the KDC and PostgreSQL do, may
    still listen there, while a bind to port 0 and a connection's own end pass it by. Without a server it refuses.
    Tests run side by side: a number that was merely free a moment ago may be another test's server now.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def __enter__(self) -> HeldPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the number back to the system."""
        self._socket.close()
