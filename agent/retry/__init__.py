"""The one retry policy: a question may be put again, a write never is."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from agent.errors import ServerError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """How often, how long and how patiently to ask; seconds. The wait doubles, and half of it is left to chance."""

    attempts: int = 3
    deadline: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 15.0


@dataclass(frozen=True, slots=True)
class Again:
    """A question is about to be put again: what listeners (log, live table) get to see."""

    attempt: int  # the one that was not good enough, from 1
    wait: float  # seconds until the next
    error: ServerError | None  # None when an answer came that was not the wanted one


def ignore(again: Again) -> None:
    """A listener that does not care."""


def never() -> bool:
    """Nobody wants to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Questioner:
    """Puts questions again, on the clock it was given."""

    policy: Policy
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    listen: Callable[[Again], None] = ignore
    rng: random.Random = field(default_factory=random.Random)
    is_stopping: Callable[[], bool] = never  # then the answer got so far is the last one

    def ask(self, question: Callable[[], T], *, is_good: Callable[[T], bool] = lambda _: True) -> T:
        """The first good answer, or the last one got; the last error where the last attempt brought one.

        Only an error that says it may be asked again is. The question must read only, and must open its own
        visit: a session that failed once is not to be used again.
        """
        end = self.monotonic() + self.policy.deadline
        failed: list[ServerError] = []
        try:
            answer = question()
        except ServerError as error:
            if not error.retryable:
                raise
            failed.append(error)
        else:
            if is_good(answer):
                return answer
        # Loaded when first needed: most questions are answered well the first time.
        from agent.retry.again import retrying

        is_first = iter((True,))

        def attempt() -> T:
            if not next(is_first, False):
                return question()
            if failed:
                raise failed[0]
            return answer

        return retrying(self, is_good, end)(attempt)
