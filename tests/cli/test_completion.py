"""Completion as the shells ask for it: commands, options, servers of the configuration, runs of the record."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.journal import open_journal
from agent.model import Holder, RunRecord

PROGRAM = "from agent.cli.main import run; run()"
HOLDER = ("jump01", 4711, "anna")
RUNS = ("20110314-020000-aaaaaa", "20110315-020000-bbbbbb")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Three servers, one of them a bare name; a password that would have to be asked for; two runs."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "servers: [EX01, {name: EX02}, {name: berlin}]\ncredentials: {default: {username: x, prompt: true}}\n"
        "journal: j.db\n",
        encoding="utf-8",
    )
    journal = open_journal(str(tmp_path / "j.db"), lambda: datetime.now(UTC))
    for day, name in enumerate(RUNS, start=14):
        begun = datetime(2011, 3, day, 2, tzinfo=UTC)
        journal.begin(RunRecord(name, "apply", begun, Holder(name, *HOLDER), "0.1.0"), [])
    journal.close()
    return path


def complete(shell: str, words: Sequence[str], config: Path | None) -> tuple[list[str], str]:
    """What the shell would offer for the last word, by click's protocol for this shell; and standard error."""
    line = " ".join(["easfix", *words])
    at = {"bash": str(len(words)), "zsh": str(len(words)), "fish": words[-1]}[shell]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EASFIX_")}
    environment |= {"_EASFIX_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": at}
    environment |= {"EASFIX_CONFIG": str(config)} if config else {}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = 'easfix'; {PROGRAM}"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=config.parent if config else None,
        timeout=60,
    )
    return _offered(shell, done.stdout), done.stderr


def _offered(shell: str, said: str) -> list[str]:
    lines = [line for line in said.splitlines() if line]
    if shell == "zsh":  # three lines an item: kind, value, help
        return lines[1::3]
    return [line.partition(",")[2].partition("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["check", "--limit", "ex"], ["EX01", "EX02"]),
        (["apply", "--skip", "B"], ["berlin"]),
        (["show", "2011"], [RUNS[1], RUNS[0]]),
        (["rollback", "20110314"], [RUNS[0]]),
        (["resume", "l"], ["last"]),
        (["verify", "20110315"], [RUNS[1]]),
        (["rollback", "last", "--limit", "EX02"], ["EX02"]),
        (["hist"], ["history"]),
    ],
)
def test_a_shell_is_offered_what_fits(shell: str, words: list[str], offered: list[str], config: Path) -> None:
    found, errors = complete(shell, words, config)

    assert found == offered
    assert errors == ""


def test_of_a_list_with_commas_the_next_name_is_offered(config: Path) -> None:
    found, _ = complete("zsh", ["check", "--limit", "EX01,"], config)

    assert found == ["EX01,EX02", "EX01,berlin"]


def test_config_may_stand_before_the_command(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("servers: [ZZ09]\n", encoding="utf-8")
    found, _ = complete("fish", ["--config", str(other), "check", "--limit", "Z"], config)

    assert found == ["ZZ09"]


@pytest.mark.parametrize(
    "text", [None, "servers: [", "servers: 7", "- a", "journal: postgresql://db/x", "journal: [1]"]
)
@pytest.mark.parametrize("words", [["check", "--limit", "E"], ["show", "2"]])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(
    tmp_path: Path, text: str | None, words: list[str]
) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    found, errors = complete("bash", words, path)

    assert (found, errors) == ([], "")


def test_a_record_that_is_none_offers_nothing_and_stays_as_it_is(config: Path) -> None:
    (config.parent / "j.db").write_bytes(b"no database at all")
    found, errors = complete("bash", ["show", "2"], config)

    assert (found, errors) == ([], "")
    assert (config.parent / "j.db").read_bytes() == b"no database at all"
    assert sorted(path.name for path in config.parent.iterdir() if not path.name.startswith("j.db")) == ["config.yaml"]
