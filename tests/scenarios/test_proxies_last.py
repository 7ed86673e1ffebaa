"""With `run.restart_proxies` IIS is restarted on the proxies: last, one at a time, once, and if all went well."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dying import Died
from fake import quiet
from harness import Stand

from agent.journal import Journal, OpenRun, open_journal
from agent.lab.faults import parse

FAULTS = ("require-ssl@EX01", "require-ssl@EX02", "require-ssl@EX03")
PROXIES = ("CAS01", "CAS02")
SERVERS = ("EX01", "EX02", "EX03")


def stand(home: Path, faults: tuple[str, ...] = FAULTS, *, is_on: bool = True, **run: Any) -> Stand:
    settings = {"run": {"restart_proxies": is_on, **run}}
    return Stand(home, "fake", faults, servers=len(faults), proxies=2, settings=settings)


def restarts(lab: Stand) -> list[int]:
    """How often IIS was restarted on each proxy, as the lab counts."""
    return [lab.truth(name).iisresets for name in PROXIES]


def journal_of(lab: Stand) -> Journal:
    """The record, read as a stranger would."""
    return open_journal(str(lab.home / "journal.db"), lambda: datetime.now(UTC), read_only=True)


def turns(lab: Stand) -> list[tuple[datetime, datetime]]:
    """From the record: when each server's first step began and its last one ended, proxies after the others."""
    journal = journal_of(lab)
    attempts = [
        [attempt.at for step in journal.server(journal.find("last"), name).steps for attempt in step.attempts]
        for name in (*SERVERS, *PROXIES)
    ]
    return [(min(each), max(each)) for each in attempts]


def at(lab: Stand, where: str, turn: int, work: Callable[[], object]) -> None:
    """Do it once, when this boundary is met for the n-th time."""
    met = itertools.count(1)

    def hook(boundary: str) -> None:
        if boundary == where and next(met) == turn:
            work()

    lab.hook = hook


def dies_on(lab: Stand, proxy: str, where: str) -> None:
    """The process is gone for good when it comes to this boundary after the restart of that proxy was intended."""
    gone = threading.Event()

    def hook(boundary: str) -> None:
        if boundary == where and step_of(lab, proxy):
            gone.set()
        if gone.is_set():
            raise Died(boundary)

    lab.hook = hook


def step_of(lab: Stand, proxy: str) -> bool:
    """The restart of this proxy stands in the record."""
    journal = journal_of(lab)
    return bool(journal.server(journal.find("last"), proxy).steps)


def fall_silent(lab: Stand) -> None:
    """The process of the last run is long dead; here it is the same one, so the record must say so."""
    journal = open_journal(str(lab.home / "journal.db"), lambda: datetime.now(UTC))
    OpenRun(journal.run(journal.find("last")).holder, journal._store, lambda: datetime.now(UTC), str).leave()
    journal.close()


def test_the_proxies_come_last_one_at_a_time_and_once(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        answer = lab.easfix("apply", "--yes")

        assert answer.code == 0, answer.document
        assert [answer.state(name) for name in (*SERVERS, *PROXIES)] == ["changed"] * 5
        assert restarts(lab) == [1, 1]
        times = turns(lab)
        assert max(ended for _, ended in times[:3]) <= times[3][0]
        assert times[3][1] <= times[4][0]
        assert re.fullmatch(r"IIS restarted in \d+ s; proved to EX01, EX02, EX03", answer.reason("CAS01"))
        assert lab.truth("CAS01").services_down == []
        assert lab.truth("CAS01").markers == []


def test_no_proxy_is_restarted_after_a_failure(tmp_path: Path) -> None:
    with stand(tmp_path, (FAULTS[0], "disk-full@EX02", FAULTS[2]), max_failures=3) as lab:
        answer = lab.easfix("apply", "--yes")
        again = lab.easfix("resume", "last")

        assert (answer.state("EX01"), answer.state("EX02"), answer.state("EX03")) == ("changed", "failed", "changed")
        assert [answer.state(name) for name in PROXIES] == ["skipped", "skipped"]
        assert "only when every server went well, and EX02 is failed" in answer.reason("CAS01")
        assert [again.state(name) for name in PROXIES] == ["skipped", "skipped"]
        assert restarts(lab) == [0, 0]


def test_a_server_that_is_still_to_come_keeps_the_proxies_waiting(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        at(lab, "before restart", 1, lambda: lab.easfix("stop", "last"))
        lab.easfix("apply", "--yes")
        lab.hook = quiet
        alone = lab.easfix("resume", "last", "--limit", "CAS01")
        before = restarts(lab)
        whole = lab.easfix("resume", "last")

        assert alone.state("CAS01") == "skipped"
        assert before == [0, 0]
        assert [whole.state(name) for name in PROXIES] == ["changed", "changed"], whole.document
        assert restarts(lab) == [1, 1]


def test_a_stop_between_two_proxies_leaves_the_second_to_resume(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        at(lab, "before restart", 4, lambda: lab.easfix("stop", "last"))
        answer = lab.easfix("apply", "--yes")
        before = restarts(lab)
        again = lab.easfix("resume", "last")

        assert (answer.state("CAS02"), before) == ("skipped", [1, 0])
        assert again.state("CAS02") == "changed"
        assert restarts(lab) == [1, 1]


@pytest.mark.parametrize("where", ["before restart", "after restart", "before hop", "before close", "after close"])
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_death_among_the_proxies_never_restarts_one_twice(tmp_path: Path, where: str, proxy: str) -> None:
    with stand(tmp_path) as lab:
        dies_on(lab, proxy, where)
        with pytest.raises(Died):
            lab.easfix("apply", "--yes")
        lab.hook = quiet
        fall_silent(lab)
        again = lab.easfix("resume", "last")

        assert again.code == 0, again.document
        assert [again.state(name) for name in PROXIES] == ["changed", "changed"]
        assert restarts(lab) == [1, 1]
        assert lab.truth("CAS01").markers == lab.truth("CAS02").markers == []


def test_a_proxy_that_cannot_be_asked_to_restart_stops_the_next_one(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        lab.fleet.inject(parse("disk-full@CAS01"))
        answer = lab.easfix("apply", "--yes")

        assert answer.state("CAS01") == "failed", answer.reason("CAS01")
        assert answer.state("CAS02") == "skipped"
        assert "CAS01 is failed" in answer.reason("CAS02")
        assert [lab.directory(name).flags_memory for name in SERVERS] == [0, 0, 0]
        assert restarts(lab) == [0, 0]


def test_plan_and_dry_run_name_the_proxies_and_the_hash_covers_them(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        found = lab.easfix("plan")
        rehearsed = lab.easfix("apply", "--dry-run")
        asked = lab.easfix("apply")

        for answer in (found, rehearsed):
            assert [answer.state(name) for name in PROXIES] == ["pending", "pending"]
            assert "run.restart_proxies" in answer.reason("CAS01")
            assert [each["servers"] for each in answer.document["waves"]][-2:] == [["CAS01"], ["CAS02"]]
        assert "CAS01, CAS02 last" in asked.err
        assert "CAS02" in asked.err
        assert restarts(lab) == [0, 0]


def test_a_plan_for_some_servers_restarts_the_proxies_that_lead_to_them(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        lab.easfix("plan", "-o", str(tmp_path / "plan.json"))
        answer = lab.easfix("apply", str(tmp_path / "plan.json"), "--yes", "--limit", "EX01")
        rest = lab.easfix("apply", str(tmp_path / "plan.json"), "--yes")

        assert answer.code == 0, answer.document
        assert answer.reason("CAS02").endswith("proved to EX01")
        assert rest.state("EX03") == "changed", rest.document
        assert restarts(lab) == [2, 2]  # once in each of the two runs


def test_nothing_about_proxies_is_planned_or_done_where_it_is_off(tmp_path: Path) -> None:
    with stand(tmp_path, is_on=False) as lab:
        found = lab.easfix("plan")
        answer = lab.easfix("apply", "--yes")

        assert [each["name"] for each in found.document["servers"]] == list(SERVERS)
        assert [each["name"] for each in answer.document["servers"]] == list(SERVERS)
        assert restarts(lab) == [0, 0]


def test_the_commands_about_a_run_cope_with_its_proxies(tmp_path: Path) -> None:
    with stand(tmp_path) as lab:
        lab.easfix("apply", "--yes")
        shown = lab.easfix("show", "last")
        looked = lab.easfix("verify", "last")
        owed = lab.easfix("status")
        back = lab.easfix("rollback", "last", "--yes")

        assert shown.state("CAS01") == "changed"
        assert [each["name"] for each in looked.document["servers"]] == list(SERVERS)
        assert looked.code == 0, looked.document
        assert [each["name"] for each in owed.document["servers"] if each["name"] in PROXIES] == []
        assert [(each["name"], each["state"]) for each in back.document["servers"]] == [
            (name, "rolled_back") for name in SERVERS
        ]
        assert restarts(lab) == [1, 1]
