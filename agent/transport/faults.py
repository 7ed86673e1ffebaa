"""Owns what went wrong on the way to a server, in facts: taken from foreign exceptions without knowing their classes.

Only the names of classes are looked at, so that neither library is loaded to understand the other's errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent.printable import printable


class Stage(StrEnum):
    """How far a script had got when it went wrong."""

    OPENING = "opening"  # no script has left
    SENDING = "sending"  # the request that carries the script was under way
    RUNNING = "running"  # the server has the script


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, in facts."""

    stage: Stage
    names: frozenset[str] = frozenset()  # class names of the exception, its bases and its causes
    text: str = ""
    status: int | None = None  # HTTP
    code: int | None = None  # WSManFault
    logon_code: int | None = None  # of Kerberos or SSPI, as a signed 32-bit number

    def is_any(self, *names: str) -> bool:
        """One of these classes is among the exception, its bases and its causes."""
        return not self.names.isdisjoint(names)


_LONGEST = 5000  # letters of an error that are looked at: a server may have chosen them

_NUMBERS = re.compile(r"\[(Errno|WinError) -?\d+\] ")
"""What Python puts before the system's own words."""


def describe(
    error: BaseException, stage: Stage, *, status: int | None = None, code: int | None = None, text: str = ""
) -> Fault:
    """The facts of a foreign exception; what only its library's owner can read from it comes as arguments."""
    chain = tuple(_chain(error))
    names = frozenset(kind.__name__ for link in chain for kind in type(link).__mro__)
    # Errors of the network are wrapped several times; the innermost says it best.
    words = text or str(chain[-1] if "RequestException" in names else error) or type(error).__name__
    return Fault(
        stage=stage,
        names=names,
        text=" ".join(printable(_NUMBERS.sub("", words[:_LONGEST])).split())[:500],
        status=status,
        code=code,
        logon_code=next((found for link in chain if (found := _logon_code(link)) is not None), None),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was made from: causes, and those that libraries hide in arguments and attributes."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = _inner(link)


def _inner(link: BaseException) -> BaseException | None:
    # Not the context: what a library was busy with when something else went wrong is no reason for it.
    hidden = (getattr(link, "base_error", None), getattr(link, "reason", None), *link.args, link.__cause__)
    return next((item for item in hidden if isinstance(item, BaseException)), None)


def _logon_code(link: BaseException) -> int | None:
    """MIT krb5 (err_code), GSSAPI (min_code) and Windows (winerror) all have 32 bits; some without the sign."""
    for name in ("err_code", "min_code", "winerror"):
        value = getattr(link, name, None)
        if isinstance(value, int) and value:
            return (value & 0xFFFF_FFFF) - (1 << 32) if value & 0x8000_0000 else value
    return None
