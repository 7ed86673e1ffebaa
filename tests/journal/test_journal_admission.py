"""Admission: what speaks against beginning with a server, in which order, and that only one run ever gets it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from journal_nouns import Time, holder, record

from agent.errors import Locked, Refused, Stopped, ThresholdReached, WindowClosed
from agent.journal import Journal, OpenRun, Terms, store
from agent.model import ServerState

MINUTE = timedelta(minutes=1)


@pytest.fixture
def second(reopen: Callable[[], Journal], run: OpenRun, now: Time) -> OpenRun:
    """Another run, of another process."""
    return reopen().begin(record("r2", now(), pid=200))


def fail(run: OpenRun, *names: str) -> None:
    for name in names:
        run.admit(name)
        run.conclude(name, ServerState.FAILED, "it did not work")


def test_a_run_that_was_asked_to_stop_begins_with_no_server(run: OpenRun, journal: Journal) -> None:
    journal.ask_stop("r1", "LAB\\boss", "the phones of the board")

    with pytest.raises(Stopped, match=r"LAB\\boss at .* UTC \(the phones of the board\)"):
        run.admit("EX02")

    assert journal.held_by("EX02") is None
    assert [each.name for each in journal.run("r1").servers] == ["EX01"]


@pytest.mark.parametrize("state", [state for state in ServerState if state.is_failure])
def test_no_server_is_begun_once_as_many_have_failed_as_may(run: OpenRun, journal: Journal, state: ServerState) -> None:
    run.conclude("EX01", state, "no")
    run.admit("EX02", Terms(threshold=2))
    run.conclude("EX02", state, "no")

    with pytest.raises(ThresholdReached, match="2 servers of this run have failed"):
        run.admit("EX03", Terms(threshold=2))

    assert journal.held_by("EX03") is None


@pytest.mark.parametrize("state", [state for state in ServerState if not state.is_failure])
def test_a_server_that_did_not_fail_counts_for_nothing(run: OpenRun, journal: Journal, state: ServerState) -> None:
    run.conclude("EX01", state, "as it is")
    run.admit("EX02", Terms(threshold=1))

    assert journal.held_by("EX02") is not None


def test_failures_of_another_run_count_for_nothing(run: OpenRun, second: OpenRun, journal: Journal) -> None:
    fail(run, "EX01")
    second.admit("EX02", Terms(threshold=1))

    assert journal.held_by("EX02") is not None


def test_a_server_that_cannot_be_finished_within_the_window_is_not_begun(run: OpenRun, journal: Journal) -> None:
    closes_at = journal.clock() + 10 * MINUTE

    with pytest.raises(WindowClosed, match=f"closes at {closes_at:%Y-%m-%d %H:%M} UTC, and one server needs 11 min"):
        run.admit("EX02", Terms(closes_at, needs=11 * MINUTE))

    assert journal.held_by("EX02") is None


def test_a_server_that_can_be_finished_within_the_window_is_begun(run: OpenRun, journal: Journal) -> None:
    run.admit("EX02", Terms(journal.clock() + 10 * MINUTE, needs=9 * MINUTE))

    assert journal.held_by("EX02") is not None


def test_what_is_ours_is_admitted_again_whatever_has_happened_since(run: OpenRun, journal: Journal) -> None:
    before = journal.held_by("EX01")
    journal.ask_stop("r1", "LAB\\boss")
    run.conclude("EX01", ServerState.UNKNOWN, "no")
    run.admit("EX01", Terms(journal.clock() - MINUTE, needs=MINUTE, threshold=1))

    assert journal.held_by("EX01") == before


def test_the_stop_is_said_first_and_the_lock_last(run: OpenRun, second: OpenRun, journal: Journal) -> None:
    """Whoever is locked out may wait for the lock; that is no use to one that may not begin at all."""
    second.admit("EX02")
    second.conclude("EX02", ServerState.FAILED, "no")
    closed = Terms(journal.clock() - MINUTE)
    told: list[type[Refused]] = []
    for terms in (Terms(), closed, Terms(closed.closes_at, threshold=1)):
        with pytest.raises(Refused) as caught:
            second.admit("EX01", terms)
        told.append(caught.type)
    journal.ask_stop("r2", "LAB\\boss")
    with pytest.raises(Refused) as caught:
        second.admit("EX01", Terms(closed.closes_at, threshold=1))

    assert [*told, caught.type] == [Locked, WindowClosed, ThresholdReached, Stopped]


def test_the_lease_outlives_the_run_that_was_stopped(run: OpenRun, second: OpenRun, journal: Journal) -> None:
    journal.ask_stop("r1", "LAB\\boss")
    run.end(130)

    with pytest.raises(Locked, match="run r1"):
        second.admit("EX01")


def test_how_long_a_server_took_is_measured_from_admission_to_proof(journal: Journal, now: Time) -> None:
    run = journal.begin(record("r1", now()))
    for name in ("EX01", "EX02"):
        run.admit(name)
        run.conclude(name, ServerState.CHANGED, "proved")
        run.close(name)
    fail(run, "EX03")
    taken = journal.measured()
    run.close("EX03")
    for name in ("EX01", "EX03"):  # days later, say
        run.conclude(name, ServerState.CHANGED, "second look taken")

    assert len(taken) == 2
    assert all(0 < seconds < 60 for seconds in taken)
    assert journal.measured() == taken
    assert journal.measured(1) == taken[:1]


def test_a_pause_between_two_processes_is_not_measured(run: OpenRun, journal: Journal) -> None:
    heir = journal.resume("r1", holder("r1", 300))
    heir.admit("EX01")
    heir.conclude("EX01", ServerState.CHANGED, "proved")

    assert journal.measured() == ()


RACER = """
import sys
sys.path[:0] = {paths!r}
from journal_nouns import Time, record
from agent.errors import Locked
from agent.journal import open_journal

now = Time()
name = sys.argv[1]
run = open_journal({address!r}, now).begin(record(name, now(), pid=int(name[1:])))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    try:
        run.admit(f"EX{{number:02}}")
        print("mine", flush=True)
    except Locked as error:
        print(error.run, flush=True)
"""


@pytest.fixture
def racers(address: str) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that are ready to admit the same ten servers."""
    paths = [str(Path(__file__).parent), str(Path(store.__file__).parents[2])]
    program = RACER.format(paths=paths, address=address)
    command = [sys.executable, "-c", program]
    started = [
        subprocess.Popen([*command, f"r{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(5)
    ]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_of_many_processes_exactly_one_gets_each_server(
    racers: list["subprocess.Popen[str]"], reopen: Callable[[], Journal]
) -> None:
    for process in racers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = _after_the_start(racers)
    held = [reopen().held_by(f"EX{number:02}") for number in range(10)]

    for number, answers in enumerate(zip(*told, strict=True)):
        found = held[number]
        assert found is not None
        winner = f"r{answers.index('mine')}"
        assert found[0].run == winner
        assert sorted(answers) == sorted(["mine", *[winner] * (len(racers) - 1)])


def _after_the_start(racers: list["subprocess.Popen[str]"]) -> list[list[str]]:
    for process in racers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].split() for process in racers]


def test_nobody_is_admitted_after_the_last_failure_that_may_be(journal: Journal, now: Time) -> None:
    """Threads that all fail: who asks after the third failure is on record is refused, without an exception."""
    run = journal.begin(record("r1", now()))
    barrier, counted, threads = threading.Barrier(8), threading.Lock(), 8
    on_record: list[str] = []
    late: list[str] = []

    def work(thread: int) -> None:
        barrier.wait(30)
        for number in range(6):
            name = f"EX{thread}{number}"
            is_late = len(on_record) >= 3
            try:
                run.admit(name, Terms(threshold=3))
            except ThresholdReached:
                return
            late.extend([name] if is_late else [])
            run.conclude(name, ServerState.FAILED, "no")
            with counted:
                on_record.append(name)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))

    assert late == []
    assert 3 <= len(on_record) < 3 + threads
