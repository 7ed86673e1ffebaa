"""A run is held to its canary, threshold, window and approval, and whoever stops it is heard at each step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import EAS, FLAGS, Stand

NIGHT = {
    "name": "night",
    "opens": "22:00",
    "duration_minutes": 60,
    "zone": "UTC",
    "rule": "DTSTART:20200101 RRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;COUNT=1",
}
"""A rule that has long come to its end: this window never opens again."""

ALWAYS = {"name": "always", "opens": "00:00", "duration_minutes": 1440, "zone": "UTC"}
FAULTS = ("require-ssl@EX01", "require-ssl@EX02", "require-ssl@EX03", "require-ssl@EX04")


def stand(home: Path, faults: tuple[str, ...] = FAULTS, **settings: Any) -> Stand:
    return Stand(home, "fake", faults, servers=len(faults), settings=settings)


def wrote(lab: Stand, name: str) -> bool:
    """The lab says that something of the server's settings was touched."""
    return lab.truth(name).iisresets > 0 or lab.directory(name).flags_memory == 0


def test_a_canary_that_fails_leaves_the_others_alone_and_resume_takes_them_up(tmp_path: Path) -> None:
    with stand(tmp_path, ("disk-full@EX01", *FAULTS[1:]), run={"max_failures": 3}) as lab:
        answer = lab.easfix("apply", "--yes")
        untouched = [name for name in ("EX02", "EX03", "EX04") if not wrote(lab, name)]
        again = lab.easfix("resume", "last")

        assert answer.state("EX01") == "failed"
        assert untouched == ["EX02", "EX03", "EX04"]
        assert "not begun: the canary EX01 failed" in answer.reason("EX02")
        assert [again.state(name) for name in ("EX02", "EX03", "EX04")] == ["changed"] * 3


def test_the_plan_says_who_goes_first_and_what_stops_the_run(tmp_path: Path) -> None:
    with stand(tmp_path, run={"max_failures": 3}) as lab:
        found = lab.easfix("plan").document
        rehearsed = lab.easfix("apply", "--dry-run").document

        assert [each["servers"] for each in found["waves"]] == [["EX01"], ["EX02"], ["EX03", "EX04"]]
        assert [each["is_canary"] for each in found["waves"]] == [True, False, False]
        assert found["threshold"] == {"count": 3, "words": "stops when the 3rd server has failed"}
        assert rehearsed["threshold"] == found["threshold"]


def test_the_record_has_the_threshold_in_words_and_the_wave_of_each_server(tmp_path: Path) -> None:
    with stand(tmp_path, run={"max_failures": "50%"}) as lab:
        answer = lab.easfix("apply", "--yes")
        record = journal_of(lab).run(str(answer.document["run"]))

        assert record.threshold == "stops when the 2nd server has failed"
        assert {each.name: each.wave for each in record.servers} == {"EX01": 1, "EX02": 2, "EX03": 3, "EX04": 3}


def test_nothing_begins_outside_the_window_and_nobody_is_asked(tmp_path: Path) -> None:
    with stand(tmp_path, windows=[NIGHT]) as lab:
        answer = lab.easfix("apply")

        assert answer.code == 5
        assert "--outside-window" in answer.document["error"]["next_step"]
        assert not any(wrote(lab, f"EX0{number}") for number in range(1, 5))


def test_a_reason_to_work_outside_the_window_is_kept(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1], windows=[NIGHT]) as lab:
        answer = lab.easfix("apply", "--yes", "--outside-window", "mail is down")
        record = journal_of(lab).run(str(answer.document["run"]))

        assert (answer.code, answer.state()) == (0, "changed")
        assert (record.outside_window, record.window) == ("mail is down", "")


def test_the_window_of_a_run_is_on_record(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1], windows=[ALWAYS]) as lab:
        answer = lab.easfix("apply", "--yes")
        record = journal_of(lab).run(str(answer.document["run"]))

        assert record.window == "always"
        assert record.closes_at is not None


def test_while_the_stop_file_stands_no_run_begins(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1], schedule={"stop_file": "stop"}) as lab:
        (tmp_path / "stop").touch()
        answer = lab.easfix("apply", "--yes")
        looked = lab.easfix("check")

        assert answer.code == 5
        assert "stopped by the stop file" in answer.document["error"]["message"]
        assert (looked.code, looked.state()) == (2, "pending")
        assert not wrote(lab, "EX01")


def at(lab: Stand, where: str, work: Callable[[], object]) -> None:
    """Do it once, when the first server comes to this boundary."""
    left = [work]

    def hook(boundary: str) -> None:
        if boundary == where and left:
            left.pop()()

    lab.hook = hook


def test_a_stop_file_stops_between_two_steps_and_resume_goes_on(tmp_path: Path) -> None:
    with stand(tmp_path, schedule={"stop_file": "stop"}) as lab:
        at(lab, "before clear", (tmp_path / "stop").touch)
        answer = lab.easfix("apply", "--yes")
        (tmp_path / "stop").unlink()
        resets = lab.truth().iisresets
        again = lab.easfix("resume", "last")

        assert answer.code == 130
        assert answer.state("EX01") == "unknown"
        assert f"stopped by the stop file {tmp_path / 'stop'} between steps" in answer.reason("EX01")
        assert "before it began" in answer.reason("EX02")
        assert resets == 0
        assert [again.state(f"EX0{number}") for number in range(1, 5)] == ["changed"] * 4


def test_easfix_stop_is_heard_between_two_steps(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2]) as lab:
        at(lab, "before clear", lambda: lab.easfix("stop", "last", "--reason", "the phones of the board"))
        answer = lab.easfix("apply", "--yes")

        assert answer.state("EX01") == "unknown"
        assert "stopped by" in answer.reason("EX01")
        assert "the phones of the board" in answer.reason("EX01")
        assert answer.state("EX02") == "skipped"
        assert lab.truth().iisresets == 0


def test_a_stop_between_two_keys_of_one_server_is_heard(tmp_path: Path) -> None:
    with stand(tmp_path, ("child-override@EX01",), schedule={"stop_file": "stop"}) as lab:
        met: list[str] = []

        def hook(boundary: str) -> None:
            met.append(boundary)
            if boundary == "after clear":
                (tmp_path / "stop").touch()

        lab.hook = hook
        lab.easfix("apply", "--yes")
        lab.hook = lambda _: None
        cleared = met.count("before clear")
        (tmp_path / "stop").unlink()
        again = lab.easfix("resume", "last")

        assert cleared == 1
        assert (again.code, again.state()) == (0, "changed")


def test_nothing_is_applied_that_nobody_has_approved(tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    with stand(tmp_path, FAULTS[:1], approval={"require_approval": True}) as lab:
        lab.easfix("plan", "-o", plan)
        fresh = lab.easfix("apply", "--yes")
        refused = lab.easfix("apply", plan, "--yes")
        untouched = not wrote(lab, "EX01")
        lab.easfix("approve", plan, "--by", "Berta Boss", "--change", "CHG-1")
        answer = lab.easfix("apply", plan, "--yes")
        record = journal_of(lab).run(str(answer.document["run"]))

        assert (fresh.code, refused.code) == (5, 5)
        assert untouched
        assert (answer.code, answer.state()) == (0, "changed")
        assert record.approved_by == "Berta Boss"


def journal_of(lab: Stand) -> Any:
    """The record, read as a stranger would."""
    from datetime import UTC, datetime

    from agent.journal import open_journal

    return open_journal(str(lab.home / "journal.db"), lambda: datetime.now(UTC), read_only=True)


def test_a_flag_that_comes_back_before_the_next_wave_stops_the_run(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2]) as lab:

        def come_back() -> None:
            lab.machine("EX01").metabase.set(EAS, FLAGS, 8)

        at(lab, "after close", come_back)
        answer = lab.easfix("apply", "--yes")

        assert answer.state("EX01") == "reverted"
        assert answer.reason("EX02") == "not begun: the canary EX01 failed, and the run stops there"
        assert not wrote(lab, "EX02")


def test_a_mail_service_that_stops_before_the_next_wave_stops_the_run(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2]) as lab:
        at(lab, "after close", lambda: lab.machine("EX01").services.stop("SMTPSVC"))
        answer = lab.easfix("apply", "--yes")

        assert answer.state("EX01") == "failed"
        assert "ran before and does not run now: SMTPSVC" in answer.reason("EX01")
        assert not wrote(lab, "EX02")


def fall_silent(lab: Stand) -> None:
    """The process of the last run is long dead; here it is the same one, so the record must say so."""
    from datetime import UTC, datetime

    from agent.journal import OpenRun, open_journal

    journal = open_journal(str(lab.home / "journal.db"), lambda: datetime.now(UTC))
    holder = journal.run(journal.find("last")).holder
    OpenRun(holder, journal._store, lambda: datetime.now(UTC), str).leave()
    journal.close()


def test_a_process_that_was_silent_for_too_long_sends_nothing_more(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2], run={"canary": 0}, schedule={"beat_seconds": 30, "fence_seconds": 60}) as lab:
        at(lab, "after backup", lambda: fall_silent(lab))
        answer = lab.easfix("apply", "--yes")
        untouched = [name for name in ("EX01", "EX02") if not wrote(lab, name)]
        again = lab.easfix("resume", "last")

        assert answer.code == 4
        assert "nothing more is sent" in answer.reason("EX01")
        assert untouched == ["EX01", "EX02"]
        assert [again.state(name) for name in ("EX01", "EX02")] == ["changed", "changed"]


@pytest.mark.parametrize("boundary", ["before clear", "after clear", "before restart", "after close"])
def test_what_a_dead_run_left_is_settled_by_the_next_run_on_the_server(tmp_path: Path, boundary: str) -> None:
    from dying import Died

    with stand(tmp_path, FAULTS[:2]) as lab:

        def die(where: str) -> None:
            if where == boundary:
                raise Died(where)

        lab.hook = die
        with pytest.raises(Died):
            lab.easfix("apply", "--yes", "--limit", "EX01")
        lab.hook = lambda _: None
        fall_silent(lab)
        answer = lab.easfix("apply", "--yes")
        status = lab.easfix("status")

        assert answer.code == 0, answer.document
        assert answer.state("EX01") in ("right", "changed"), answer.reason("EX01")
        assert answer.state("EX02") == "changed"
        assert lab.directory("EX01").flags_memory == 0
        assert lab.truth("EX01").iisresets == 1
        assert status.document["servers"] == []


def test_a_reason_to_work_outside_the_window_does_not_outlive_its_run(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2], windows=[NIGHT]) as lab:
        at(lab, "before clear", lambda: lab.easfix("stop", "last"))
        lab.easfix("apply", "--yes", "--outside-window", "mail is down")
        begun = lab.easfix("resume", "last")
        waiting = wrote(lab, "EX02")
        again = lab.easfix("resume", "last", "--outside-window", "the board calls")

        assert (begun.state("EX01"), begun.state("EX02"), waiting) == ("changed", "skipped", False)
        assert "closed" in begun.reason("EX02")
        assert again.state("EX02") == "changed"
        assert journal_of(lab).run(str(again.document["run"])).outside_window == "the board calls"


def test_a_run_that_was_asked_to_stop_is_not_gone_on_with_by_itself(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:2]) as lab:
        at(lab, "after clear", lambda: lab.easfix("stop", "last", "--reason", "leave it"))
        stopped = lab.easfix("apply", "--yes", "--limit", "EX01")
        answer = lab.easfix("apply", "--yes")
        resets = lab.truth("EX01").iisresets
        resumed = lab.easfix("resume", str(stopped.document["run"]))

        assert (answer.state("EX01"), resets) == ("skipped", 0)
        assert f"resume {stopped.document['run']}" in answer.reason("EX01")
        assert answer.state("EX02") == "changed"
        assert resumed.state("EX01") == "changed"


def test_the_next_run_leaves_the_other_servers_of_a_dead_one_to_resume(tmp_path: Path) -> None:
    from dying import Died

    with stand(tmp_path, FAULTS[:2]) as lab:

        def die(where: str) -> None:
            if where == "after clear":
                raise Died(where)

        lab.hook = die
        with pytest.raises(Died):
            lab.easfix("apply", "--yes")
        lab.hook = lambda _: None
        fall_silent(lab)
        dead = journal_of(lab).find("last")
        lab.easfix("apply", "--yes", "--limit", "EX01")
        is_over = journal_of(lab).run(dead).ended_at is not None
        again = lab.easfix("resume", dead)

        assert not is_over
        assert again.state("EX02") == "changed"
        assert lab.truth("EX01").iisresets == 1


@pytest.mark.parametrize("given", ["--json", "   ", ""])
def test_a_reason_that_was_not_meant_opens_no_window(tmp_path: Path, given: str) -> None:
    with stand(tmp_path, FAULTS[:1], windows=[NIGHT]) as lab:
        answer = lab.easfix("apply", "--yes", "--outside-window", given)

        assert answer.code == 64
        assert "--outside-window" in answer.document["error"]["message"]
        assert not wrote(lab, "EX01")


@pytest.mark.parametrize("option", ["--reason", "--change"])
def test_an_option_is_not_taken_for_a_text(tmp_path: Path, option: str) -> None:
    with stand(tmp_path, FAULTS[:1]) as lab:
        answer = lab.easfix("apply", option, "--yes")

        assert answer.code == 64
        assert "looks like an option" in answer.document["error"]["message"]


def test_a_journal_that_is_deleted_under_way_ends_the_run_before_the_next_step(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1]) as lab:
        at(lab, "after backup", lambda: [path.unlink() for path in tmp_path.glob("journal.db*")])
        answer = lab.easfix("apply", "--yes")

        assert answer.code == 4
        assert "is not there any more" in answer.document["error"]["message"]
        assert answer.document["run"]
        assert not wrote(lab, "EX01")


def test_status_says_where_there_is_no_journal(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1]) as lab:
        answer = lab.easfix("status")

        assert (answer.code, answer.document["no_journal"]) == (0, str(tmp_path / "journal.db"))


def test_status_names_what_a_run_did_not_come_to_or_could_not_reach(tmp_path: Path) -> None:
    faults = ("require-ssl@EX01", "require-ssl@EX02", "unreachable@EX03")
    with stand(tmp_path, faults, run={"max_failures": 1, "canary": 0}) as lab:
        run = str(lab.easfix("apply", "--yes").document["run"])
        before = lab.easfix("status")
        lab.easfix("resume", run)
        after = lab.easfix("status")

        assert [each["servers"] for each in before.document["stopped_short"]] == [["EX01", "EX02"]]
        assert before.state("EX03") == "unreachable"
        assert before.code == 4
        assert after.document["stopped_short"] == []
        assert after.state("EX03") == "unreachable"


def test_an_approval_for_one_change_is_none_for_another(tmp_path: Path) -> None:
    with stand(tmp_path, FAULTS[:1], approval={"require_approval": True}) as lab:
        plan = str(tmp_path / "plan.json")
        lab.easfix("plan", "-o", plan)
        lab.easfix("approve", plan, "--by", "Ann", "--change", "CHG-1")
        other = lab.easfix("apply", plan, "--yes", "--change", "CHG-2")
        same = lab.easfix("apply", plan, "--yes", "--change", "CHG-1")

        assert other.code == 5
        assert "for change CHG-1, not for CHG-2" in other.document["error"]["message"]
        assert same.state() == "changed"
