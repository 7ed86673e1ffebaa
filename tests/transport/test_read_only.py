"""A read-only visit cannot write."""

import pytest

from agent import errors
from agent.model import Effect, Record, Script
from agent.transport import Arguments, ReadOnly


class Recorder:
    """A transport that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Arguments]] = []
        self.is_closed = False

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append((script.id, arguments))
        return [{"Kind": "server"}]

    def close(self) -> None:
        self.is_closed = True


def script(effect: Effect) -> Script:
    return Script("clear", "'x'", effect, "00", 60.0)


def test_a_write_never_reaches_the_transport_below() -> None:
    below = Recorder()

    with pytest.raises(errors.WriteRefused) as caught:
        ReadOnly(below, "EX01").run(script(Effect.WRITE), {})

    assert below.sent == []
    assert caught.value.server == "EX01"
    assert caught.value.untouched


def test_a_read_passes_with_its_arguments() -> None:
    below = Recorder()

    assert ReadOnly(below).run(script(Effect.READ), {"Site": 1}) == [{"Kind": "server"}]
    assert below.sent == [("clear", {"Site": 1})]


def test_closing_closes_the_visit_below() -> None:
    below = Recorder()
    ReadOnly(below).close()

    assert below.is_closed
