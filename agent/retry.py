"""The one retry policy: a question may be put again, a write never is."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import tenacity

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
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_ask_again) | tenacity.retry_if_not_result(is_good),
            stop=tenacity.stop_after_attempt(self.policy.attempts)
            | _Deadline(self._end(), self.monotonic)
            | _Stopping(self.is_stopping),
            wait=self._wait,
            sleep=self.sleep,
            before_sleep=self._tell,
            retry_error_callback=_last,
        )
        return retrying(question)

    def _end(self) -> float:
        return self.monotonic() + self.policy.deadline

    def _wait(self, state: tenacity.RetryCallState) -> float:
        whole = min(self.policy.longest_wait, self.policy.first_wait * 2.0 ** min(state.attempt_number - 1, 30))
        return whole * self.rng.uniform(0.5, 1.0)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        outcome = state.outcome
        error = outcome.exception() if outcome is not None else None
        self.listen(
            Again(state.attempt_number, state.upcoming_sleep, error if isinstance(error, ServerError) else None)
        )


class _Deadline(tenacity.stop.stop_base):
    """Ends when the next attempt would begin after the deadline, on the clock it was given."""

    def __init__(self, end: float, monotonic: Callable[[], float]) -> None:
        self._end = end
        self._monotonic = monotonic

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return self._monotonic() + retry_state.upcoming_sleep >= self._end


class _Stopping(tenacity.stop.stop_base):
    """Ends when somebody wants to stop."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return self._is_stopping()


def _may_ask_again(error: BaseException) -> bool:
    return isinstance(error, ServerError) and error.retryable


def _last(state: tenacity.RetryCallState) -> object:
    assert state.outcome is not None  # tenacity calls this after an attempt only
    return state.outcome.result()
