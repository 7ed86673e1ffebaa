"""The demo: it ends well, and what it leaves behind can be read with the very commands that it prints."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.demo import HEADER, RECORD_FILE
from agent.cli.main import call

PROGRAM = "from agent.cli.main import run; run()"


def easfix(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(home)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=240, env=environment
    )


def test_the_record_of_the_demo_is_read_with_the_commands_it_prints(tmp_path: Path) -> None:
    home = tmp_path / "a practice"
    done = easfix(["demo", "--dir", str(home)], tmp_path)
    plan = shlex.split(next(line for line in done.stdout.splitlines() if "does exactly that" in line))
    said = done.stdout.partition("Read it with:\n")[2].splitlines()
    history, show = (easfix(shlex.split(line)[1:], tmp_path) for line in said)

    assert done.returncode == 0, done.stdout + done.stderr
    left = {path.name for path in home.iterdir() if not path.name.startswith("journal.db-")}
    assert left == {"easfix.log", "journal.db", "plan.json", RECORD_FILE}
    assert (history.returncode, show.returncode) == (0, 0), history.stderr + show.stderr
    assert str(home / "plan.json") in plan
    assert "5 changed, 1 right" in history.stdout
    assert "why      demonstration" in show.stdout


def test_the_demo_replaces_no_file_of_somebody_elses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / RECORD_FILE).write_text("mine\n", encoding="utf-8")
    code = call(["demo", "--dir", str(tmp_path)])

    assert code == 78
    assert "does not replace it" in capsys.readouterr().err
    assert (tmp_path / RECORD_FILE).read_text(encoding="utf-8") == "mine\n"
    assert HEADER.startswith("#")


def test_the_demo_has_no_document(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["demo", "--json"])

    assert code == 64
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "the demo is for a person, and has no --json"
