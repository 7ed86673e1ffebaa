"""A real process over the real wire, killed with SIGKILL wherever it happens to be; then `easfix resume` in another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from harness import EAS

from agent.cli.session import now
from agent.errors import JournalError
from agent.journal import open_journal
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout
from agent.lab.truth import account

QUICK = Pace(restart_seconds=0.5, warm_up_seconds=0.0, proxy_seconds=1.0)
POINTS = (
    ("back-up", "done"),
    (f"clear {EAS}", "intended"),
    (f"clear {EAS}", "done"),
    ("restart", "intended"),
    ("close", "intended"),
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is of POSIX; Windows has its own way to die")


def easfix(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", "from agent.cli.main import run; run()", "--config", str(home / CONFIG_FILE),
            "--json", *arguments]  # fmt: skip


def seen(home: Path) -> set[tuple[str, str]]:
    """Every move that stands in the record so far."""
    try:
        journal = open_journal(str(home / "journal.db"), now, read_only=True)
    except JournalError:
        return set()
    try:
        runs = journal.history(1)
        steps = journal.server(runs[0].id, "EX01").steps if runs else ()
        return {(each.step.id, str(attempt.state)) for each in steps for attempt in each.attempts}
    finally:
        journal.close()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: "-".join(point).replace("/", "."))
def test_a_killed_process_is_mended_by_the_next(tmp_path: Path, point: tuple[str, str]) -> None:
    """It may get further before the signal arrives; wherever that is, the same must hold."""
    with Fleet(1, 0, ["require-ssl@EX01"], seed=1, pace=QUICK) as fleet:
        layout = Layout(tmp_path)
        layout.write(fleet, 0, "")
        first = subprocess.Popen(
            easfix(tmp_path, "apply", "--yes"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        tick = threading.Event()
        while first.poll() is None and point not in seen(tmp_path):
            tick.wait(0.01)
        if first.poll() is None:
            first.send_signal(signal.SIGKILL)
        first.wait(60)
        second = subprocess.run(easfix(tmp_path, "resume", "last"), capture_output=True, text=True, timeout=120)
        document = json.loads(second.stdout)
        truth = account(fleet["EX01"])
        (directory,) = (each for each in truth.directories if each.path == EAS)

        assert (second.returncode, document["servers"][0]["state"]) == (0, "changed"), document
        assert (directory.flags_memory, directory.flags_disk) == (0, 0)
        assert (truth.iisresets, truth.services_down, truth.markers) == (1, [], [])
        layout.remove()
