"""Owns the door for what a script answered: its records, each property asked for by name and type, or read as null."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from agent.errors import BadAnswer
from agent.model import Record, SslFlags, Value
from agent.printable import shortly
from agent.sane import is_sane

T = TypeVar("T")


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


def overwritten(path: str, answer: Answer, written: SslFlags) -> str:
    """What a key holds, where that is another value than easfix wrote and SSL is required again; else nothing."""
    if answer["Exists"] is not True or answer["Explicit"] is not True or not isinstance(answer["Flags"], int):
        return ""
    now = SslFlags.of(answer["Flags"])
    if now == written or not now.blocks_proxy:
        return ""
    return f"{path} holds {now.meaning} of its own, which easfix did not write, and it is left as it is"


class Fields:
    """One record's properties, each asked for by name and type; what is missing or makes no sense is a `BadAnswer`.

    `asked` says who asked, such as "detection"; names go without regard to case, as PowerShell has them.
    """

    def __init__(self, server: str, asked: str, record: Record, hint: str = "") -> None:
        self._server = server
        self._asked = asked
        self._hint = hint
        self._record = {name.lower(): value for name, value in record.items()}

    @property
    def kind(self) -> str:
        """What the record is about."""
        return self.text("Kind")

    def text(self, name: str) -> str:
        """A string; null is the empty string."""
        value = self._get(name)
        return "" if value is None else self._typed(name, value, str)

    def number(self, name: str) -> int:
        """A whole number."""
        return self._typed(name, self._get(name), int)

    def truth(self, name: str) -> bool:
        """A boolean, not a number."""
        return self._typed(name, self._get(name), bool)

    def maybe(self, name: str) -> bool | None:
        """A boolean, or None where the server did not say."""
        return None if self._get(name) is None else self.truth(name)

    def optional(self, name: str, make: Callable[[int], T]) -> T | None:
        """A whole number made into something, or None for null."""
        return None if self._get(name) is None else make(self.number(name))

    def count(self, name: str) -> int | None:
        """A whole number written as text; None for any other text, and for more digits than a 64-bit word has."""
        text = self.text(name).strip()
        return int(text) if text.isdecimal() and len(text) < 19 else None

    def one_of(self, name: str, words: Iterable[str], what: str) -> str:
        """One of these words."""
        word = self.text(name)
        if word not in set(words):
            raise self.bad(f"{name} = {shortly(word)}, which is no {what}")
        return word

    def moment(self, name: str) -> datetime:
        """A time in UTC, in .NET's round-trip format."""
        text = self.text(name)
        try:
            # .NET writes seven digits of a second, Python reads six; the last is cut off.
            made = datetime.fromisoformat(text[:26].removesuffix("Z") + "+00:00")
        except ValueError:
            raise self.bad(f"{name} = {shortly(text)}, which is no time") from None
        if not is_sane(made):
            raise self.bad(f"{name} = {shortly(text)}, which is no time of our age")
        return made

    def bad(self, what: str) -> BadAnswer:
        """The error for an answer of this kind."""
        return BadAnswer(self._server, f"{self._asked} answered {what}", self._hint)

    def _get(self, name: str) -> object:
        try:
            return self._record[name.lower()]
        except KeyError:
            raise BadAnswer(self._server, f"{self._asked} answered without the property {name}", self._hint) from None

    def _typed(self, name: str, value: object, kind: type[T]) -> T:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.bad(f"{name} = {shortly(value)}, which is not {kind.__name__}")
        return value


def number(server: str, answer: Record, name: str) -> int:
    """A whole number of an answer; raises `BadAnswer`."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadAnswer(server, f"{name} is {shortly(value)} and not a number")
    return value
