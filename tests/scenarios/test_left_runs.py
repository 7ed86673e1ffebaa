"""Runs that broke off in the middle of several servers: what touches one of them leaves the others to the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Stand

from agent import planfile
from agent.cli.session import now
from agent.journal import open_journal
from agent.model import Holder, RunRecord


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    faults = ["require-ssl@EX01", "require-ssl@EX02"]
    return Stand(tmp_path, "fake", faults, servers=2, settings={"run": {"concurrency": 1}})


def ended(stand: Stand) -> list[object]:
    return [each["exit_code"] for each in stand.easfix("history").document["runs"]]


@pytest.mark.parametrize("command", [("resume", "last"), ("rollback", "last", "--yes")], ids=["resume", "rollback"])
def test_what_is_done_to_one_server_of_a_broken_off_run_does_not_end_the_run(
    stand: Stand, command: tuple[str, ...]
) -> None:
    with stand:
        stand.dies_in_the_restart()  # on EX01, and has not come to EX02
        first = stand.easfix(*command, "--limit", "EX01")
        between = ended(stand)
        status = stand.easfix("status")
        second = stand.easfix("resume", "last", "--limit", "EX02")

        assert ([each["name"] for each in first.document["servers"]], first.code) == (["EX01"], 0)
        assert between == [None]
        assert (status.code, [each["servers"] for each in status.document["broken_off"]]) == (4, [["EX02"]])
        assert ([each["name"] for each in second.document["servers"]], second.code) == (["EX02"], 0)
        assert None not in ended(stand)


def test_a_server_that_was_held_then_is_taken_up_when_it_is_free(stand: Stand) -> None:
    """What was said of the lock then is not said again: its holder is gone."""
    with stand:
        journal = open_journal(str(stand.home / "journal.db"), now)
        holder = Holder("other", "jump99.lab.example", 4711, "LAB\\other")
        stand.easfix("plan", "-o", str(stand.home / "plan.json"))
        plan = planfile.read(stand.home / "plan.json")
        journal.save_plan(plan.hash, planfile.dump(plan))
        other = journal.begin(RunRecord("other", "apply", now(), holder, "0.1.0", plan_hash=plan.hash))
        other.admit("EX01")
        skipped = stand.easfix("apply", "--yes")
        run = str(skipped.document["run"])
        still = stand.easfix("resume", run, "--limit", "EX01")
        other.close("EX01")
        other.end(0)
        journal.close()
        resumed = stand.easfix("resume", run)

        for answer in (skipped, still):
            assert answer.state("EX01") == "skipped", answer.err
            assert "EX01 is held by run other" in answer.reason("EX01")
        assert (resumed.code, resumed.state("EX01")) == (0, "changed"), resumed.document


@pytest.mark.parametrize("command", [("verify", "last"), ("resume", "last"), ("rollback", "last", "--yes")])
def test_where_nothing_was_ever_run_no_journal_is_made(stand: Stand, command: tuple[str, ...]) -> None:
    with stand:
        answer = stand.easfix(*command)
        made = list(stand.home.glob("journal*"))

        assert (answer.code, made) == (64, []), answer.document
        assert "no run is on record yet" in answer.document["error"]["message"]
