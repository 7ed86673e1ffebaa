"""Owns what the engine tells whoever listens: an event with keys, never a sentence. The engine knows no listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to a server; `event` is `noun.verbed`, such as "step.done" or "server.concluded"."""

    server: str
    event: str
    step: str = ""
    message: str = ""


Listen = Callable[[Notice], None]


def ignore(notice: Notice) -> None:
    """A listener that does not care."""
