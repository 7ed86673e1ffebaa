"""`easfix lab up` that cannot be: a clear error with its exit code, and what was there is left alone."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lab_process import DEADLINE, EASFIX, easfix
from ordinary import ordinary_user

from agent.cli.main import call
from agent.lab.fleet import Fleet  # noqa: F401 - loaded while the rights are there: its files may be closed to others
from agent.lab.layout import Layout  # noqa: F401 - likewise

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def test_a_second_lab_in_the_same_directory_is_refused_and_the_first_goes_on(up: Any) -> None:
    first = up("--servers", "1", "--proxies", "0")
    done = easfix("lab", "up", "--dir", str(first.home))

    assert done.returncode == 64
    assert f"a lab runs in {first.home} already" in done.stderr and "another directory" in done.stderr
    assert easfix("lab", "truth", "--dir", str(first.home)).returncode == 0


def test_a_configuration_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("servers: [PRODUCTION]\n")
    done = easfix("lab", "up", "--dir", str(tmp_path))

    assert done.returncode == 78
    assert str(tmp_path / "config.yaml") in done.stderr and "another directory" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("config.yaml", "servers: [PRODUCTION]\n")
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--servers", "0"], "0 is not between 1 and 2000"),
        (["--servers", "-3"], "-3 is not between"),
        (["--servers", "many"], "not a valid integer"),
        (["--proxies", "-1"], "-1 is not between"),
        (["--restart-seconds", "-1"], "not a number of seconds"),
        (["--restart-seconds", "nan"], "not a number of seconds"),
        (["--proxy-seconds", "inf"], "not a number of seconds"),
        (["--hop", "jump"], "'hang', '403'"),
        (["--fault", "requir-ssl@EX01"], "did you mean require-ssl?"),
        (["--fault", "require-ssl"], "NAME[=ARG]@SERVER"),
        (["--fault", "slow=-1@EX01"], "not a number of seconds"),
        (["--fault", "require-ssl@EX99"], "there is no server EX99; did you mean"),
        (["--fault", "require-ssl@CAS01"], "a fault of an Exchange 2003 server"),
        (["--fault", "stuck-service=SMPTSVC@EX01"], "did you mean SMTPSVC?"),
    ],
)
def test_a_wrong_option_is_64_with_a_hint_and_leaves_no_directory(
    arguments: Sequence[str], words: str, tmp_path: Path
) -> None:
    done = easfix("lab", "up", "--dir", str(tmp_path / "practice"), "--servers", "30", *arguments)

    assert done.returncode == 64
    assert words in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "practice").write_text("")
    done = easfix("lab", "up", "--dir", str(tmp_path / "practice"))

    assert done.returncode == 64
    assert "is a file" in done.stderr


def test_a_directory_that_cannot_be_made_is_78_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = easfix("lab", "up", "--dir", str(tmp_path / "file" / "practice"))

    assert done.returncode == 78
    assert "Not a directory" in done.stderr and "Name a directory" in done.stderr


@posix
def test_a_directory_that_cannot_be_written_is_78_and_says_where(
    own_temporary_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with ordinary_user(home):
            code = call(["lab", "up", "--dir", folder])
        home.chmod(0o700)

    assert code == 78
    assert folder in capsys.readouterr().err


@posix
def test_too_few_open_files_is_78_with_the_number_and_the_way_out(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))

    done = subprocess.run(
        [*EASFIX, "lab", "up", "--dir", str(tmp_path / "practice"), "--servers", "100"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        preexec_fn=limit,
    )

    assert done.returncode == 78
    assert "open files" in done.stderr and "ulimit -n" in done.stderr
    assert list(tmp_path.iterdir()) == []
