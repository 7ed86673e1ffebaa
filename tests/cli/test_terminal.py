"""A person at a terminal: the live table, the question, the colours and the silence, as a real terminal sees them."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout

if os.name == "nt":
    pytest.skip("a pseudo-terminal is POSIX", allow_module_level=True)

import fcntl
import pty
import struct
import termios

COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|4[0-7]|10[0-7]|38;|48;)[0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DEADLINE = 90.0
CHANGE = "Change 1 server"


@dataclass
class Screen:
    """A command at a terminal of its own, 24 lines of 100 columns; what it wrote is kept as it came."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: str = ""

    def until(self, words: str) -> str:
        """Read on until the words are there, escape codes aside; gives everything so far."""
        while words not in self.plain:
            assert self._read(), f"{words!r} did not come; there is:\n{self.plain}"
        return self.plain

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read():
            pass
        return self.process.wait(30)

    @property
    def plain(self) -> str:
        return ESCAPE.sub("", self.seen).replace("\r", "")

    def _read(self) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], DEADLINE)
        assert ready, f"the screen stands still:\n{self.plain}"
        try:
            found = os.read(self.terminal, 65536)
        except OSError:  # Linux says so when the last one on the other side has gone
            return False
        self.seen += found.decode("utf-8", "replace")
        return bool(found)


class Desk:
    """A jump host with a terminal, in front of a small lab."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home = home
        self.fleet = fleet
        self.open: list[Screen] = []

    def easfix(self, *arguments: str, piped: bool = False, **environment: str) -> Screen:
        """Begin a command line; `piped` leaves it the terminal for its errors and questions only."""
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        process = subprocess.Popen(
            [sys.executable, "-c", "from agent.cli.main import run\nrun()", "--config", CONFIG_FILE, *arguments],
            stdin=other,
            stdout=subprocess.PIPE if piped else other,
            stderr=other,
            cwd=self.home,
            env={**known, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,
        )
        os.close(other)
        self.open.append(Screen(process, main))
        return self.open[-1]

    def piped(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command line without any terminal."""
        command = [sys.executable, "-c", "from agent.cli.main import run\nrun()", "--config", CONFIG_FILE, *arguments]
        return subprocess.run(
            command, cwd=self.home, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE
        )

    def close(self) -> None:
        for screen in self.open:
            if screen.process.poll() is None:
                screen.process.kill()
                screen.process.wait(30)
            os.close(screen.terminal)
            if screen.process.stdout is not None:
                screen.process.stdout.close()

    @property
    def flags(self) -> int:
        """What the directory of EX01 really requires."""
        found = self.fleet["EX01"].machine.metabase.get("W3SVC/1/ROOT/Microsoft-Server-ActiveSync", "AccessSSLFlags")
        assert isinstance(found, int)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    pace = Pace(restart_seconds=1.0, warm_up_seconds=0.0)
    with Fleet(2, 1, ["require-ssl@EX01", "healthy@EX02"], seed=1, pace=pace) as fleet:
        layout = Layout(tmp_path)
        layout.write(fleet, 0, "")
        desk = Desk(tmp_path, fleet)
        yield desk
        desk.close()
        layout.remove()


def test_an_apply_asks_then_shows_a_live_table_then_answers(desk: Desk) -> None:
    screen = desk.easfix("apply")
    asked = screen.until(f"{CHANGE} (plan ")

    assert "EX01  pending" in asked
    assert "iisreset interrupts: " in asked
    assert desk.flags == 8

    screen.type("y\n")
    code = screen.end()

    assert code == 0
    assert re.search(r"server +step +elapsed", screen.plain)
    assert re.search(r"EX01 +restart +\d+ s", screen.plain)
    assert "1 of 2 servers done, 1 at work" in screen.plain
    assert "EX01  changed" in screen.plain
    assert "\x1b[?25l" in screen.seen
    assert screen.seen.rindex("\x1b[?25h") > screen.seen.rindex("\x1b[?25l"), "the cursor is not given back"
    assert desk.flags == 0


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "\x04"])
def test_anything_but_yes_changes_nothing(desk: Desk, answer: str) -> None:
    screen = desk.easfix("apply")
    screen.until(CHANGE)
    screen.type(answer)

    assert screen.end() == 5
    assert "nothing was changed" in screen.plain
    assert desk.flags == 8
    assert desk.piped("history").stdout.startswith("No run is on record yet (there is no journal at ")


def test_ctrl_c_at_the_question_ends_at_once(desk: Desk) -> None:
    screen = desk.easfix("apply")
    screen.until(CHANGE)
    screen.type("\x03")

    assert screen.end() == 130
    assert "stopped at the question: nothing was changed" in screen.plain
    assert desk.flags == 8


def test_ctrl_c_under_way_finishes_the_step_and_says_so(desk: Desk) -> None:
    desk.fleet["EX01"].machine.iisreset.seconds = 8.0
    screen = desk.easfix("apply", "--yes")
    screen.until("restart")
    screen.type("\x03")
    code = screen.end()

    assert code == 130
    assert "easfix: stopping: steps under way are finished" in screen.plain
    assert "interrupted by the operator" in screen.plain


def test_a_no_with_json_is_one_document(desk: Desk) -> None:
    screen = desk.easfix("apply", "--json", piped=True)
    screen.until(CHANGE)
    screen.type("n\n")
    assert screen.process.stdout is not None
    document = yaml.safe_load(screen.process.stdout.read())

    assert screen.end() == document["exit_code"] == 5
    assert "nothing was changed" in document["error"]["message"]


def test_nobody_to_ask_is_refused_and_changes_nothing(desk: Desk) -> None:
    done = desk.piped("apply", "--json")
    document = yaml.safe_load(done.stdout)

    assert done.returncode == document["exit_code"] == 5
    assert "--yes" in document["error"]["next_step"]
    assert desk.flags == 8


def test_nothing_to_do_asks_nothing_and_begins_no_run(desk: Desk) -> None:
    done = desk.piped("apply", "--limit", "EX02", "--json")
    document = yaml.safe_load(done.stdout)

    assert (done.returncode, document["run"]) == (0, None)
    assert desk.piped("history").stdout.startswith("No run is on record yet (there is no journal at ")


# --- colours and silence ---------------------------------------------------------------------------------------------


def test_a_terminal_gets_colours(desk: Desk) -> None:
    screen = desk.easfix("check")

    assert screen.end() == 2
    assert COLOUR.search(screen.seen)


@pytest.mark.parametrize(("arguments", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_no_colours_where_none_are_wanted(desk: Desk, arguments: list[str], environment: dict[str, str]) -> None:
    screen = desk.easfix("check", *arguments, **environment)

    assert screen.end() == 2
    assert COLOUR.search(screen.seen) is None
    assert "EX01  pending" in screen.plain


def test_piped_it_is_plain_lines(desk: Desk) -> None:
    done = desk.piped("apply", "--yes")

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert re.search(r"^\d\d:\d\d:\d\d  EX01  restart: done, exit code 0", done.stderr, re.MULTILINE)
    assert "EX01  changed" in done.stdout


def test_q_says_nothing_but_the_answer(desk: Desk) -> None:
    screen = desk.easfix("-q", "check", piped=True)
    assert screen.process.stdout is not None
    answer = screen.process.stdout.read().decode()

    assert screen.end() == 2
    assert screen.seen == ""
    assert "EX01  pending" in answer
    assert "\x1b" not in answer


def test_v_logs_instead_of_the_table(desk: Desk) -> None:
    screen = desk.easfix("-v", "check")

    assert screen.end() == 2
    assert "server.found" in screen.plain
    assert "elapsed" not in screen.plain


# --- the password ----------------------------------------------------------------------------------------------------


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """The administrator's password must be asked for."""
    path = desk.home / CONFIG_FILE
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    default = found["credentials"]["default"]
    found["credentials"]["default"] = {"username": default["username"], "auth": "ntlm", "prompt": True}
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    return desk


def test_a_password_is_asked_for_once_without_an_echo_and_before_the_table(asking: Desk) -> None:
    password = asking.fleet.administrator.password
    screen = asking.easfix("check")
    before = screen.until("Password of LAB\\easfix: ")
    screen.type(f"{password}\n")

    assert screen.end() == 2
    assert "elapsed" not in before
    assert screen.plain.count("Password of ") == 1
    assert password not in screen.seen
    assert "EX01  pending" in screen.plain


def test_ctrl_c_at_the_password_ends_at_once(asking: Desk) -> None:
    screen = asking.easfix("check")
    screen.until("Password of LAB\\easfix: ")
    screen.type("\x03")

    assert screen.end() == 130
    assert "elapsed" not in screen.plain


def test_without_a_terminal_no_password_is_asked_for(asking: Desk) -> None:
    done = asking.piped("check", "--json")

    assert done.returncode == 5
    assert "password_env" in yaml.safe_load(done.stdout)["error"]["next_step"]


def test_a_second_ctrl_c_gives_the_cursor_back(desk: Desk) -> None:
    desk.fleet["EX01"].machine.iisreset.seconds = 300.0  # it is certainly still under way
    screen = desk.easfix("apply", "--yes")
    screen.until("restart")
    screen.type("\x03")
    screen.until("stopping")
    screen.process.send_signal(signal.SIGINT)
    code = screen.end()

    assert code == 130
    assert "stopped now" in screen.plain
    assert screen.seen.rindex("\x1b[?25h") > screen.seen.rindex("\x1b[?25l")
