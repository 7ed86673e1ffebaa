"""What the log says about the scripts that are sent: when and whether, never what was in them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ports import HeldPort

from agent import logs
from agent.cli.main import call
from agent.cli.sent import LoggingConnect
from agent.errors import ErrorRecord, ScriptFailed
from agent.model import Effect, Record, Script, Server
from agent.transport import Arguments

SCRIPT = Script("detect", "1", Effect.READ, "0" * 64, 60.0)
PLACE = "At line:118 char:1 + $vdir.SetInfo()"


class Answering:
    """A way in that answers, or fails as a script does."""

    def __init__(self, error: ScriptFailed | None = None) -> None:
        self.error = error
        self.is_closed = False

    def __call__(self, server: Server) -> Answering:
        return self

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        if self.error:
            raise self.error
        return [{"Answer": "what the server said"}]

    def close(self) -> None:
        self.is_closed = True


def said(way: Answering, level: str) -> str:
    """What stands on the screen after one script."""
    console = io.StringIO()
    ticks = iter([1.0, 3.5])
    end = logs.start(None, console, level, logs.Redactor(), lambda: datetime(2011, 3, 14, tzinfo=UTC))
    visit = LoggingConnect(way, lambda: next(ticks))(Server("EX01", "127.0.0.1", "ex01.lab"))
    try:
        visit.run(SCRIPT, {"Text": "an argument"})
    finally:
        visit.close()
        end()
    return console.getvalue()


def test_at_level_debug_every_script_is_told_with_its_time() -> None:
    way = Answering()
    lines = said(way, "debug").splitlines()

    assert lines == [
        "00:00:00 script.sent server=EX01 script=detect effect=read",
        "00:00:00 script.answered server=EX01 script=detect objects=1 seconds=2.5",
    ]
    assert way.is_closed


def test_at_level_info_a_script_that_answers_is_not_told() -> None:
    assert said(Answering(), "info") == ""


@pytest.mark.parametrize(("level", "shown"), [("info", False), ("debug", True)])
def test_where_in_the_script_it_went_wrong_is_for_level_debug(
    level: str, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    console = io.StringIO()
    error = ScriptFailed("EX01", "detect: no such thing", record=ErrorRecord(position=PLACE))
    end = logs.start(None, console, level, logs.Redactor(), lambda: datetime(2011, 3, 14, tzinfo=UTC))
    visit = LoggingConnect(Answering(error), lambda: 0.0)(Server("EX01", "127.0.0.1", "ex01.lab"))
    with pytest.raises(ScriptFailed):
        visit.run(SCRIPT, {})
    end()

    assert 'script.failed server=EX01 script=detect error=ScriptFailed detail="detect: no such thing"' in (
        console.getvalue()
    )
    assert (PLACE in console.getvalue()) is shown
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("given", "shown"), [("-v", False), ("-vv", True)])
def test_vv_tells_every_script_and_v_only_the_events(
    given: str, shown: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens on the port, and the account needs no password that would have to be asked for."""
    with HeldPort() as kept:  # connections are refused
        config = tmp_path / "config.yaml"
        config.write_text(
            f"servers: [{{name: EX01, address: 127.0.0.1, winrm: {{port: {kept.number}}}}}]\n"
            "credentials: {default: {username: x, password_env: LAB_PASSWORD, auth: ntlm}}\n"
            "logs: {file: x.log}\njournal: j.db\nretry: {attempts: 1}\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("LAB_PASSWORD", "a password of nobody")
        code = call(["--config", str(config), given, "check"])
    said = capsys.readouterr()

    assert code == 4
    assert "server.failed server=EX01" in said.err
    assert "script.failed server=EX01 script=detect error=Unreachable" in said.err
    assert ("script.sent server=EX01 script=detect effect=read" in said.err) is shown
    assert "script." not in said.out
