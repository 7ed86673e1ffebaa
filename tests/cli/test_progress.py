"""What is shown while a command works: a table that fits the screen, or plain lines; and never a reason to stop."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console

from agent import logs
from agent.cli.interrupt import Interrupt
from agent.cli.options import Options
from agent.cli.progress import Progress, line
from agent.cli.table import Rows, clock
from agent.notice import Notice

NAMES = [f"EX{number:02}" for number in range(1, 51)]


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """As a session has it: the log goes to no screen."""
    end = logs.start(None, None, "info", logs.Redactor(), lambda: datetime.now(UTC))
    yield
    end()


def screen(rows: Rows, now: float, height: int = 24, width: int = 100) -> list[str]:
    """The table as a terminal of this size shows it."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(rows.render(now, height))
    file = console.file
    assert isinstance(file, io.StringIO)
    return [each.rstrip() for each in file.getvalue().splitlines()]


def busy_fleet() -> Rows:
    """Fifty servers: 30 changed, 3 failed, 5 at work, 12 waiting."""
    rows = Rows(NAMES, 0.0)
    for name in NAMES[:30]:
        rows.take(Notice(name, "server.started"), 1.0)
        rows.take(Notice(name, "server.concluded", message="changed: proved from agent"), 9.0)
    for name in NAMES[30:33]:
        rows.take(Notice(name, "server.concluded", message="failed: it did not work: " + "and why " * 30), 9.0)
    for name in NAMES[33:38]:
        rows.take(Notice(name, "step.intended", step="clear W3SVC/1/ROOT/Microsoft-Server-ActiveSync"), 2.0)
    return rows


def test_a_fleet_larger_than_the_screen_shows_what_is_at_work_and_what_failed() -> None:
    found = screen(busy_fleet(), 70.0)
    names = [each.split()[0] for each in found[1:-1]]

    assert len(found) < 24
    assert names[:5] == NAMES[33:38]
    assert names[5:8] == NAMES[30:33]
    assert set(names[8:]) <= set(NAMES[:30])
    assert found[-1] == "33 of 50 servers done, 5 at work, 12 waiting, 30 changed, 3 failed; 1:10"


@pytest.mark.parametrize("height", [1, 5, 10, 24, 100])
def test_the_table_never_fills_the_screen(height: int) -> None:
    found = screen(busy_fleet(), 70.0, height=height)

    assert len(found) <= max(height, 3)


def test_a_long_message_is_cut_and_not_wrapped() -> None:
    found = screen(busy_fleet(), 70.0, width=80)

    assert max(len(each) for each in found) <= 80
    assert sum("it did not work" in each for each in found) == 3


def test_a_server_at_work_shows_its_step_and_the_time_that_passes() -> None:
    rows = Rows(["EX01"], 0.0)
    rows.take(Notice("EX01", "server.started"), 10.0)
    rows.take(Notice("EX01", "step.intended", step="restart"), 12.0)

    assert "EX01" in screen(rows, 17.0)[1]
    assert screen(rows, 17.0)[1].split()[1:4] == ["restart", "7", "s"]
    assert screen(rows, 80.0)[1].split()[1:3] == ["restart", "1:10"]


def test_a_server_that_ended_keeps_its_time() -> None:
    rows = Rows(["EX01"], 0.0)
    rows.take(Notice("EX01", "server.started"), 10.0)
    rows.take(Notice("EX01", "server.concluded", message="rolled_back: it did not work"), 14.0)

    assert screen(rows, 99.0)[1].split() == ["EX01", "rolled", "back", "4", "s", "it", "did", "not", "work"]


def test_a_server_may_be_worked_on_again_after_it_was_looked_at() -> None:
    rows = Rows(["EX01"], 0.0)
    rows.take(Notice("EX01", "server.found"), 1.0)
    rows.take(Notice("EX01", "server.proving"), 2.0)

    assert "0 of 1 servers done, 1 at work" in screen(rows, 3.0)[-1]


def test_a_word_to_the_operator_stands_below() -> None:
    rows = busy_fleet()
    rows.say("easfix: stopping")

    assert screen(rows, 70.0)[-1] == "easfix: stopping"
    assert len(screen(rows, 70.0)) < 24


def test_markup_in_a_message_is_only_text() -> None:
    rows = Rows(["EX01"], 0.0)
    rows.take(Notice("EX01", "server.failed", message="[red]not found[/red] [/]"), 1.0)

    assert "[red]not found[/red] [/]" in screen(rows, 1.0)[1]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (60, "1:00"), (3599, "59:59"), (3605, "1:00:05")]
)
def test_elapsed_time_reads_like_a_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


# --- plain lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (Notice("EX01", "server.started"), "07:00:00  EX01  started"),
        (Notice("EX01", "step.done", "restart", "exit code 0"), "07:00:00  EX01  restart: done, exit code 0"),
        (Notice("EX01", "step.done", "restart"), "07:00:00  EX01  restart: done"),
        (Notice("EX01", "server.rolling_back"), "07:00:00  EX01  rolling back"),
        (Notice("EX01", "server.concluded", message="changed: proved"), "07:00:00  EX01  changed: proved"),
        (Notice("EX01", "server.failed", message="refused"), "07:00:00  EX01  failed, refused"),
    ],
)
def test_a_plain_line_says_when_where_and_what(notice: Notice, words: str) -> None:
    assert line(notice, "07:00:00") == words


@pytest.mark.parametrize(("verbosity", "shown"), [(0, True), (-1, False), (1, False)])
def test_plain_lines_are_for_neither_quiet_nor_log(
    capsys: pytest.CaptureFixture[str], verbosity: int, shown: bool
) -> None:
    with Progress(Options(verbosity=verbosity)) as listen:
        listen(Notice("EX01", "server.looked_at"))
        listen(Notice("EX01", "server.failed", message="refused"))
    said = capsys.readouterr()

    assert said.out == ""
    assert ("EX01  failed, refused" in said.err) is shown
    assert "looked at" not in said.err


def test_what_is_under_way_is_told_with_its_step_and_its_time() -> None:
    rows = Rows(["EX01", "EX02", "EX03"], 0.0)
    rows.take(Notice("EX03", "server.started"), 1.0)
    rows.take(Notice("EX03", "step.intended", step="restart"), 10.0)
    rows.take(Notice("EX01", "server.concluded", message="changed: proved"), 20.0)

    assert (
        rows.pulse(71.0)
        == "still at it: EX03 restart for 1:01; 1 of 3 servers done, 1 at work, 1 waiting, 1 changed; 1:11"
    )


def test_of_many_under_way_those_that_take_longest_are_named() -> None:
    rows = Rows(NAMES, 0.0)
    for number, name in enumerate(NAMES[:9]):
        rows.take(Notice(name, "server.started"), float(9 - number))

    assert rows.pulse(60.0).startswith(
        "still at it: EX09 connect for 59 s, EX08 connect for 58 s, EX07 connect for 57 s, EX06 connect for 56 s, "
        "EX05 connect for 55 s and 4 more; "
    )


def test_where_nothing_is_under_way_nothing_is_told() -> None:
    rows = Rows(["EX01"], 0.0)
    rows.take(Notice("EX01", "server.failed", message="refused"), 1.0)

    assert rows.pulse(100.0) == ""


class Listening(io.StringIO):
    """Standard error that tells when a word about what is under way has come."""

    def __init__(self) -> None:
        super().__init__()
        self.has_pulse = threading.Event()

    def write(self, text: str) -> int:
        if "still at it" in text:
            self.has_pulse.set()
        return super().write(text)


def test_without_a_terminal_somebody_who_waits_is_not_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listening()
    monkeypatch.setattr(sys, "stderr", heard)
    with Progress(Options(), ["EX01"], pulse=0.01) as listen:
        listen(Notice("EX01", "step.intended", step="restart"))
        came = heard.has_pulse.wait(30)

    assert came
    assert "EX01 restart for 0 s; 0 of 1 servers done" in heard.getvalue()


@pytest.mark.parametrize("options", [Options(verbosity=-1), Options(verbosity=1)])
def test_quiet_and_the_log_have_no_such_words(monkeypatch: pytest.MonkeyPatch, options: Options) -> None:
    with Progress(options, ["EX01"], pulse=0.01) as listen:
        listen(Notice("EX01", "step.intended", step="restart"))

        assert not [thread for thread in threading.enumerate() if thread.name == "pulse"]


class Broken(io.StringIO):
    """A pipe behind which nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_broken_pipe_does_not_break_off_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`easfix apply 2>&1 | head`: the steps of a server go on."""
    monkeypatch.setattr(sys, "stderr", Broken())
    with Progress(Options()) as listen:
        listen(Notice("EX01", "server.failed", message="refused"))


@pytest.mark.parametrize(
    ("options", "term", "is_live"),
    [
        (Options(), "xterm", True),
        (Options(json=True), "xterm", False),
        (Options(verbosity=-1), "xterm", False),
        (Options(verbosity=1), "xterm", False),  # the log would run through the table
        (Options(), "dumb", False),
    ],
)
def test_a_table_is_for_a_person_at_a_capable_terminal(
    monkeypatch: pytest.MonkeyPatch, options: Options, term: str, is_live: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())

    assert options.is_live is is_live


def test_the_table_takes_the_word_of_the_interrupt_while_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
    interrupt = Interrupt(threading.Event())
    with Progress(Options(), ["EX01"], "", interrupt):
        assert interrupt.table is not None
    assert interrupt.table is None
