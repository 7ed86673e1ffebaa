"""The entry point: errors in words and codes, options in any place, and a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import copy
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest

from agent.cli.asking import confirm
from agent.cli.main import COMMANDS, GROUPS, call, cli
from agent.cli.options import Options
from agent.cli.session import Session, now
from agent.errors import EasfixError, JournalError, NoTerminal
from agent.journal import open_journal

HEAVY = ("pydantic", "sqlalchemy", "alembic", "pypsrp", "winrm", "requests", "structlog", "tenacity", "rich", "yaml")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom agent.cli.main import call\ncode = call(['--help'])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "0 []"


def test_what_is_installed_beside_easfix_has_no_say_in_how_its_files_are_read(tmp_path: Path) -> None:
    """A plug-in of pydantic is run at each model of the process that finds it; easfix does not look for any."""
    plugin = tmp_path / "guest-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n", encoding="utf-8")
    (plugin / "entry_points.txt").write_text("[pydantic]\nguest = guest:plugin\n", encoding="utf-8")
    code = "print('the guest was asked')\nclass plugin:\n    def new_schema_validator(*_): return None, None, None\n"
    (tmp_path / "guest.py").write_text(code, encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01]\ncredentials: {default: {}}\n", encoding="utf-8")

    def said(script: str) -> str:
        command = [sys.executable, "-c", script, "--config", str(config), "config", "check"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
        environment.pop("PYDANTIC_DISABLE_PLUGINS", None)  # what the models, once loaded here, have set
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    assert "the guest was asked" in said("import pydantic\nclass Model(pydantic.BaseModel): pass")
    assert "the guest was asked" not in said("from agent.cli.main import run\nrun()")


def test_an_unknown_command_says_which_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["chek"])

    assert code == 64
    assert "Did you mean 'check'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["check", "--limt", "EX01"], ["lab"], ["show"], ["plan", "-o"]])
def test_a_wrong_command_line_is_64_and_points_to_the_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(arguments)

    assert code == 64
    assert "--help" in capsys.readouterr().err


def test_an_error_with_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["check", "--config", str(tmp_path / "none.yaml"), "--json"])
    document = json.loads(capsys.readouterr().out)

    assert code == 78
    assert (document["schema"], document["command"], document["exit_code"]) == ("easfix/1", "check", 78)
    assert document["servers"] == []
    assert document["error"]["next_step"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_global_options_work_before_and_after_the_command(
    order: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01]\ncredentials: {default: {}}\n", encoding="utf-8")
    given = ["--config", str(config), "--json"]
    code = call([*given, "config", "check"] if order == "before" else ["config", "check", *given])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["servers"] == ["EX01"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["completion", shell])

    assert code == 0
    assert "_EASFIX_COMPLETE" in capsys.readouterr().out


def test_completion_with_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["completion", "fish", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["command"], document["shell"]) == (0, "completion", "fish")
    assert "_EASFIX_COMPLETE" in document["script"]


@pytest.mark.parametrize("arguments", [["--version", "--json"], ["--json", "--version"], ["--json", "-V"]])
def test_the_version_with_json_is_one_document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = call(arguments)
    document = json.loads(capsys.readouterr().out)

    assert (code, document["schema"], document["command"]) == (0, "easfix/1", "version")
    assert document["version"] == version("easfix")


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["--version"])

    assert (code, capsys.readouterr().out) == (0, f"easfix {version('easfix')}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "--version"], "easfix check: --version stands alone.\n        easfix --version\n"),
        (["history", "--count", "0"], "easfix history: Invalid value for '--count': 0 is not between 1 and 10000.\n"),
        (["check", "EX01"], "Servers are chosen with --limit NAMES. See 'easfix check --help'.\n"),
        (["apply", "none.json"], "none.json: the plan cannot be read: No such file or directory\n"),
        (["show", "last"], "no run is on record yet\n"),
        (["completion", "tcsh"], "Invalid value for 'SHELL': 'tcsh' is not one of 'bash', 'zsh', 'fish'.\n"),
    ],
)
def test_a_wrong_command_line_is_answered_in_plain_words(
    arguments: list[str], says: str, config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EASFIX_CONFIG", config)
    if arguments[0] == "show":  # a journal without a run
        open_journal(str(Path(config).parent / "j.db"), now).close()
    call(arguments)
    said = capsys.readouterr().err

    assert says in said
    assert "Errno" not in said


def test_a_defect_shows_no_traceback_and_is_unsure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_temporary_folder: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("agent.cli.main.cli.main", broken)
    code = call(["check"])
    said = capsys.readouterr().err
    details = Path(said.partition("The details are in ")[2].partition(".txt")[0] + ".txt")

    assert code == 4
    assert details.parent == own_temporary_folder
    assert "a defect of easfix: RuntimeError" in said
    assert "Traceback" not in said
    assert "a secret" not in said


@pytest.mark.parametrize("arguments", [[], ["lab"], ["config"]])
def test_a_group_alone_shows_its_help_and_says_what_is_missing(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(arguments)
    said = capsys.readouterr()

    assert code == 64
    assert said.out.startswith("Usage: easfix")
    assert said.err.count("\n") == 1
    assert "needs a command" in said.err


@pytest.mark.parametrize(("arguments", "where"), [([], "easfix"), (["config"], "easfix config")])
def test_a_group_alone_with_json_is_one_document(
    arguments: list[str], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["--json", *arguments])
    found = json.loads(capsys.readouterr().out)

    assert (code, found["exit_code"], found["error"]["where"]) == (64, 64, where)
    assert found["error"]["next_step"] == f"See '{where} --help'."


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "its config.yaml"
    path.write_text("servers: [EX01, EX02]\nlogs: {file: x.log}\njournal: j.db\n", encoding="utf-8")
    return str(path)


def test_a_server_in_the_place_of_a_plan_is_told_apart(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["apply", "ex01", "--config", config])

    assert code == 64
    assert f"easfix --config '{config}' apply --limit EX01?" in capsys.readouterr().err


def test_a_plan_and_a_document_do_not_share_standard_output(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["plan", "-o", "-", "--json", "--config", config])

    assert code == 64
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "-o - and --json both want standard output"


def test_a_place_that_takes_no_plan_is_refused_before_any_server_is_asked(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "nowhere" / "plan.json"
    code = call(["plan", "-o", str(place), "--config", config])
    said = capsys.readouterr().err

    assert code == 78
    assert f"{place}: the plan cannot be written" in said and "Name a place" in said
    assert "EX01" not in said


def test_what_is_asked_without_a_terminal_speaks_of_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(NoTerminal) as caught:
        confirm("Put back?")

    assert caught.value.next_step == "Give --yes where nobody can be asked."


FULL = JournalError("the disk of the journal is full", where="journal.db", next_step="free some space")


def ended_by(error: EasfixError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("agent.cli.main.cli.main", broken)
    call(["apply", "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_journal_that_gives_way_names_the_run_it_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = copy(FULL)
    error.run_ended = "r1"
    document = ended_by(error, monkeypatch, capsys)

    assert (document["run"], document["exit_code"]) == ("r1", 4)
    assert document["error"]["next_step"].startswith("free some space. Run r1 broke off: easfix resume r1 ")


def test_before_a_run_nobody_is_told_to_resume_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = ended_by(copy(FULL), monkeypatch, capsys)

    assert (document["run"], document["exit_code"]) == (None, 78)
    assert document["error"]["next_step"] == "free some space"


def test_an_error_within_a_session_is_told_its_run(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01]\nlogs: {file: x.log}\n", encoding="utf-8")
    with pytest.raises(JournalError) as caught, Session(Options(config)) as session:
        session.began("r1")
        raise copy(FULL)

    assert caught.value.run_ended == "r1"


def test_the_groups_are_those_there_are() -> None:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in COMMANDS}

    assert {name: tuple(each.commands) for name, each in found.items() if isinstance(each, click.Group)} == GROUPS


@pytest.mark.parametrize("given", [["--config", "my dir/c.yaml"], ["--config=my dir/c.yaml"]])
def test_what_to_do_next_can_be_typed_as_it_stands(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = copy(FULL)
    error.run_ended = "r1"

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("agent.cli.main.cli.main", broken)
    call([*given, "resume", "r1"])
    line = Options(config=Path("my dir/c.yaml")).line("resume r1")

    assert f"Run r1 broke off: {line} looks at the servers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("easfix resume r1 looks again", "easfix --config c.yaml resume r1 looks again"),
        ("failed. easfix show r1, or easfix status", "failed. easfix --config c.yaml show r1, or "
         "easfix --config c.yaml status"),
        ("easfix --config c.yaml resume r1", "easfix --config c.yaml resume r1"),
        ("other scripts than this easfix has", "other scripts than this easfix has"),
        ("easfix showed nothing", "easfix showed nothing"),
    ],
)  # fmt: skip
def test_a_command_in_a_sentence_has_the_configuration_that_was_given(words: str, typed: str) -> None:
    assert Options(config=Path("c.yaml")).typed(words) == typed
    assert Options().typed(words) == words
