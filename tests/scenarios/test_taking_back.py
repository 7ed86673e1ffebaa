"""Rollback: per property, only what is still ours, once; and one run at a time on a server."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from agreement import disagreements
from dying import Died, Fuse
from harness import EAS, FLAGS, Stand

from agent.errors import Denied


@pytest.fixture(params=["fake", "wire"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_override_of_an_inherited_value_is_deleted(tmp_path: Path, way: str) -> None:
    with Stand(tmp_path, way, ["inherited-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        cleared = stand.directory()
        stand.easfix("rollback", "last", "--yes")
        back = stand.directory()

        assert (cleared.flags_memory, cleared.set_at_memory, cleared.set_at_disk) == (0, EAS, EAS)
        assert (back.flags_memory, back.set_at_memory, back.set_at_disk) == (8, "W3SVC/1", "W3SVC/1")
        assert FLAGS not in stand.machine().metabase.own(EAS)


@pytest.mark.parametrize(("fault", "reads"), [("require-ssl@EX01", "(its own)"), ("inherited-ssl@EX01", "W3SVC/1)")])
def test_what_was_put_back_is_read_again_and_that_is_the_proof(
    tmp_path: Path, way: str, fault: str, reads: str
) -> None:
    with Stand(tmp_path, way, [fault]) as stand:
        applied = stand.easfix("apply", "--yes").server()
        answers = [stand.easfix("rollback", "last", "--yes").server(), stand.easfix("show", "last").server()]

        assert {each["probe"] for each in applied["proof"]} >= {"metabase", "hop"}
        for answer in answers:
            (proof,) = answer["proof"]
            assert (proof["probe"], proof["verdict"], proof["cause"]) == ("metabase", "good", "")
            assert proof["evidence"].startswith(f"{EAS} reads 8: SSL required (")
            assert proof["evidence"].endswith(f"{reads}, as before the run")
            assert answer["proof_past"] == applied["proof"]


def test_a_value_that_turns_back_at_once_is_no_success(tmp_path: Path) -> None:
    """Somebody writes between the write and the look at its end."""
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:

        def hook(where: str) -> None:
            if where == "after restore":
                stand.machine().metabase.set(EAS, FLAGS, 32)

        stand.easfix("apply", "--yes")
        stand.hook = hook
        answer = stand.easfix("rollback", "last", "--yes")

        assert (answer.code, answer.state()) == (3, "failed"), answer.reason()
        assert answer.server()["proof"][-1]["cause"] == "not-as-before"
        assert "before the run it was 8: SSL required" in answer.reason()


def test_a_proof_that_cannot_be_had_takes_nothing_back(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        is_back = threading.Event()

        def hook(where: str) -> None:
            if where == "after restore":
                is_back.set()
            if where == "before readback" and is_back.is_set():
                raise Denied("EX01", "the server refused the logon")

        stand.easfix("apply", "--yes")
        stand.hook = hook
        answer = stand.easfix("rollback", "last", "--yes")

        assert (answer.code, answer.state()) == (0, "rolled_back"), answer.reason()
        assert [each["verdict"] for each in answer.server()["proof"]] == ["unknown"]
        assert stand.directory().flags_memory == 8


def test_what_somebody_else_changed_since_is_not_overwritten(tmp_path: Path, way: str) -> None:
    with Stand(tmp_path, way, ["require-ssl-128@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        stand.machine().metabase.set(EAS, FLAGS, 32)
        stand.machine().metabase.save()
        answer = stand.easfix("rollback", "last", "--yes")

        assert (answer.code, answer.state()) == (3, "failed"), answer.reason()
        assert "AccessSSLFlags 32" in answer.reason()
        assert stand.directory().flags_memory == 32


def test_a_rollback_of_what_is_rolled_back_does_nothing(tmp_path: Path, way: str) -> None:
    with Stand(tmp_path, way, ["require-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        stand.easfix("rollback", "last", "--yes")
        before = stand.photograph()
        scripts = len(stand.truth().scripts)
        again = stand.easfix("rollback", "last", "--yes")

        assert (again.code, again.state()) == (0, "right")
        assert stand.photograph() == before
        assert len(stand.truth().scripts) == scripts


def test_a_dry_run_of_a_rollback_asks_no_server(tmp_path: Path, way: str) -> None:
    with Stand(tmp_path, way, ["require-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        before, scripts = stand.photograph(), len(stand.truth().scripts)
        answer = stand.easfix("rollback", "last", "--dry-run")

        assert (answer.code, answer.state()) == (2, "pending")
        assert [(each["before"], each["after"]) for each in answer.server()["directories"]] == [(0, 8)]
        assert (stand.photograph(), len(stand.truth().scripts)) == (before, scripts)


def test_what_would_be_deleted_is_told_beforehand(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["inherited-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        [found] = stand.easfix("rollback", "last", "--dry-run").document["servers"]

        [directory] = found["directories"]
        assert (directory["before"], directory["after"], directory["explicit"]) == (0, 8, True)
        assert "our own value on W3SVC/1/ROOT/Microsoft-Server-ActiveSync is deleted" in found["reason"]
        assert "it inherits from W3SVC/1 again" in found["reason"]


def test_a_run_that_changed_nothing_says_so_and_names_the_one_that_did(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        plan = str(tmp_path / "plan.json")
        stand.easfix("plan", "-o", plan)
        changed = stand.easfix("apply", plan, "--yes").document["run"]
        again = stand.easfix("apply", plan, "--yes")
        answer = stand.easfix("rollback", "last", "--yes")

        assert (again.state(), again.code) == ("right", 0)
        assert (answer.state(), answer.server()["reason"]) == ("right", "this run changed nothing here")
        assert answer.document["last_change"] == changed


def test_after_a_rollback_no_second_look_is_owed(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        stand.easfix("apply", "--yes")
        owed = stand.easfix("status").document["second_looks"]
        stand.easfix("rollback", "last", "--yes")

        assert [each["server"] for each in owed] == ["EX01"]
        assert stand.easfix("status").document["second_looks"] == []


def test_a_second_run_on_the_same_server_is_told_who_holds_it(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        inside, answers = threading.Event(), []

        def hook(where: str) -> None:
            if where == "before clear" and not inside.is_set():
                inside.set()
                answers.append(stand.easfix("apply", str(tmp_path / "plan.json"), "--yes"))

        stand.easfix("plan", "-o", str(tmp_path / "plan.json"))
        stand.hook = hook
        first = stand.easfix("apply", str(tmp_path / "plan.json"), "--yes")
        history = stand.easfix("history").document["runs"]

        assert stand.truth().iisresets == 1
        assert sorted(each["exit_code"] for each in history) == [0, 5]
        assert (first.code, first.state()) == (0, "changed")
        refused = next(each["run"] for each in history if each["exit_code"] == 5)
        reason = stand.easfix("show", refused).reason()
        assert "held" in reason or "process" in reason, reason


def test_a_flag_that_comes_back_later_is_found_by_the_second_look(tmp_path: Path, way: str) -> None:
    with Stand(tmp_path, way, ["ds2mb-revert=3600@EX01"]) as stand:
        applied = stand.easfix("apply", "--yes")
        stand.clock.advance(3700)
        looked = stand.easfix("verify", str(applied.document["run"]))

        assert (applied.code, applied.state()) == (0, "changed")
        assert (looked.code, looked.state()) == (4, "reverted"), looked.reason()
        assert stand.directory().flags_memory == 8
        assert "msExchAccessSSLFlags" in looked.reason()


def test_a_server_that_moved_while_the_run_was_dead_is_refused_and_let_go(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        fuse = Fuse(13)
        stand.hook, stand.wrap = fuse.tick, fuse.wrap
        with pytest.raises(Died):
            stand.easfix("apply", "--yes")
        stand.hook, stand.wrap = (lambda _: None), (lambda journal: journal)
        stand.machine().metabase.set(EAS, FLAGS, 264)
        stand.machine().metabase.save()
        before = stand.photograph()
        answer = stand.easfix("resume", "last")

        assert fuse.passed[-1] == "before back-up intended"
        assert (answer.code, answer.state()) == (5, "skipped"), answer.reason()
        assert disagreements(stand, answer, before) == []
        assert stand.easfix("status").document["servers"] == []


def test_a_plan_taken_in_two_bites_ends_well(tmp_path: Path) -> None:
    """What was done by the first is right by the second, and no server is called changed since without saying how."""
    faults = ["require-ssl@EX01", "require-ssl@EX02", "require-ssl@EX03"]
    with Stand(tmp_path, "fake", faults, servers=3) as stand:
        plan = str(tmp_path / "plan.json")
        stand.easfix("plan", "-o", plan)
        stand.easfix("apply", plan, "--yes", "--limit", "EX01")
        stand.machine("EX03").metabase.set(EAS, FLAGS, 264)
        rehearsed = stand.easfix("apply", plan, "--dry-run")
        answer = stand.easfix("apply", plan, "--yes")

        assert [rehearsed.state(name) for name in ("EX01", "EX02", "EX03")] == ["right", "pending", "skipped"]
        assert [answer.state(name) for name in ("EX01", "EX02", "EX03")] == ["right", "changed", "skipped"]
        for each in (rehearsed, answer):
            assert f"{EAS} holds 264: SSL required, 128-bit required (its own) instead of 8" in each.reason("EX03")
        assert stand.truth("EX01").iisresets == 1


def test_a_key_that_is_gone_is_not_called_done(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        plan = str(tmp_path / "plan.json")
        stand.easfix("plan", "-o", plan)
        stand.fleet.fault("no-eas-vdir@EX01")
        answer = stand.easfix("apply", plan, "--yes")

        assert answer.state() == "skipped"
        assert f"{EAS} is gone" in answer.reason()


@pytest.mark.parametrize(("planned", "set_since"), [("iisreset", "none"), ("none", "iisreset")])
def test_a_rehearsal_shows_the_restart_that_the_plan_makes(tmp_path: Path, planned: str, set_since: str) -> None:
    """Whatever the configuration says by now: the plan is what is carried out."""
    with Stand(tmp_path, "fake", ["require-ssl@EX01"], settings={"restart": {"method": planned}}) as stand:
        plan = str(tmp_path / "plan.json")
        stand.easfix("plan", "-o", plan)
        stand.configure({"restart": {"method": set_since}})
        rehearsed = stand.easfix("apply", plan, "--dry-run").server()
        stand.easfix("apply", plan, "--yes")

        assert rehearsed["impact"]["restart"] == planned
        assert bool(rehearsed["impact"]["services"]) == (planned == "iisreset")
        assert stand.truth().iisresets == int(planned == "iisreset")


def test_a_resume_answers_for_the_whole_run(tmp_path: Path) -> None:
    """0 says that all is well, so servers that it cannot do anything about count as well."""
    settings = {"run": {"max_failures": 1, "canary": 0, "first_wave": 1, "concurrency": 1}}
    with Stand(tmp_path, "fake", ["require-ssl@EX01", "require-ssl@EX02"], servers=2, settings=settings) as stand:
        plan = str(tmp_path / "plan.json")
        stand.easfix("plan", "-o", plan)
        stand.fleet.fault("unreachable@EX01")
        stopped = stand.easfix("apply", plan, "--yes")
        resumed = stand.easfix("resume", "last")

        assert (stopped.state("EX01"), stopped.state("EX02")) == ("unreachable", "skipped")
        assert (resumed.state("EX01"), resumed.state("EX02"), resumed.code) == ("unreachable", "changed", 4)


def test_nothing_to_resume_names_the_run_that_owes_something(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01", "require-ssl@EX02"], servers=2) as stand:
        stand.dies_in_the_restart()
        owing = stand.easfix("history").document["runs"][0]["run"]
        stand.easfix("apply", "--yes", "--limit", "EX02")
        answer = stand.easfix("resume", "last")

        assert answer.document["owing"] == [owing]
        assert answer.code == 4


def test_a_server_that_was_never_begun_with_is_settled_by_the_command_that_is_named(tmp_path: Path) -> None:
    """Its look failed: there is nothing of the run to go on with, or to verify."""
    settings = {"run": {"canary": 0, "first_wave": 2}}
    with Stand(tmp_path, "wire", ["garbage-answer@EX01", "require-ssl@EX02"], servers=2, settings=settings) as stand:
        stand.easfix("apply", "--yes")
        stand.fleet.fault("healthy@EX01")
        stand.fleet.fault("require-ssl@EX01")
        owed = stand.easfix("status").server("EX01")
        words = owed["next_step"].split(" ")[-3:]

        assert owed["state"] == "unknown"
        assert words == ["apply", "--limit", "EX01"]
        assert stand.easfix(*words, "--yes").state("EX01") == "changed"
        assert stand.easfix("status").document["servers"] == []
