"""Stopping a run from another process, through the journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.main import call
from agent.cli.options import Options
from agent.cli.session import Session
from agent.errors import Stopped
from agent.journal import OpenRun
from agent.model import Holder, RunRecord

AT = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("servers: [EX01, EX02]\njournal: journal.db\nlogs: {file: easfix.log}\n", encoding="utf-8")
    return path


@pytest.fixture
def session(config: Path) -> Iterator[Session]:
    with Session(Options(config=config)) as session:
        yield session


@pytest.fixture
def easfix(config: Path) -> Callable[..., int]:
    return lambda *arguments: call(["--config", str(config), *arguments])


def begun(session: Session, name: str, minute: int = 0) -> OpenRun:
    holder = Holder(name, "jump01", 100, "LAB\\admin")
    return session.journal.begin(RunRecord(name, "apply", AT.replace(minute=minute), holder, "0.1.0"))


def test_a_run_that_was_asked_to_stop_begins_with_no_other_server(session: Session, easfix: Callable[..., int]) -> None:
    run = begun(session, "r1")
    code = easfix("stop", "r1", "--reason", "board meeting")

    assert code == 0
    with pytest.raises(Stopped, match="board meeting"):
        run.admit("EX01")


def test_what_is_stopped_is_said_with_who_asked(
    session: Session, easfix: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    begun(session, "r1")
    easfix("stop", "last", "--reason", "board meeting")
    out = capsys.readouterr().out

    assert f"run r1 is asked to stop {session.journal.stop_asked('r1')}" in out
    assert "process 100" in out
    assert "status tells" in out


def test_the_document_names_the_run(
    session: Session, easfix: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    begun(session, "r1")
    easfix("stop", "r1", "--json")
    document = json.loads(capsys.readouterr().out)

    assert (document["command"], document["run"], document["exit_code"]) == ("stop", "r1", 0)
    assert document["stopping"] == [{"run": "r1", "asked": session.journal.stop_asked("r1")}]


def test_all_are_those_that_have_not_ended(session: Session, easfix: Callable[..., int]) -> None:
    begun(session, "r0").end(0)
    begun(session, "r1", 1)
    begun(session, "r2", 2)
    easfix("stop", "--all")

    assert [bool(session.journal.stop_asked(name)) for name in ("r0", "r1", "r2")] == [False, True, True]


def test_a_run_that_has_ended_is_left_alone(
    session: Session, easfix: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    begun(session, "r1").end(0)
    code = easfix("stop", "r1")

    assert code == 0
    assert "has ended already: nothing to stop" in capsys.readouterr().out
    assert session.journal.stop_asked("r1") == ""


@pytest.mark.parametrize("arguments", [(), ("r1", "--all")])
def test_one_run_is_named_or_all_are(
    arguments: tuple[str, ...], easfix: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert easfix("stop", *arguments) == 64
    assert "name one run, or give --all" in capsys.readouterr().err


def test_where_nothing_was_ever_run_there_is_nothing_to_stop(
    config: Path, easfix: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    code = easfix("stop", "last")

    assert code == 64
    assert "no run is on record yet" in capsys.readouterr().err
    assert not (config.parent / "journal.db").exists()
