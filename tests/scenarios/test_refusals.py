"""What is refused, when, and with which code; and what is not tried a second time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import harness
import pytest
import yaml
from agreement import disagreements
from harness import EAS, FLAGS, Stand

from agent import playbook
from agent.lab.layout import CONFIG_FILE


def pending(home: Path, **more: object) -> Stand:
    """Two servers that require SSL."""
    faults = ["require-ssl@EX01", "require-ssl@EX02"]
    return Stand(home, "fake", faults, servers=2, **more)  # type: ignore[arg-type]  # settings only


def plan_of(stand: Stand, *more: str) -> str:
    path = str(stand.home / "plan.json")
    stand.easfix("plan", "-o", path, *more)
    return path


def test_a_server_that_moved_since_the_plan_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    with pending(tmp_path) as stand:
        plan = plan_of(stand)
        stand.machine("EX02").metabase.set(EAS, FLAGS, 264)
        stand.machine("EX02").metabase.save()
        before = stand.photograph()
        answer = stand.easfix("apply", plan, "--yes")

        assert (answer.code, answer.state("EX01"), answer.state("EX02")) == (5, "changed", "skipped")
        assert "changed since the plan" in answer.reason("EX02")
        assert disagreements(stand, answer, before, "EX02") == []


def test_a_plan_that_was_tampered_with_is_not_carried_out(tmp_path: Path) -> None:
    with pending(tmp_path) as stand:
        plan = plan_of(stand)
        document = json.loads(Path(plan).read_text())
        document["plan"]["servers"][0]["changes"][0]["after"] = 4096
        Path(plan).write_text(json.dumps(document))
        before = stand.photograph()
        answer = stand.easfix("apply", plan, "--yes")

        assert answer.code == 78
        assert "hash" in answer.document["error"]["message"]
        assert stand.photograph() == before


def test_a_plan_is_about_its_own_servers(tmp_path: Path) -> None:
    with pending(tmp_path) as stand:
        answer = stand.easfix("apply", plan_of(stand, "--limit", "EX01"), "--yes")

        assert answer.code == 0
        assert [each["name"] for each in answer.document["servers"]] == ["EX01"]
        assert stand.directory("EX02").flags_memory == 8


def test_a_planned_server_that_the_configuration_lost_is_told(tmp_path: Path) -> None:
    with pending(tmp_path) as stand:
        plan = plan_of(stand)
        path = stand.home / CONFIG_FILE
        found = yaml.safe_load(path.read_text())
        stand.configure({"servers": found["servers"][:1]})
        for arguments in (["apply", plan, "--dry-run"], ["apply", plan, "--yes"]):
            answer = stand.easfix(*arguments)

            assert answer.state("EX02") == "skipped"
            assert "configuration" in answer.reason("EX02")
        assert stand.directory("EX02").flags_memory == 8


def test_an_old_plan_says_nothing_of_a_server_it_leaves_alone(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["healthy@EX01"]) as stand:
        plan = plan_of(stand)
        stand.fleet.fault("require-ssl@EX01")
        answer = stand.easfix("apply", plan, "--yes")

        assert (answer.code, answer.state()) == (5, "skipped")


def test_a_guard_overridden_only_when_planned_binds_again(tmp_path: Path) -> None:
    guards = {"guards": {"allow_client_certificates": True}}
    with Stand(tmp_path, "fake", ["client-certificates@EX01"], settings=guards) as stand:
        plan = plan_of(stand)
        stand.configure({"guards": {"allow_client_certificates": False}})
        before = stand.photograph()
        answer = stand.easfix("apply", plan, "--yes")

        assert (answer.code, answer.state()) == (5, "skipped")
        assert disagreements(stand, answer, before) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check", "--limit", "EX11"], 64, "did you mean EX01"),
        (["check", "--skip", "EX11"], 64, "did you mean"),
        (["check", "--limit", ","], 64, "empty is not all"),
        (["check", "--limit", "EX01", "--skip", "EX01"], 64, "empty is not all"),
        (["chek"], 64, "check"),
        (["apply"], 5, "terminal"),
        (["apply", "absent.json", "--yes"], 78, "cannot be read"),
        (["show", "last"], 78, "nothing has been run"),
        (["rollback", "last", "--yes"], 64, "no run is on record yet"),
    ],
)
def test_what_cannot_be_is_said_with_its_code(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    with pending(tmp_path) as stand:
        before = stand.photograph()
        answer = stand.easfix(*arguments)

        assert answer.code == code, answer.err
        assert words in answer.err
        assert answer.document["exit_code"] == code
        assert answer.document["command"] == (arguments[0] if arguments[0] != "chek" else "")
        assert stand.photograph() == before


@pytest.mark.parametrize("command", ["rollback", "resume"])
@pytest.mark.parametrize(("limit", "words"), [("EX11", "Did you mean"), (",", "empty is not all")])
def test_a_run_is_limited_to_servers_that_it_has(tmp_path: Path, command: str, limit: str, words: str) -> None:
    with pending(tmp_path) as stand:
        stand.easfix("apply", "--yes")
        answer = stand.easfix(command, "last", "--limit", limit)

        assert answer.code == 64
        assert words in answer.err
        assert stand.directory().flags_memory == 0


def test_more_servers_than_allowed_need_the_flag_that_says_so(tmp_path: Path) -> None:
    with pending(tmp_path, settings={"run": {"max_servers": 1}}) as stand:
        refused, allowed = stand.easfix("check"), stand.easfix("check", "--beyond-max-servers")
        planned = stand.easfix("apply", plan_of(stand, "--limit", "EX01"), "--dry-run")

        assert (refused.code, allowed.code, planned.code) == (5, 2, 2)


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    with Stand(tmp_path, "wire", ["require-ssl@EX01"]) as stand:
        secret = stand.home / "secrets" / stand.fleet.administrator.name
        secret.write_text("wrong\n")
        answer = stand.easfix("check")

        assert (answer.code, answer.state()) == (4, "unreachable"), answer.reason()
        assert stand.fleet.administrator.bad_passwords == 1


def test_a_wrong_password_locks_nothing_however_many_servers_there_are(tmp_path: Path) -> None:
    with Stand(tmp_path, "wire", [], servers=8) as stand:
        (stand.home / "secrets" / stand.fleet.administrator.name).write_text("wrong\n")
        answer = stand.easfix("check")
        reasons = [each["reason"] for each in answer.document["servers"]]

        assert answer.code == 4
        assert stand.fleet.administrator.bad_passwords <= 2
        assert sum("not asked" in reason for reason in reasons) >= 6


def test_a_missing_password_ends_a_run_before_it_begins(tmp_path: Path) -> None:
    with Stand(tmp_path, "wire", ["require-ssl@EX01"]) as stand:
        plan = plan_of(stand)
        (stand.home / "secrets" / stand.fleet.administrator.name).unlink()
        before = stand.photograph()
        answer = stand.easfix("apply", plan, "--yes")

        assert answer.code == 78
        assert stand.photograph() == before
        assert stand.easfix("history").document.get("runs", []) == []


def test_a_save_that_fails_after_the_change_is_put_back(tmp_path: Path) -> None:
    """The disk fills up between the backup and the change."""
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        before = stand.photograph()
        files = stand.machine().files

        def hook(where: str) -> None:
            if where == "before clear":
                files.free_bytes = 0

        stand.hook = hook
        answer = stand.easfix("apply", "--yes")

        assert (answer.code, answer.state()) == (3, "rolled_back"), answer.reason()
        assert "not saved" in answer.reason()
        assert disagreements(stand, answer, before) == []
        assert stand.truth().iisresets == 0


def test_a_restart_that_never_ends_is_not_repeated(tmp_path: Path) -> None:
    """The worker dies before it begins: the marker is there, and stays without an end."""
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        machine = stand.machine()
        machine.programs["powershell"] = lambda *_: 1  # type: ignore[assignment]  # the worker, and nothing else
        answer = stand.easfix("apply", "--yes")
        truth = stand.truth()

        assert (answer.code, answer.state()) == (0, "changed"), answer.reason()
        assert truth.iisresets == 0
        assert any("its end was not recorded" in attempt["message"]
                   for step in answer.server()["steps"] for attempt in step["attempts"])  # fmt: skip


def test_stop_between_steps_leaves_a_run_that_resume_finishes(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        before = stand.photograph()
        stand.stop_at = "after clear"
        stopped = stand.easfix("apply", "--yes")
        stand.stop_at = ""
        finished = stand.easfix("resume", "last")

        assert (stopped.code, stopped.state()) == (130, "unknown"), stopped.reason()
        assert (finished.code, finished.state()) == (0, "changed"), finished.reason()
        assert disagreements(stand, finished, before) == []


def test_a_record_that_cannot_be_written_stops_before_the_write(tmp_path: Path) -> None:
    from dying import Fuse

    from agent.errors import JournalError

    class Full(Fuse):
        def tick(self, where: str) -> None:
            if where.startswith("before clear W3SVC"):
                raise JournalError("the disk of this machine is full")

    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        before = stand.photograph()["EX01"]
        stand.wrap = Full().wrap
        answer = stand.easfix("apply", "--yes")
        stand.wrap = lambda journal: journal

        assert answer.code == 4
        assert answer.document["run"] == stand.easfix("history").document["runs"][0]["run"]
        assert "broke off" in answer.document["error"]["next_step"]
        assert stand.photograph()["EX01"].keys_changed_since(before) == set()
        assert stand.easfix("status").document["servers"][0]["name"] == "EX01"
        assert stand.easfix("resume", "last").state() == "changed"


def test_an_answer_too_short_is_a_doubt_and_not_a_crash(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        before = stand.photograph()
        stand.spoil = {"clear": lambda records: [{"Kind": "written"}], "readback": lambda records: []}
        doubted = stand.easfix("apply", "--yes")
        stand.spoil = {}
        settled = stand.easfix("resume", "last")

        assert (doubted.code, doubted.state()) == (4, "unknown"), doubted.err
        assert (settled.code, settled.state()) == (0, "changed"), settled.err
        assert disagreements(stand, settled, before) == []


def test_nothing_is_planned_or_done_with_a_playbook_of_which_one_script_is_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Path(shutil.copytree(str(playbook.shelf()), tmp_path / "shelf"))
    spoilt = shelf / playbook.DEFAULT / "close.ps1"
    spoilt.write_text(f"{spoilt.read_text()}Get-Service | Where-Object Name -in @('x')\n")
    monkeypatch.setattr(harness, "playbook", lambda: playbook.read(playbook.DEFAULT, shelf))
    with pending(tmp_path / "home") as stand:
        before = stand.photograph()
        look = stand.easfix("check")
        path = str(stand.home / "plan.json")
        answers = [
            stand.easfix(*arguments)
            for arguments in (["plan", "-o", path], ["apply", "--dry-run"], ["apply", "--yes"], ["verify"])
        ]

        assert (look.code, look.state()) == (2, "pending")  # it sends none but `detect`
        for answer in answers:
            assert answer.code == 78
            assert "close.ps1 must not be sent" in answer.document["error"]["message"]
        assert not Path(path).exists()
        assert stand.easfix("history").document["runs"] == []
        assert stand.photograph() == before
