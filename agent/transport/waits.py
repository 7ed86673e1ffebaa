"""Owns how long a visit waits for what; in a module of its own, because it needs no library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: for a connection, for the server to hold a request (WinRM 2.0 allows 60, domain 6.1), for an answer.

    An answer may always take longer than the server may hold the request, or every quiet server looks dead.
    """

    connect: float = 10.0
    operation: int = 20
    read: float = 40.0

    def __post_init__(self) -> None:
        """ValueError where the answer would be given up before the server may give it."""
        if self.read <= self.operation:
            raise ValueError("read must be more than operation")


WAITS = Waits()
"""Unless the configuration says otherwise."""
