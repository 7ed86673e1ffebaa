"""Owns the order of a run: a canary, waves that grow, and the number of failures that stops it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TEENS = range(11, 14)
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True)
class Wave:
    """Servers that are worked on at the same time; `number` counts from 1, canaries included."""

    number: int
    servers: tuple[str, ...]
    is_canary: bool = False
    is_proxy: bool = False  # IIS is restarted on it after every server, and only where all went well

    def __str__(self) -> str:
        """In the operator's words."""
        return f"wave {self.number}" + (" (canary)" if self.is_canary else "")


def waves(
    names: Sequence[str], canary: int = 1, first_wave: int = 1, growth: float = 2, concurrency: int = 16
) -> tuple[Wave, ...]:
    """Canaries one at a time, then waves of 1, 2, 4, 8 ..., none larger than `concurrency`; the order is kept.

    With a `growth` such as 1.5 the sizes go 1, 1, 2, 3, 5: the exact ones, rounded down.
    """
    parts = [names[at : at + 1] for at in range(min(canary, len(names)))]
    at = len(parts)
    for size in _sizes(first_wave, growth, concurrency):
        if at >= len(names):
            break
        parts.append(names[at : at + size])
        at += size
    return tuple(Wave(number, tuple(part), number <= canary) for number, part in enumerate(parts, 1))


def last(proxies: Sequence[str], before: Sequence[Wave]) -> tuple[Wave, ...]:
    """The proxies one at a time, after all the waves before."""
    return tuple(Wave(number, (name,), is_proxy=True) for number, name in enumerate(proxies, len(before) + 1))


def _sizes(first: int, growth: float, most: int) -> Iterator[int]:
    size: float = first
    while True:
        yield max(1, min(most, int(size)))
        size = min(size * growth, float(most))


@dataclass(frozen=True, slots=True)
class Threshold:
    """The run stops when so many servers have failed: at that one, not at the one after it."""

    count: int

    @classmethod
    def of(cls, limit: int | str, servers: int) -> Threshold:
        """A number of servers as it is, "10%" of them rounded up: stops as soon as that share has failed, not before.

        Rounded down, 10% of 5 servers would be none; and 10% of 15 would stop at the 1st, which is only 7%.
        """
        if isinstance(limit, int):
            return cls(max(1, limit))
        share = int(limit.removesuffix("%"))
        return cls(max(1, -(-servers * share // 100)))

    @property
    def words(self) -> str:
        """When the run stops, for plan, question and record."""
        return f"stops when the {ordinal(self.count)} server has failed"

    def is_reached(self, failed: int) -> bool:
        """So many have failed that nothing new begins."""
        return failed >= self.count

    def beyond(self, failed: int) -> Threshold:
        """For going on with a run in which so many have failed already: as many again may."""
        return Threshold(self.count + failed)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in _TEENS else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"
