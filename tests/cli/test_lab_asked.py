"""`easfix lab truth`, `fault` and `faults` as a program drives them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_process import DEADLINE, EASFIX, Lab, easfix, flags

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def test_truth_and_fault_go_together(up: Any) -> None:
    lab = up("--servers", "2", "--proxies", "1", "--fault", "healthy@EX01")
    home = str(lab.home)
    before = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)
    injected = easfix("lab", "fault", "--dir", home, "require-ssl@EX01", "unreachable@ex02")
    after = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)
    shown = easfix("lab", "truth", "--dir", home, "ex01").stdout

    assert (flags(before, "EX01"), flags(after, "EX01")) == ([0], [8])
    assert injected.stdout.splitlines() == ["injected require-ssl@EX01", "injected unreachable@ex02"]
    assert [each["online"] for each in after["machines"]] == [True, False, True]
    assert after["schema"] == "easfix-lab/1"
    assert shown.startswith("EX01  back-end, up, 0 iisresets")
    assert "Microsoft-Server-ActiveSync: 8 (SSL), its own" in shown and "EX02" not in shown


def test_fault_with_json_is_one_document(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0")
    done = easfix("lab", "fault", "--dir", str(lab.home), "--json", "slow=0@EX01")

    assert json.loads(done.stdout) == {"schema": "easfix-lab/1", "injected": ["slow=0@EX01"]}


def test_a_fault_is_cleared_and_the_settings_stay(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0", "--fault", "require-ssl@EX01", "--fault", "unreachable@EX01")
    home = str(lab.home)
    cleared = easfix("lab", "fault", "--dir", home, "--clear", "unreachable@EX01")
    after = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)

    assert cleared.stdout == "lifted unreachable@EX01\n"
    assert (after["machines"][0]["online"], flags(after, "EX01")) == (True, [8])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fault", "--clear", "slow@EX01"], "slow is not in force on EX01"),
        (["truth", "ZZZZ"], "There are: EX01."),
        (["fault", "requir-ssl@EX01"], "did you mean require-ssl?"),
        (["fault", "slow=-2@EX01"], "not a number of seconds"),
        (["fault", "slow@EX07"], "there is no server EX07; there are: EX01"),
        (["fault", "front-end@EX01"], "when the lab is started"),
        (["fault"], "--help"),
        (["truth", "EX07"], "EX01"),
    ],
)
def test_what_a_running_lab_cannot_do_is_64_with_a_hint(arguments: list[str], words: str, shared: Lab) -> None:
    done = easfix("lab", *arguments, "--dir", str(shared.home))

    assert done.returncode == 64
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for the questions that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    lab = Lab(folder / "practice", "--servers", "1", "--proxies", "0")
    yield lab
    lab.process.terminate()
    lab.process.communicate(timeout=DEADLINE)


@pytest.mark.parametrize("arguments", [["truth"], ["fault", "slow@EX01"]])
def test_without_a_lab_it_is_78_and_says_how_to_start_one(arguments: list[str], tmp_path: Path) -> None:
    done = easfix("lab", *arguments, "--dir", str(tmp_path))

    assert done.returncode == 78
    assert "there is no lab.json" in done.stderr
    assert f"easfix lab up --dir {tmp_path}" in done.stderr


def test_an_error_with_json_is_one_document(tmp_path: Path) -> None:
    done = easfix("lab", "truth", "--dir", str(tmp_path), "--json")

    assert json.loads(done.stdout)["exit_code"] == 78


def test_the_faults_are_listed_with_a_sentence_each() -> None:
    listed = easfix("lab", "faults").stdout.splitlines()
    rows = json.loads(easfix("lab", "faults", "--json").stdout)["faults"]

    assert len(listed) == len(rows) > 27
    assert listed[1].split(maxsplit=1) == ["require-ssl", rows[1]["sentence"]]
    assert {"name", "argument", "default", "on", "at_start_only", "sentence"} == set(rows[0])


@posix
def test_a_reader_that_goes_away_is_no_error(up: Any) -> None:
    lab = up("--servers", "20", "--proxies", "0")
    line = " ".join([*(f"'{word}'" for word in EASFIX), "lab", "truth", "--dir", str(lab.home), "|", "head", "-1"])
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=DEADLINE)

    assert done.stdout.startswith("EX01")
    assert done.stderr == ""
