"""What somebody who does not know easfix does next: the record lets go, and says what is owed and by whom."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import socket
from importlib.metadata import version

import pytest
from harness import EAS, FLAGS, Stand

from agent import planfile
from agent.cli.main import call
from agent.cli.session import now
from agent.errors import Unreachable
from agent.journal import open_journal
from agent.lab.layout import CONFIG_FILE
from agent.model import Holder


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
        stand.dies_in_the_restart()
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


@pytest.mark.parametrize("command", [("resume", "last"), ("rollback", "last", "--yes")], ids=["resume", "rollback"])
def test_what_active_directory_wrote_meanwhile_is_reverted_and_owed_no_more(
    tmp_path: pathlib.Path, command: tuple[str, ...]
) -> None:
    """The flag was inherited, and is the directory's own now: neither what was there before, nor what easfix wrote."""
    with Stand(tmp_path, "fake", ["inherited-ssl@EX01"]) as stand:
        stand.dies_in_the_restart()
        stand.settle()
        stand.machine().metabase.set(EAS, FLAGS, 8)
        answer = stand.easfix(*command)

        assert (answer.code, answer.state()) == (4, "reverted"), answer.reason()
        assert answer.reason().startswith("the flag came back")
        assert "msExchAccessSSLFlags" in answer.reason()
        assert stand.machine().metabase.get(EAS, FLAGS) == 8
        assert stand.easfix("resume", "last").server()["reason"] == answer.reason()  # nothing is held any more
        assert stand.truth().markers == []


def test_nothing_to_resume_leaves_the_record_as_it_is(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("plan", "-o", str(tmp_path / "plan.json"))
        stand.machine().metabase.set(EAS, FLAGS, 264)
        ended = stand.easfix("apply", str(tmp_path / "plan.json"), "--yes")
        before = stand.easfix("history").document["runs"]
        resumed = stand.easfix("resume", "last")

        assert (ended.code, resumed.code) == (5, 5)  # nothing is left to do, and all is not as it should be
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

        (first,) = (line for line in out.splitlines() if line.startswith("Next: "))
        assert f"{CONFIG_FILE} resume " in first, out


def test_after_a_good_run_the_second_look_is_offered_and_the_way_back(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        out = words(stand, "apply", "--yes")

        assert f"{CONFIG_FILE} verify " in out, out
        assert f"{CONFIG_FILE} rollback " in out, out
        assert " resume " not in out, out


def test_where_nothing_was_changed_no_way_back_is_offered(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("plan", "-o", str(tmp_path / "plan.json"))
        stand.machine().metabase.set(EAS, FLAGS, 264)
        out = words(stand, "apply", str(tmp_path / "plan.json"), "--yes")

        assert f"{CONFIG_FILE} show " in out, out
        assert "rollback" not in out, out


def test_a_plan_on_standard_output_is_a_plan_and_nothing_else(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        out = words(stand, "plan", "-o", "-")

        assert [each.server for each in planfile.load(out, "-").servers] == ["EX01"]


def test_verify_of_a_run_that_broke_off_says_to_resume_it(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.dies_in_the_restart()
        verified = stand.easfix("verify", "last", "--take-over")
        run = str(verified.document["run"])

        assert (verified.code, verified.state()) == (4, "unknown")
        assert verified.server()["next_step"].endswith(f"config.yaml resume {run} first")
        assert stand.easfix("resume", run).state() == "changed"


def changed_twice(stand: Stand) -> tuple[str, str]:
    """Two runs that both changed the server: somebody had set the flag again in between."""
    runs = []
    for _ in range(2):
        stand.machine().metabase.set(EAS, FLAGS, 8)
        stand.machine().metabase.save()
        runs.append(str(stand.easfix("apply", "--yes").document["run"]))
    return runs[0], runs[1]


def test_a_later_run_takes_over_the_second_look(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        first, second = changed_twice(stand)
        owed = [each["run"] for each in stand.easfix("status").document["second_looks"]]
        old, new = stand.easfix("verify", first), stand.easfix("verify", second)

        assert owed == [second]
        assert (old.state(), old.reason()) == ("skipped", f"run {second} has changed it since")
        assert new.state() == "changed"


def test_an_older_run_is_not_put_back_over_a_newer_one(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        first, second = changed_twice(stand)
        refused = stand.easfix("rollback", first, "--yes")
        held = stand.directory().flags_memory
        in_order = [stand.easfix("rollback", each, "--yes") for each in (second, first)]

        assert (refused.code, refused.state(), held) == (5, "skipped", 0)
        assert f"run {second} has changed it since" in refused.reason()
        assert [each.state() for each in in_order] == ["rolled_back", "rolled_back"]
        assert stand.directory().flags_memory == 8


def test_a_server_that_was_put_back_is_not_called_reverted(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        first, second = changed_twice(stand)
        stand.easfix("rollback", second, "--yes")
        answers = [stand.easfix("verify", each) for each in (first, second)]

        assert [each.state() for each in answers] == ["skipped", "skipped"]
        assert not any("Active Directory" in each.reason() for each in answers)
        assert stand.easfix("status").document["second_looks"] == []


def test_status_tells_a_run_at_work_from_one_that_broke_off(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.dies_in_the_restart()
        broken = stand.easfix("status")
        journal = open_journal(str(tmp_path / "journal.db"), now)
        name, parent = journal.find("last"), os.getppid()
        journal.resume(name, Holder(name, socket.gethostname(), parent, "operator"))
        journal.close()
        working = stand.easfix("status")

        assert (broken.code, broken.state()) == (4, "unknown")
        (debt,) = broken.document["debts"]
        assert (debt["run"], debt["server"], debt["kind"]) == (name, "EX01", "unknown")
        assert debt["settle"] == broken.server()["next_step"]
        assert debt["settle"].endswith(f"config.yaml resume {name} --limit EX01")
        assert f"{debt['words']}, since " in broken.reason()
        assert (working.code, working.document["servers"]) == (0, [])
        assert [(each["pid"], each["servers"]) for each in working.document["at_work"]] == [(parent, ["EX01"])]
        assert f"at work: process {parent} on {socket.gethostname()} since " in words(stand, "status")


def test_status_names_a_server_that_the_last_run_left_reverted(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["ds2mb-revert=3600@EX01"]) as stand:
        run = str(stand.easfix("apply", "--yes").document["run"])
        fine = words(stand, "status")
        stand.clock.advance(3700)
        stand.easfix("verify", run)
        status = stand.easfix("status")

        assert fine.index("the second look at EX01 comes due") < fine.index("nothing is owed. Exit code 0")
        assert (status.code, status.state()) == (4, "reverted")
        assert run in status.reason()
        assert status.server()["next_step"].endswith(f"config.yaml verify {run} --limit EX01")


def test_status_names_a_server_that_the_last_run_failed_on(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        stand.machine().metabase.set(EAS, FLAGS, 32)
        stand.machine().metabase.save()
        stand.easfix("rollback", "last", "--yes")
        failed = stand.easfix("status")

        assert (failed.code, failed.state()) == (3, "failed")


def test_show_tells_a_change_manager_who_when_why_and_how_long(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        run = str(stand.easfix("apply", "--yes", "--reason", "pilot", "--change", "CHG-4711").document["run"])
        lines = words(stand, "show", "last").splitlines()
        told = stand.easfix("show", "last").document

        assert lines[0] == f"run      {run}: apply, exit code 0: all as it should be, or all done and proved"
        assert {"why      pilot", "change   CHG-4711", f"with     easfix {version('easfix')}"} <= set(lines)
        assert f"plan     {told['record']['plan_hash']}" in lines
        assert f"way back {told['record']['way_back']}" in lines
        assert told["record"]["way_back"].endswith(f"{CONFIG_FILE} rollback {run}")
        for step in told["servers"][0]["steps"]:
            at = step["attempts"][0]["at"][11:19]
            assert any(line.strip().startswith(f"{step['id']} ") and f"  {at} UTC, " in line for line in lines), step
        outage = told["servers"][0]["outage_seconds"]
        assert outage >= 12
        assert any(line.strip() == f"outage: {outage:.1f} s, while IIS restarted" for line in lines)
        assert told["servers"][0]["started_at"] <= told["servers"][0]["ended_at"]


def test_a_rollback_shows_what_it_did_and_what_is_so_now(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        out = words(stand, "rollback", "last", "--yes")

        assert "0: none (its own) -> 8: SSL required" in out
        assert "reads 8: SSL required (its own), as before the run" in out
        assert "HTTP 401" not in out and "back-up" not in out, out
        assert "8: SSL required (its own) -> 0: none" not in out
