"""`easfix run` as a supervisor has it: a process that goes on whatever a tick comes to, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mailbox_service import open_mailbox
from ports import HeldPort

RUN = "from agent.cli.main import run\nrun()\n"
FROZEN = """
import threading, types
import agent.cli.run, agent.cli.session
from datetime import UTC, datetime, timedelta
noon = datetime(2026, 5, 6, 12, 10, tzinfo=UTC)
def now():
    return noon
agent.cli.session.now = now
"""
"""A clock that stands still: no tick comes but the first."""

FAST = (
    FROZEN
    + """
class Event(threading.Event):
    def wait(self, timeout=None):
        global noon
        if timeout:
            noon += timedelta(minutes=5)
        return super().wait(min(timeout, 0.01) if timeout else timeout)
agent.cli.run.threading = types.SimpleNamespace(Event=Event)
"""
)
"""A clock that only waiting moves: with each pulse five minutes pass, however long the machine takes."""

posix = pytest.mark.skipif(os.name == "nt", reason="signals are sent to another process here, as POSIX has them")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens at, for as long as the test lasts."""
    with HeldPort() as held:
        yield held.number


@pytest.fixture
def config(tmp_path: Path, closed_port: int) -> Path:
    """One server, which refuses every connection."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "credentials: {default: {username: x, password_env: PASSWORD_OF_THE_TEST}}\n"
        f"servers: [{{name: EX01, address: 127.0.0.1, winrm: {{port: {closed_port}}}}}]\n"
        "journal: journal.db\nlogs: {file: easfix.log}\nretry: {attempts: 1}\n",
        encoding="utf-8",
    )
    return path


class Loop:
    """A process that runs tick after tick."""

    def __init__(self, config: Path, *arguments: str, before: str = FAST, **environment: str) -> None:
        command = [sys.executable, "-c", before + RUN, "--config", str(config), "run", "--json", *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PASSWORD_OF_THE_TEST": "x", **environment},
        )

    def tick(self) -> dict[str, Any]:
        """The document of the next tick: one line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=60)[1]
        return dict(json.loads(line))

    def end(self) -> int:
        """After a signal; what it still says is thrown away."""
        self.process.communicate(timeout=120)
        return self.process.returncode


@contextmanager
def loop(config: Path, *arguments: str, before: str = FAST, **environment: str) -> Iterator[Loop]:
    found = Loop(config, *arguments, before=before, **environment)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


def easfix(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "--config", str(config), *arguments]
    environment = {**os.environ, "PASSWORD_OF_THE_TEST": "x"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_each_tick_is_a_document_on_a_line(config: Path) -> None:
    with loop(config, "--every", "30m") as found:
        ticks = [found.tick() for _ in range(3)]

    assert [each["exit_code"] for each in ticks] == [4, 4, 4]
    assert [each["servers"][0]["state"] for each in ticks] == ["unreachable"] * 3
    assert ticks[0]["schedule"] == {
        "words": "every 30m",
        "at": "2026-05-06T12:00:00+00:00",
        "missed": 0,
        "is_ours": True,
    }
    instants = [each["schedule"]["at"] for each in ticks]
    assert instants == sorted(set(instants))


def test_cron_goes_by_the_clock_of_its_zone(config: Path) -> None:
    with loop(config, "--cron", "30 14 * * *", "--zone", "Europe/Berlin") as found:
        tick = found.tick()

    assert tick["schedule"]["at"] == "2026-05-06T12:30:00+00:00"
    assert tick["schedule"]["words"] == "cron 30 14 * * * (Europe/Berlin)"


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_two_ticks_is_a_good_end(config: Path, number: signal.Signals) -> None:
    with loop(config, "--every", "1d", before=FROZEN) as found:
        found.tick()
        found.process.send_signal(number)

        assert found.end() == 0


HANGING = """
import agent.cli.tick, sys
from agent.outcome import Outcome
def hang(session, schedule, tick):
    print('{"is": "at work"}', flush=True)
    while not session.stop.wait(1):
        pass
    return agent.cli.tick.Taken(Outcome("run", (), codes=session.codes), "stopped")
agent.cli.tick.take = hang
"""


@posix
def test_a_signal_within_a_tick_lets_it_end_and_is_an_interruption(config: Path) -> None:
    with loop(config, "--every", "1d", before=HANGING) as found:
        found.tick()
        found.process.send_signal(signal.SIGTERM)
        last = found.tick()

        assert last["exit_code"] == 130
        assert found.end() == 130


def test_a_broken_configuration_is_one_failed_tick_and_not_the_end(config: Path) -> None:
    good = config.read_text(encoding="utf-8")
    with loop(config, "--every", "30m") as found:
        first = found.tick()
        config.write_text("servers: [\n", encoding="utf-8")
        broken = next(each for each in iter(found.tick, None) if "error" in each)
        config.write_text(good, encoding="utf-8")
        mended = next(each for each in iter(found.tick, None) if "error" not in each)

    assert first["exit_code"] == mended["exit_code"] == 4
    assert broken["exit_code"] == 78
    assert broken["error"]["next_step"]


def test_a_journal_that_is_gone_is_told_and_not_the_end(config: Path) -> None:
    with open_mailbox() as mailbox:
        with config.open("a", encoding="utf-8") as file:
            file.write("notify: [{url_env: URL_OF_THE_TEST}]\n")
        journal = config.parent / "journal.db"
        journal.mkdir()
        with loop(config, "--every", "30m", URL_OF_THE_TEST=mailbox.url) as found:
            broken = [found.tick(), found.tick()]
            journal.rmdir()
            mended = next(each for each in iter(found.tick, None) if "error" not in each)

    titles = [letter["title"].partition(": ")[2] for letter in mailbox.letters]
    assert [each["exit_code"] for each in broken] == [78, 78]
    assert mended["exit_code"] == 4
    assert titles[0] == "a tick failed"
    assert titles.count("a tick failed") == 1
    assert "1 unreachable, ticks work again" in titles


@pytest.mark.parametrize("once", [[], ["--once"]])
def test_a_configuration_that_is_broken_at_the_start_is_the_end(config: Path, once: list[str]) -> None:
    config.write_text("servers: [EX01]\nschedule: {remediate: always}\n", encoding="utf-8")
    ended = easfix(config, "run", "--every", "30m", *once)

    assert ended.returncode == 78
    assert "schedule.remediate" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Give --every 30m, or --cron with five fields, or --once"),
        (["--every", "30m", "--cron", "* * * * *"], "keep one"),
        (["--every", "30m", "--zone", "Europe/Berlin"], "there is no --cron"),
        (["--every", "half an hour"], "is not a length of time"),
        (["--every", "1s"], "not from 10s to 31d"),
        (["--cron", "61 * * * *"], "bad minute"),
        (["--cron", "* * * * *", "--zone", "Europe/Berln"], "there is no time zone"),
        (["--once", "--limit", "EX1"], "did you mean EX01"),
        (["--every", "30m", "--skip", "EX1"], "did you mean EX01"),
    ],
)
def test_a_command_line_that_is_not_right_ends_with_64(config: Path, arguments: list[str], says: str) -> None:
    ended = easfix(config, "run", *arguments)

    assert ended.returncode == 64
    assert says in ended.stderr


def test_a_schedule_does_not_ask_for_passwords(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("password_env: PASSWORD_OF_THE_TEST", "prompt: true")
    config.write_text(text, encoding="utf-8")
    ended = easfix(config, "run", "--every", "30m")

    assert ended.returncode == 78
    assert "credentials.default.prompt" in ended.stderr


def test_of_several_processes_one_takes_the_tick(config: Path) -> None:
    """They begin together; the journal, new to all of them, is made by whoever comes first."""
    processes = [Loop(config, "--once", "--every", "31d", before="") for _ in range(4)]
    documents = [json.loads(each.process.communicate(timeout=120)[0]) for each in processes]

    assert sorted(each["schedule"]["is_ours"] for each in documents) == [False, False, False, True]
    assert sorted(each["exit_code"] for each in documents) == [0, 0, 0, 4]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's socket is of the Unix family")
@posix
def test_a_supervisor_hears_of_the_beginning_the_life_and_the_end(config: Path, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address)
        ear.settimeout(60)
        with loop(config, "--every", "1d", before=FROZEN, NOTIFY_SOCKET=address, WATCHDOG_USEC="300000") as found:
            found.tick()
            heard = [ear.recv(4096).decode()]
            while not {"WATCHDOG=1", "STATUS=every 1d: next tick at 2026-05-07 00:00:00 UTC"} <= set(heard):
                heard.append(ear.recv(4096).decode())
            found.process.send_signal(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(ear.recv(4096).decode())

            assert found.end() == 0

    assert heard[0] == "READY=1"
    assert "STATUS=every 1d: tick of 2026-05-06 00:00:00 UTC" in heard


def test_a_tick_is_in_the_log_with_what_was_missed(config: Path) -> None:
    easfix(config, "run", "--once")
    lines = (config.parent / "easfix.log").read_text(encoding="utf-8").splitlines()
    events = {each["event"]: each for each in map(json.loads, lines)}

    assert (events["tick.begun"]["schedule"], events["tick.begun"]["missed"]) == ("once", 0)
    assert events["tick.ended"]["exit_code"] == 4
