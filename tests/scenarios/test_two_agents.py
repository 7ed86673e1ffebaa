"""Two real processes, one journal, one fleet: one is killed in each step, the other goes on, nothing is doubled."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import EAS

from agent.cli.session import now
from agent.errors import JournalError
from agent.journal import Journal, open_journal
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout
from agent.lab.truth import account
from agent.model import Action, ServerState

QUICK = Pace(restart_seconds=0.5, warm_up_seconds=0.0, proxy_seconds=1.0)
SERVERS = ("EX01", "EX02", "EX03")
POINTS = (
    ("back-up", "intended"),
    (f"clear {EAS}", "intended"),
    (f"clear {EAS}", "done"),
    ("restart", "intended"),
    ("close", "intended"),
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is of POSIX; Windows has its own way to die")


def _journal_fixtures() -> Any:
    """PostgreSQL as the journal's own tests start it, where this machine has one."""
    folder = Path(__file__).parent.parent / "journal"
    sys.path.append(str(folder))
    spec = importlib.util.spec_from_file_location("fixtures_of_the_journal", folder / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


postgresql = _journal_fixtures().postgresql


class Two:
    """A fleet, a journal, and the processes of this test."""

    def __init__(self, home: Path, fleet: Fleet, journal: str = "") -> None:
        self.home = home
        self.fleet = fleet
        self.address = journal or str(home / "journal.db")
        path = home / CONFIG_FILE
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        found["journal"] = self.address
        found["run"] = {**found.get("run", {}), "canary": 0, "first_wave": 3, "max_failures": 3}
        path.write_text(yaml.safe_dump(found), encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from agent.cli.main import run; run()", "--config",
                   str(self.home / CONFIG_FILE), "--json", *arguments]  # fmt: skip
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def answer(self, process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
        out, _ = process.communicate(timeout=180)
        return process.returncode, json.loads(out) if out.startswith("{") else {}

    def journal(self) -> Journal:
        return open_journal(self.address, now, read_only=True)

    def seen(self) -> set[tuple[str, str]]:
        """Every move of EX01 that stands in the record so far."""
        try:
            journal = self.journal()
        except JournalError:
            return set()
        try:
            found = [journal.server(run.id, "EX01") for run in journal.history()]
            return {(step.step.id, str(move.state)) for each in found for step in each.steps for move in step.attempts}
        finally:
            journal.close()

    def until(self, point: tuple[str, str], process: subprocess.Popen[str]) -> None:
        tick = threading.Event()
        while process.poll() is None and point not in self.seen():
            tick.wait(0.01)

    def doubled(self) -> list[str]:
        """What was done to a server by more than one run, or more than once."""
        journal = self.journal()
        try:
            runs = [journal.run(each.id) for each in journal.history()]
        finally:
            journal.close()
        changed = [
            each.name
            for run in runs
            for each in run.servers
            if any(step.step.action is Action.CLEAR for step in each.steps)
        ]
        twice = [f"{name} was changed by two runs" for name in SERVERS if changed.count(name) > 1]
        resets = {name: account(self.fleet[name]).iisresets for name in SERVERS}
        return twice + [f"{name} was restarted {count} times" for name, count in resets.items() if count > 1]

    def not_right(self) -> list[str]:
        """What the lab says is not as it should be in the end."""
        truths = {name: account(self.fleet[name]) for name in SERVERS}
        flags = {
            name: [(each.flags_memory, each.flags_disk) for each in truth.directories if each.path == EAS]
            for name, truth in truths.items()
        }
        return [
            f"{name}: {flags[name]}, {truth.services_down}, {truth.markers}"
            for name, truth in truths.items()
            if (flags[name], truth.services_down, truth.markers) != ([(0, 0)], [], [])
        ]

    def states(self) -> dict[str, set[ServerState | None]]:
        journal = self.journal()
        try:
            runs = [journal.run(each.id) for each in journal.history()]
            return {name: {each.state for run in runs for each in run.servers if each.name == name} for name in SERVERS}
        finally:
            journal.close()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(len(SERVERS), 0, [f"require-ssl@{name}" for name in SERVERS], seed=1, pace=QUICK) as fleet:
        yield fleet


@pytest.fixture
def home(tmp_path: Path, fleet: Fleet) -> Iterator[Path]:
    layout = Layout(tmp_path)
    layout.write(fleet, 0, "")
    yield tmp_path
    layout.remove()


def kill_one(two: Two, point: tuple[str, str]) -> None:
    """The first is killed in the step, the second has begun meanwhile; then whoever is asked goes on."""
    first = two.start("apply", "--yes")
    two.until(("back-up", "intended"), first)
    second = two.start("apply", "--yes")
    two.until(point, first)
    if first.poll() is None:
        first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    two.answer(second)
    journal = two.journal()
    runs = [each.id for each in journal.history()]
    journal.close()
    for run in runs:
        two.answer(two.start("resume", run))
    code, document = two.answer(two.start("status"))

    assert two.doubled() == []
    assert two.not_right() == [], (document, two.states())
    assert all(ServerState.CHANGED in states for states in two.states().values()), two.states()
    assert (code, document["servers"]) == (0, [])


@pytest.mark.parametrize("point", POINTS, ids=lambda point: "-".join(point).replace("/", "."))
def test_one_of_two_is_killed_and_the_other_goes_on(home: Path, fleet: Fleet, point: tuple[str, str]) -> None:
    kill_one(Two(home, fleet), point)


def test_one_of_two_is_killed_on_a_shared_postgresql(home: Path, fleet: Fleet, postgresql: str) -> None:
    """The database is named by a URL, and its clock is its own."""
    kill_one(Two(home, fleet, f"{postgresql}/postgres"), (f"clear {EAS}", "done"))


def test_two_that_begin_together_share_the_servers_between_them(home: Path, fleet: Fleet) -> None:
    two = Two(home, fleet)
    both = [two.start("apply", "--yes") for _ in range(2)]
    answers = [two.answer(each) for each in both]

    assert two.doubled() == []
    assert two.not_right() == [], [document for _, document in answers]
