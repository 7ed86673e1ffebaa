"""Who may have been given up for dead sends no write: the fence asks when the session stands, and after a break."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.course.fence import Fence
from agent.errors import EasfixError, Fenced, Lapsed
from agent.model import Effect, Record, Script
from agent.transport import Arguments

READS = Script("look", "", Effect.READ, "0" * 64, 60)
WRITES = Script("write", "", Effect.WRITE, "0" * 64, 60)


class Server:
    """Tells what happened in its order; the next answers may be errors."""

    def __init__(self, *errors: EasfixError | None) -> None:
        self.told: list[str] = []
        self._errors = list(errors)

    def ready(self) -> None:
        self.told.append("ready")

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.told.append(script.id)
        if self._errors and (error := self._errors.pop(0)):
            raise error
        return [{"N": 1}]

    def close(self) -> None:
        self.told.append("close")


def fence(server: Server, answers: Sequence[bool] = ()) -> Fence:
    """One that opens as said, and is open afterwards."""
    left = list(answers)

    def check() -> None:
        server.told.append("check")
        if left and not left.pop(0):
            raise Fenced("its last beat is too old", where="EX01")

    return Fence(server, check)


def lapsed() -> Lapsed:
    return Lapsed("EX01", "the server had closed the connection; nothing was sent")


def test_what_only_looks_is_not_asked() -> None:
    server = Server()
    fence(server).run(READS, {})

    assert server.told == ["look"]


def test_a_write_is_asked_about_when_the_session_stands() -> None:
    """Opening one may take as long as it takes to be given up for dead."""
    server = Server()
    fence(server).run(WRITES, {})

    assert server.told == ["ready", "check", "write"]


def test_who_is_fenced_sends_nothing() -> None:
    server = Server()
    with pytest.raises(Fenced):
        fence(server, [False]).run(WRITES, {})

    assert "write" not in server.told


def test_a_session_that_ended_meanwhile_is_asked_about_again() -> None:
    server = Server(lapsed())

    assert fence(server).run(WRITES, {}) == [{"N": 1}]
    assert server.told == ["ready", "check", "write", "ready", "check", "write"]


def test_who_was_given_up_while_asleep_sends_nothing_over_a_new_session() -> None:
    server = Server(lapsed())
    with pytest.raises(Fenced):
        fence(server, [True, False]).run(WRITES, {})

    assert server.told == ["ready", "check", "write", "ready", "check"]


def test_a_session_that_ends_again_is_told() -> None:
    with pytest.raises(Lapsed):
        fence(Server(lapsed(), lapsed())).run(WRITES, {})
