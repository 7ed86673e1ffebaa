"""What somebody who does not know easfix does next: the record lets go, and says what is owed and by whom."""

from __future__ import annotations

import contextlib
import io
import pathlib

import pytest
from dying import Died
from harness import EAS, FLAGS, Stand

from agent.cli.main import call
from agent.errors import Unreachable
from agent.lab.layout import CONFIG_FILE


def dies_while_iis_restarts(stand: Stand) -> None:
    """The process is killed when the restart is sent and nobody has heard of it."""

    def hook(where: str) -> None:
        if where == "after restart":
            raise Died(where)

    stand.hook = hook
    with pytest.raises(Died):
        stand.easfix("apply", "--yes")
    stand.hook = lambda _: None


def words(stand: Stand, *arguments: str) -> str:
    """What a person reads after one command."""
    out = io.StringIO()
    with stand.sessions(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        call(["--config", str(stand.home / CONFIG_FILE), *arguments])
    return out.getvalue()


def test_a_server_put_back_after_a_death_in_the_restart_is_let_go(tmp_path: pathlib.Path) -> None:
    def hook(where: str) -> None:
        if where == "before restore":
            raise Unreachable("EX01", "the RPC server is unavailable")

    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        dies_while_iis_restarts(stand)
        stand.hook = hook
        first = stand.easfix("rollback", "last", "--yes")
        stand.hook = lambda _: None
        resumed = stand.easfix("resume", "last")

        assert first.state() in ("unknown", "failed"), first.reason()
        assert (resumed.code, resumed.state()) == (0, "rolled_back"), resumed.reason()
        assert resumed.reason().startswith("rolled back by the operator")
        assert {each["state"] for each in resumed.server()["steps"]} <= {"done", "undone", "failed"}
        assert stand.easfix("status").document["servers"] == []
        assert stand.truth().markers == []
        assert stand.truth().iisresets == 1


def test_nothing_to_resume_leaves_the_record_as_it_is(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("plan", "-o", str(tmp_path / "plan.json"))
        stand.machine().metabase.set(EAS, FLAGS, 264)
        ended = stand.easfix("apply", str(tmp_path / "plan.json"), "--yes")
        before = stand.easfix("history").document["runs"]
        resumed = stand.easfix("resume", "last")

        assert (ended.code, resumed.code) == (5, 0)
        assert resumed.document["message"] == "nothing to resume"
        assert stand.easfix("history").document["runs"] == before


def test_a_server_left_out_by_a_polite_stop_is_taken_up_again(tmp_path: pathlib.Path) -> None:
    settings = {"run": {"concurrency": 1}}
    with Stand(tmp_path, "fake", ["require-ssl@EX01", "require-ssl@EX02"], servers=2, settings=settings) as stand:
        stand.stop_at = "before clear"
        stopped = stand.easfix("apply", "--yes")
        stand.stop_at = ""
        resumed = stand.easfix("resume", "last")

        assert stopped.code == 130
        assert stopped.state("EX02") == "skipped"
        assert stopped.reason("EX02") == "stopped by the operator before it began"
        assert (resumed.code, resumed.state("EX01"), resumed.state("EX02")) == (0, "changed", "changed")


def test_after_a_stop_the_next_step_is_to_resume(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.stop_at = "before clear"
        out = words(stand, "apply", "--yes")

        assert "Next: easfix resume " in out, out
