"""Standard output and error that are closed, full, or read by nobody: the work does not depend on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EASFIX = (sys.executable, "-c", "from agent.cli.main import run; run()")
SCHEMA = (*EASFIX, "config", "schema")
FULL = Path("/dev/full")

posix = pytest.mark.skipif(os.name == "nt", reason="descriptors are closed in the child here, as POSIX has it")
with_full = pytest.mark.skipif(not FULL.exists(), reason="/dev/full stands for a full disk")


def closing(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


@with_full
def test_an_answer_that_does_not_fit_is_told_and_is_not_a_good_end() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(SCHEMA, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)

    assert done.returncode == 4
    assert "the answer could not be written: No space left on device" in done.stderr
    assert "ended with exit code 0" in done.stderr
    assert "Traceback" not in done.stderr


@with_full
def test_a_worse_code_than_that_stays(tmp_path: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*EASFIX, "--json", "check", "--config", str(tmp_path / "none.yaml")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    assert done.returncode == 78
    assert "none.yaml" in done.stderr


@posix
@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_a_reader_who_went_changes_no_exit_code(which: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, which: writing}
    command = SCHEMA if which == "stdout" else [*EASFIX, "check", "--config", str(tmp_path / "none.yaml")]
    try:
        done = subprocess.run(command, timeout=60, **streams)
    finally:
        os.close(writing)

    assert done.returncode == (0 if which == "stdout" else 78)


@posix
@pytest.mark.parametrize("numbers", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_descriptors_are_no_defect(numbers: tuple[int, ...]) -> None:
    done = subprocess.run(
        SCHEMA,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        preexec_fn=closing(*numbers),
    )

    assert done.returncode == 0
    assert not done.stderr
    assert bool(done.stdout) is (1 not in numbers)


OPENED = """
from agent.cli.outlets import open_outlets
open_outlets()
import os, sys
number = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.write(number, b"the record")
print("an answer", flush=True)
print("a word", file=sys.stderr, flush=True)
sys.exit(number if number > 2 and not sys.stdin.isatty() else 1)
"""


@posix
def test_no_file_of_ours_takes_the_place_of_a_closed_descriptor(tmp_path: Path) -> None:
    file = tmp_path / "record"
    done = subprocess.run([sys.executable, "-c", OPENED, str(file)], timeout=60, preexec_fn=closing(0, 1, 2))

    assert done.returncode > 2
    assert file.read_text() == "the record"
