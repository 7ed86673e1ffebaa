"""Ctrl-C: the first stops cleanly and says so, the second stops now and says what is not known; a question ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from agent.cli.interrupt import FIRST, NOT_KNOWN, Interrupt, Work, asking
from agent.errors import Interrupted

if os.name == "nt":
    pytest.skip("signals are sent to another process here, as POSIX has them", allow_module_level=True)

WORK = """
import sys, threading
from agent.cli.interrupt import Interrupt, Work
stop = threading.Event()
with Interrupt(stop, Work("apply", "r1", as_json=False, servers=lambda: ["EX01", "EX02"])):
    print("ready", flush=True)
    while not stop.wait(0.05):
        pass
    print("stopping", flush=True)
    sys.stdin.readline()
print("finished", flush=True)
sys.exit(130)
"""


@pytest.fixture(autouse=True)
def _heard_here() -> Iterator[None]:
    """As from a terminal, wherever the tests were started; what was there is given back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Child:
    """A process at work, told by its own words how far it is."""

    def __init__(self, script: str = WORK, before: Callable[[], None] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def says(self, words: str) -> bool:
        assert self._process.stdout is not None
        return self._process.stdout.readline() == f"{words}\n"

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, answer: str = "\n") -> tuple[int, str, str]:
        """Let it finish what is under way."""
        out, err = self._process.communicate(answer, timeout=60)
        return self._process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_the_step_under_way_finish(number: signal.Signals) -> None:
    with Child() as child:
        assert child.says("ready")
        child.send(number)
        assert child.says("stopping")
        code, out, err = child.end()

    assert (code, out) == (130, "finished\n")
    assert FIRST in err
    assert NOT_KNOWN not in err


def test_the_second_signal_ends_at_once_and_says_what_is_not_known() -> None:
    with Child() as child:
        assert child.says("ready")
        child.send(signal.SIGINT)
        assert child.says("stopping")
        child.send(signal.SIGINT)
        code, out, err = child.end("")

    assert (code, out) == (130, "")
    assert FIRST in err
    assert "run r1 stopped now" in err
    assert f"Under way: EX01, EX02. {NOT_KNOWN}" in err
    assert "easfix resume r1" in err


def test_the_second_signal_leaves_one_document_where_one_was_asked_for() -> None:
    with Child(WORK.replace("as_json=False", "as_json=True")) as child:
        assert child.says("ready")
        child.send(signal.SIGINT)
        assert child.says("stopping")
        child.send(signal.SIGINT)
        code, out, _ = child.end("")

    document = json.loads(out)
    assert (code, document["exit_code"], document["command"], document["run"]) == (130, 130, "apply", "r1")
    assert "EX01, EX02" in document["error"]["message"]
    assert "easfix resume r1" in document["error"]["next_step"]


def test_before_a_run_there_is_nothing_to_resume() -> None:
    message, hint = Work("check", servers=lambda: ["EX01"]).broken_off()

    assert (message, hint) == ("stopped now. No run had begun, so nothing was changed.", "")


def test_what_is_ignored_stays_ignored() -> None:
    """nohup ignores SIGHUP so that a closed terminal does not stop the run."""
    with Child(before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN) and None) as child:
        assert child.says("ready")
        child.send(signal.SIGHUP)
        child.send(signal.SIGTERM)
        assert child.says("stopping")
        code, _, err = child.end()

    assert code == 130
    assert err.count(FIRST) == 1


def test_a_reader_who_has_gone_does_not_matter() -> None:
    closing = WORK.replace('print("ready"', 'import os; os.close(2); print("ready"')
    with Child(closing) as child:
        assert child.says("ready")
        child.send(signal.SIGINT)
        assert child.says("stopping")
        code, out, _ = child.end()

    assert (code, out) == (130, "finished\n")


QUESTION = """
import sys, threading
from agent.cli.interrupt import Interrupt, asking
from agent.errors import Interrupted
with Interrupt(threading.Event()):
    try:
        with asking():
            print("ready", flush=True)
            sys.stdin.readline()
    except Interrupted as error:
        print(error.message, flush=True)
        sys.exit(130)
"""


def test_a_question_is_answered_by_ctrl_c_at_once() -> None:
    with Child(QUESTION) as child:
        assert child.says("ready")
        child.send(signal.SIGINT)
        assert child.says("stopped at the question: nothing was changed")
        code, _, err = child.end("")

    assert code == 130
    assert "Traceback" not in err


def test_signals_are_given_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with Interrupt(threading.Event()):
        during = signal.getsignal(signal.SIGINT)
        with asking():
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) == during

    assert during != before[signal.SIGINT]
    assert {number: signal.getsignal(number) for number in before} == before


def test_another_thread_takes_over_no_signal() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with Interrupt(threading.Event()), asking():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)

    assert seen == [before]


def test_the_table_says_it_where_there_is_one() -> None:
    stop, said = threading.Event(), list[str]()
    interrupt = Interrupt(stop)
    interrupt.table = said.append
    with interrupt:
        os.kill(os.getpid(), signal.SIGINT)

        assert stop.wait(30)
    assert said == [FIRST]


def test_an_error_at_a_question_is_its_own() -> None:
    with pytest.raises(Interrupted, match="nothing was changed"), asking():
        raise KeyboardInterrupt


HELD = """
import signal, threading
from agent.cli.interrupt import Interrupt
from agent.cli.lab import _stopping
stop = threading.Event()
with Interrupt(stop):
    with stop._cond:  # as the main thread does for a moment in each wait
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(60)
with _stopping() as stop:
    with stop._cond:
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(60)
print("heard", flush=True)
"""


def test_a_signal_within_the_wait_for_it_is_heard() -> None:
    """The handler runs in the thread that waits, also while that thread holds the lock of what it waits for."""
    with Child(HELD) as child:
        code, out, _ = child.end()

    assert (code, out) == (0, "heard\n")
