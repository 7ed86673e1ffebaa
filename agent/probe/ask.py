"""Owns the asking without a logon: one OPTIONS over plain HTTP, over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable

from agent.probe.answer import PATH, Answer
from agent.probe.connecting import Place
from agent.probe.talk import MOST_BODY, USER_AGENT, Question, Talk


def ask(
    address: str,
    port: int,
    host: str,
    monotonic: Callable[[], float],
    *,
    seconds: float = 15.0,
    path: str = PATH,
    marker: str = USER_AGENT,
) -> Answer:
    """Ask the server at this address, by the name `host`, and wait no longer than so many seconds for all of it.

    The `marker` is the User-Agent, by which the question is found in the server's log.
    """
    talk = Talk(Place(address, port, host), monotonic, seconds)
    try:
        return talk.put(Question("OPTIONS", path, (("User-Agent", marker), ("Connection", "close"))))
    finally:
        talk.close()


__all__ = ["MOST_BODY", "ask"]
