"""Claims about the lab's clocks."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from agent.lab.clock import DrivenClock, RealClock

DEADLINE = 10.0


def test_timers_run_in_the_order_they_are_due_each_at_its_moment() -> None:
    clock, seen = DrivenClock(), []
    clock.call_later(20, lambda: seen.append(("b", clock.monotonic())))
    clock.call_later(10, lambda: seen.append(("a", clock.monotonic())))
    clock.call_later(20, lambda: seen.append(("c", clock.monotonic())))

    clock.advance(30)

    assert seen == [("a", 10.0), ("b", 20.0), ("c", 20.0)]
    assert clock.monotonic() == 30


def test_a_timer_that_is_not_due_waits() -> None:
    clock, seen = DrivenClock(), []
    clock.call_later(10, lambda: seen.append("x"))

    clock.advance(9.999)

    assert seen == []


def test_a_cancelled_timer_never_runs() -> None:
    clock, seen = DrivenClock(), []
    clock.call_later(1, lambda: seen.append("x")).cancel()

    clock.advance(2)

    assert seen == []


def test_a_timer_set_by_a_timer_runs_in_the_same_advance_when_it_is_due() -> None:
    clock, seen = DrivenClock(), []
    clock.call_later(1, lambda: clock.call_later(1, lambda: seen.append(clock.monotonic())))

    clock.advance(5)

    assert seen == [2.0]


def test_an_auto_clock_moves_itself_when_somebody_sleeps() -> None:
    clock = DrivenClock(datetime(2011, 1, 1, tzinfo=UTC), auto=True)

    clock.sleep(90)

    assert clock.now() == datetime(2011, 1, 1, tzinfo=UTC) + timedelta(seconds=90)


def test_an_auto_sleep_ends_at_the_timer_that_wakes_it() -> None:
    clock, seen = DrivenClock(auto=True), []
    clock.call_later(3, lambda: seen.append("rung"))
    clock.sleep(60, lambda: bool(seen))

    assert clock.monotonic() == 3


def test_a_driven_sleep_ends_when_another_thread_advances() -> None:
    clock, asleep, awake = DrivenClock(), threading.Event(), threading.Event()

    def sleeper() -> None:
        asleep.set()
        clock.sleep(10)
        awake.set()

    threading.Thread(target=sleeper, daemon=True).start()
    assert asleep.wait(DEADLINE)
    for _ in range(1000):
        clock.advance(10)
        if awake.wait(0.01):
            break

    assert awake.is_set()


def test_a_driven_sleep_ends_when_it_is_woken() -> None:
    clock, woken, over = DrivenClock(), threading.Event(), threading.Event()

    def sleeper() -> None:
        clock.sleep(1000, woken.is_set)
        over.set()

    threading.Thread(target=sleeper, daemon=True).start()
    woken.set()

    assert over.wait(DEADLINE)
    assert clock.monotonic() == 0


def test_a_real_timer_runs_in_the_one_scheduler_thread() -> None:
    clock, names, done = RealClock(), [], threading.Event()
    clock.call_later(0, lambda: names.append(threading.current_thread().name))
    clock.call_later(0.01, lambda: names.append(threading.current_thread().name))
    clock.call_later(0.02, done.set)

    assert done.wait(DEADLINE)
    clock.close()
    assert names == ["lab-clock", "lab-clock"]


def test_a_sooner_real_timer_overtakes_a_later_one() -> None:
    clock, done = RealClock(), threading.Event()
    clock.call_later(3600, lambda: None)
    clock.call_later(0, done.set)

    assert done.wait(DEADLINE)
    clock.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_call_that_fails_does_not_stop_the_later_ones() -> None:
    clock, done = RealClock(), threading.Event()
    clock.call_later(0, lambda: 1 / 0)
    clock.call_later(0.01, done.set)

    assert done.wait(DEADLINE)
    clock.close()


def test_closing_a_real_clock_wakes_its_sleepers() -> None:
    clock, over = RealClock(), threading.Event()

    def sleeper() -> None:
        clock.sleep(3600)
        over.set()

    threading.Thread(target=sleeper, daemon=True).start()
    clock.close()

    assert over.wait(DEADLINE)


def test_a_real_sleep_ends_early_when_woken() -> None:
    clock, woken, over = RealClock(), threading.Event(), threading.Event()

    def sleeper() -> None:
        clock.sleep(3600, woken.is_set)
        over.set()

    threading.Thread(target=sleeper, daemon=True).start()
    woken.set()

    assert over.wait(DEADLINE)
    clock.close()


def test_a_real_clock_says_the_time_in_utc() -> None:
    before = datetime.now(UTC)

    assert before <= RealClock().now() <= datetime.now(UTC)
