"""What is logged, where, and what never is."""

import io
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import logs
from agent.errors import ConfigError

CANARY = 'kanari "<&\\ß pw'
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def redactor() -> logs.Redactor:
    redactor = logs.Redactor()
    redactor.add(CANARY)
    return redactor


@pytest.fixture
def console() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(
    tmp_path: Path, console: io.StringIO, redactor: logs.Redactor
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logging to a file and the console; gives the file's lines as read back."""
    path = tmp_path / "deep" / "easfix.log"
    end = logs.start(logs.LogFile(path, "debug"), console, "info", redactor, lambda: NOW)
    yield lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    end()


Lines = Callable[[], list[dict[str, Any]]]


def test_an_event_is_one_json_line_with_its_keys(lines: Lines) -> None:
    logs.get().bind(run="r1").info("proxy.probed", status=401, attempt=2)

    assert lines() == [
        {
            "at": "2026-03-04T05:06:07+00:00",
            "level": "info",
            "event": "proxy.probed",
            "run": "r1",
            "status": 401,
            "attempt": 2,
        }
    ]


def test_the_console_gets_a_short_line(lines: Lines, console: io.StringIO) -> None:
    logs.get().warning("server.failed", server="EX01", reason="no answer")

    assert console.getvalue() == '05:06:07 warning server.failed server=EX01 reason="no answer"\n'


def test_the_console_keeps_to_its_own_level(lines: Lines, console: io.StringIO) -> None:
    logs.get().debug("script.sent", script="detect")

    assert console.getvalue() == ""
    assert [line["event"] for line in lines()] == ["script.sent"]


def test_bound_keys_end_with_their_block(lines: Lines) -> None:
    with logs.bound(server="EX01"):
        logs.get().info("server.started")
    logs.get().info("run.ended")

    assert [line.get("server") for line in lines()] == ["EX01", None]


def everything(lines: Lines, console: io.StringIO) -> str:
    return json.dumps(lines(), ensure_ascii=False) + console.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        f"before{CANARY}after",
        CANARY.encode(),
        [1, {"deep": (CANARY,)}],
        {CANARY: 1},
        ValueError(f"bad {CANARY}"),
        Path("/tmp") / CANARY,
        json.dumps({"password": CANARY}),
        json.dumps({"password": CANARY}, ensure_ascii=False),
        repr({"password": CANARY}),
        "&lt;" + CANARY.replace("&", "&amp;").replace("<", "&lt;"),
        "http://x/?p=kanari%20%22%3C%26%5C%C3%9F%20pw",
        "p=kanari+%22%3C%26%5C%C3%9F+pw",
    ],
)
def test_a_secret_never_comes_out_in_whatever_form(lines: Lines, console: io.StringIO, value: object) -> None:
    logs.get().info("script.sent", value=value, other="stays")

    assert "kanari" not in everything(lines, console)
    assert logs.HIDDEN in everything(lines, console)
    assert lines()[0]["other"] == "stays"


def test_a_secret_in_an_exception_or_its_cause_is_hidden(lines: Lines, console: io.StringIO) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise RuntimeError(f"logon with {CANARY}") from error
    except RuntimeError:
        logs.get().exception("server.failed")

    assert "kanari" not in everything(lines, console)
    assert "RuntimeError" in lines()[0]["exception"]


def test_a_secret_that_a_library_logs_is_hidden(lines: Lines, console: io.StringIO) -> None:
    logging.getLogger("keyring").warning("retrying %s", CANARY)

    assert "kanari" not in everything(lines, console)
    assert lines()[0]["event"] == f"retrying {logs.HIDDEN}"


def test_libraries_do_not_log_what_they_send(lines: Lines) -> None:
    logging.getLogger("pypsrp").debug("<s:Envelope/>")

    assert lines() == []


def test_a_number_that_is_a_password_is_hidden(redactor: logs.Redactor) -> None:
    redactor.add("4711")

    assert redactor.value({"port": 5985, "pin": 4711}) == {"port": 5985, "pin": logs.HIDDEN}


def test_an_empty_secret_hides_nothing(redactor: logs.Redactor) -> None:
    redactor.add("")

    assert redactor.text("plain") == "plain"


def test_a_full_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "easfix.log"
    end = logs.start(logs.LogFile(path, max_bytes=300, keep=2), None, "info", logs.Redactor(), lambda: NOW)
    for number in range(20):
        logs.get().info("server.seen", number=number)
    end()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["easfix.log", "easfix.log.1", "easfix.log.2"]


def test_a_file_that_cannot_be_put_aside_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "easfix.log"
    (tmp_path / "easfix.log.1" / "in the way").mkdir(parents=True)
    end = logs.start(logs.LogFile(path, max_bytes=300, keep=1), None, "info", logs.Redactor(), lambda: NOW)
    for number in range(20):
        logs.get().info("server.seen", number=number)
    end()

    assert len(path.read_text(encoding="utf-8").splitlines()) == 20


def test_a_log_that_cannot_be_opened_says_where_and_what_next(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "easfix.log"

    with pytest.raises(ConfigError) as caught:
        logs.start(logs.LogFile(path), None, "info", logs.Redactor(), lambda: NOW)

    assert caught.value.where == str(path)
    assert "logs.file" in caught.value.next_step


@pytest.mark.skipif(os.name == "nt", reason="the mode bits are POSIX; on Windows the profile's own list protects it")
def test_only_the_owner_can_read_the_log(lines: Lines, tmp_path: Path) -> None:
    mode = (tmp_path / "deep" / "easfix.log").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


def test_after_the_end_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "easfix.log"
    end = logs.start(logs.LogFile(path), None, "info", logs.Redactor(), lambda: NOW)
    end()
    logging.getLogger("easfix").warning("late")

    assert path.read_text(encoding="utf-8") == ""


def test_the_place_of_an_error_is_for_the_file(lines: Lines, console: io.StringIO) -> None:
    logs.get().info("script.failed", server="EX01", position="At line:118 char:1")

    assert console.getvalue() == "05:06:07 script.failed server=EX01\n"
    assert lines()[0]["position"] == "At line:118 char:1"


def test_the_place_of_an_error_is_on_the_screen_at_level_debug(console: io.StringIO) -> None:
    end = logs.start(None, console, "debug", logs.Redactor(), lambda: NOW)
    logs.get().info("script.failed", server="EX01", position="At line:118 char:1")
    end()

    assert 'position="At line:118 char:1"' in console.getvalue()


def test_without_a_log_nothing_is_said_anywhere() -> None:
    code = (
        "from agent import logs\nlogs.get().warning('before')\n"
        "logs.start(None, None, 'info', logs.Redactor(), lambda: None)()\nlogs.get().bind(run='r').error('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("", "")


def test_the_log_leaves_the_library_of_the_screen_alone() -> None:
    """Loading it takes longer than a look at a server does; it can still be loaded afterwards."""
    script = "import sys, agent.logs; print('rich' in sys.modules); import rich.console; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]
