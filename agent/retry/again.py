"""Owns what comes after a first attempt that was not good enough: tenacity, on the clock it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tenacity

from agent.errors import ServerError
from agent.retry import Again, Questioner

T = TypeVar("T")


def retrying(questioner: Questioner, is_good: Callable[[T], bool], end: float) -> tenacity.Retrying:
    """Calls until an answer is good, within the questioner's policy and until `end` on its clock."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_ask_again) | tenacity.retry_if_not_result(is_good),
        stop=tenacity.stop_after_attempt(questioner.policy.attempts)
        | _Deadline(end, questioner.monotonic)
        | _Stopping(questioner.is_stopping),
        wait=lambda state: _wait(questioner, state),
        sleep=questioner.sleep,
        before_sleep=lambda state: _tell(questioner, state),
        retry_error_callback=_last,
    )


def _wait(questioner: Questioner, state: tenacity.RetryCallState) -> float:
    policy = questioner.policy
    whole = min(policy.longest_wait, policy.first_wait * 2.0 ** min(state.attempt_number - 1, 30))
    return whole * questioner.rng.uniform(0.5, 1.0)


def _tell(questioner: Questioner, state: tenacity.RetryCallState) -> None:
    outcome = state.outcome
    error = outcome.exception() if outcome is not None else None
    questioner.listen(
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
