"""Owns the name map of the lab: which real loopback endpoint stands for "ex01.lab.example", port 80."""

from __future__ import annotations

import threading

Endpoint = tuple[str, int]


class Network:
    """Names without regard to case. Shared by all machines of a fleet."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._endpoints: dict[tuple[str, int], Endpoint] = {}
        self._blocked: set[tuple[str, int]] = set()
        self._origins: dict[tuple[int, int], str] = {}
        self._lock = threading.RLock()

    def register(self, address: str, *names: str) -> None:
        """Give a machine's names an address, as DNS would."""
        with self._lock:
            for name in names:
                self._addresses[name.lower()] = address

    def address_of(self, host: str) -> str | None:
        """The address DNS gives; None for a name nobody has."""
        return self._addresses.get(host.lower())

    def publish(self, host: str, port: int, endpoint: Endpoint) -> None:
        """Somebody listens on the world's host and port at this real endpoint."""
        with self._lock:
            self._endpoints[(host.lower(), port)] = endpoint

    def withdraw(self, host: str, port: int) -> None:
        """Nobody listens there any more."""
        with self._lock:
            self._endpoints.pop((host.lower(), port), None)

    def block(self, host: str, port: int) -> None:
        """A firewall now drops what goes there: a connection times out."""
        with self._lock:
            self._blocked.add((host.lower(), port))

    def unblock(self, host: str, port: int) -> None:
        """The firewall lets it pass again."""
        with self._lock:
            self._blocked.discard((host.lower(), port))

    def is_blocked(self, host: str, port: int) -> bool:
        """True when a connection would get no answer at all."""
        return (host.lower(), port) in self._blocked

    def resolve(self, host: str, port: int) -> Endpoint | None:
        """The real endpoint; None when nobody listens there (refused) or it is blocked (times out)."""
        with self._lock:
            if self.is_blocked(host, port):
                return None
            return self._endpoints.get((host.lower(), port))

    def note_origin(self, source: int, target: int, address: str) -> None:
        """The connection between these real ports was made by the machine with this address."""
        with self._lock:
            self._origins[(source, target)] = address

    def forget_origin(self, source: int, target: int) -> None:
        """The connection between these real ports is closed; whoever accepted it says so."""
        with self._lock:
            self._origins.pop((source, target), None)

    def origin_of(self, source: int, target: int) -> str | None:
        """The address of the machine a connection comes from; None for one from outside the lab."""
        return self._origins.get((source, target))
