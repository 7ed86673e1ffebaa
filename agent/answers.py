"""Owns the door for what a script answered: records whose missing properties read as null, and are then judged."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import BadAnswer
from agent.model import Record, Value


class Answer(dict[str, Value]):
    """A record that gives null for what it lacks: an answer too short is judged, and not stumbled over."""

    def __missing__(self, name: str) -> None:
        return None


def only(server: str, records: Sequence[Record]) -> Answer:
    """The one object that was asked for; raises `BadAnswer`."""
    if len(records) != 1:
        raise BadAnswer(server, f"one object was asked for, and {len(records)} came")
    return Answer(records[0])


def each(server: str, records: Sequence[Record], count: int) -> list[Answer]:
    """As many objects as were asked for; raises `BadAnswer`."""
    if len(records) != count:
        raise BadAnswer(server, f"{count} objects were asked for, and {len(records)} came")
    return [Answer(record) for record in records]


def of_kind(records: Sequence[Record], kind: str) -> list[Answer]:
    """The objects of one kind."""
    return [Answer(record) for record in records if record.get("Kind") == kind]


def number(server: str, answer: Record, name: str) -> int:
    """A whole number of an answer; raises `BadAnswer`."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadAnswer(server, f"{name} is {value!r} and not a number")
    return value
