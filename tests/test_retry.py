"""Questions are put again within attempts and deadline; nothing else is."""

import random
from collections.abc import Callable

import pytest

from agent import errors
from agent.retry import Again, Policy, Questioner


class Time:
    """A clock that moves only when someone sleeps, or takes time to answer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def questioner(time: Time, policy: Policy, heard: list[Again] | None = None) -> Questioner:
    listen = heard.append if heard is not None else (lambda _: None)
    return Questioner(policy, time.sleep, lambda: time.now, listen, random.Random(7))


def answers(*results: object) -> Callable[[], object]:
    """A question that gets these answers one after the other, raising those that are errors."""
    waiting = iter(results)

    def question() -> object:
        answer = next(waiting)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return question


def test_a_good_answer_needs_no_second_question() -> None:
    time = Time()

    assert questioner(time, Policy()).ask(answers("yes")) == "yes"
    assert time.slept == []


def test_an_error_that_may_be_asked_again_is() -> None:
    question = answers(errors.Unreachable("EX01", "no"), errors.TimedOut("EX01", "no"), "yes")

    assert questioner(Time(), Policy(attempts=3)).ask(question) == "yes"


@pytest.mark.parametrize("error", [errors.Denied("EX01", "no"), errors.ScriptFailed("EX01", "no"), ValueError("bug")])
def test_any_other_error_ends_it_at_once(error: Exception) -> None:
    time = Time()

    with pytest.raises(type(error)) as caught:
        questioner(time, Policy()).ask(answers(error, "yes"))

    assert caught.value is error
    assert time.slept == []


def test_after_the_last_attempt_the_last_error_is_raised() -> None:
    last = errors.Unreachable("EX01", "second")

    with pytest.raises(errors.Unreachable) as caught:
        questioner(Time(), Policy(attempts=2)).ask(answers(errors.Unreachable("EX01", "first"), last))

    assert caught.value is last


def test_after_the_last_attempt_the_last_answer_is_the_answer() -> None:
    ask = questioner(Time(), Policy(attempts=3)).ask

    assert ask(answers(403, 403, 503), is_good=lambda status: status == 401) == 503


def test_no_attempt_begins_after_the_deadline() -> None:
    time = Time()
    question = answers(*[errors.Unreachable("EX01", "no")] * 1000)

    with pytest.raises(errors.Unreachable):
        questioner(time, Policy(attempts=1000, deadline=30.0)).ask(question)

    assert 15.0 < time.now < 30.0


def test_waits_double_with_jitter_and_stay_below_the_longest() -> None:
    time = Time()
    policy = Policy(attempts=8, deadline=1e6, first_wait=1.0, longest_wait=10.0)
    questioner(time, policy).ask(answers(*range(8)), is_good=lambda _: False)

    wholes = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    assert all(whole / 2 <= slept <= whole for whole, slept in zip(wholes, time.slept, strict=True))
    assert len(set(time.slept)) == len(time.slept)


def test_the_listener_hears_of_every_repetition() -> None:
    heard: list[Again] = []
    error = errors.Unreachable("EX01", "no")
    questioner(Time(), Policy(attempts=3), heard).ask(answers(error, 1, 2), is_good=lambda answer: answer == 2)

    assert [(again.attempt, again.error) for again in heard] == [(1, error), (2, None)]


def test_who_stops_ends_the_asking_with_the_answer_got_so_far() -> None:
    time = Time()
    asked: list[str] = []
    patient = Questioner(Policy(attempts=9), time.sleep, lambda: time.now, is_stopping=lambda: len(asked) == 2)

    def question() -> str:
        asked.append("?")
        return f"no, for the {len(asked)}. time"

    assert patient.ask(question, is_good=lambda _: False) == "no, for the 2. time"
    assert len(time.slept) == 1
