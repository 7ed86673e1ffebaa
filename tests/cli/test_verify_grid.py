"""easfix verify and check over the real wire: the grid on the screen and in the document, before a run and after."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.cli import session
from agent.cli.main import call
from agent.journal import open_journal
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout

FAULTS = ["require-ssl@EX01", "exchange-vdir-ssl@EX02", "healthy@EX03", "block-legacy@CAS02"]
BOTH = ["require-ssl@EX01", "exchange-vdir-ssl@EX01"]
PROOF = {"from", "to", "probe", "verdict", "cause", "status", "latency_ms", "at", "evidence"}


class Place:
    """A fleet and the directory of an operator."""

    def __init__(self, fleet: Fleet, home: Path) -> None:
        self.fleet = fleet
        self.config = home / CONFIG_FILE

    def set(self, section: str, **values: Any) -> None:
        found = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        found[section] = {**found.get(section, {}), **values}
        self.config.write_text(yaml.safe_dump(found), encoding="utf-8")

    def easfix(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = call(["--config", str(self.config), *arguments])
        return code, out.getvalue()

    def document(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, text = self.easfix("--json", *arguments)
        return code, json.loads(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("grid")
    pace = Pace(restart_seconds=0.2, warm_up_seconds=0.0, proxy_seconds=1.0)
    with Fleet(3, 2, FAULTS, seed=1, pace=pace) as fleet:
        layout = Layout(home)
        layout.write(fleet, 0, "")
        made = Place(fleet, home)
        made.set("verify", attempts=2, deadline_seconds=20, first_wait_seconds=0.1)
        yield made
        layout.remove()


def cells(document: dict[str, Any], name: str = "grid") -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["from"], each["to"]): each for each in document[name]}


def causes(cell: dict[str, Any]) -> list[str]:
    return [each["cause"] for each in cell["causes"]]


def test_the_document_has_a_cell_for_every_pair_and_the_cause_of_each(place: Place) -> None:
    code, document = place.document("verify")
    grid = cells(document)

    assert code == 3
    assert {pair: causes(cell) for pair, cell in grid.items()} == {
        ("CAS01", "EX01"): ["ssl-required"],
        ("CAS02", "EX01"): ["block-legacy", "ssl-required"],
        ("CAS01", "EX02"): ["exchange-needs-ssl"],
        ("CAS02", "EX02"): ["block-legacy", "exchange-needs-ssl"],
        ("CAS01", "EX03"): [],
        ("CAS02", "EX03"): ["block-legacy"],
    }
    assert grid["CAS01", "EX03"]["state"] == "works"
    assert document["not_read"] == []


def log_of(place: Place, name: str) -> list[list[str]]:
    """The lines of today in the web server's log, field by field."""
    files = place.fleet[name].machine.files
    folder = r"C:\WINDOWS\system32\LogFiles\W3SVC1"
    pages = [files.read(each.path).decode() for each in files.list(folder) if each.path.endswith(".log")]
    return [line.split() for page in pages for line in page.splitlines() if not line.startswith("#")]


def test_every_question_carries_the_commands_own_marker_and_its_line_is_found(place: Place) -> None:
    before = len(log_of(place, "EX01"))
    _, document = place.document("verify", "--limit", "EX01")
    lines = [line for line in log_of(place, "EX01")[before:] if line[4] == "OPTIONS"]
    (agent,) = {line[10] for line in lines}
    clients = {line[9] for line in lines}
    told = {pair: " ".join(cell["causes"][-1]["evidence"]) for pair, cell in cells(document).items()}
    named = {each: [client for client in clients if f"has 403.4 5 from {client}" in each] for each in told.values()}

    assert agent.startswith("easfix-")
    assert len(lines) == len(clients) == 3  # from here, from CAS01, from CAS02
    assert {tuple(line[11:14]) for line in lines} == {("403", "4", "5")}
    assert len(set(map(tuple, named.values()))) == 2 and all(len(each) == 1 for each in named.values())


def test_each_proof_says_who_asked_whom_what_and_what_came(place: Place) -> None:
    _, document = place.document("verify", "--limit", "EX03")
    (server,) = document["servers"]
    asked = {(each["probe"], each["from"]) for each in server["proof"]}

    assert all(set(each) >= PROOF and each["to"] == "EX03" for each in server["proof"])
    assert asked >= {("hop", "agent"), ("hop", "CAS01"), ("logon", "agent"), ("end-to-end", "CAS01")}


def test_a_server_fails_where_one_of_its_proxies_keeps_phones_out(place: Place) -> None:
    code, document = place.document("verify", "--limit", "EX03")
    (server,) = document["servers"]

    assert (code, server["state"]) == (3, "failed")
    assert "through CAS02: block-legacy" in server["reason"]


def test_the_screen_shows_the_grid_and_says_each_cause_once(place: Place) -> None:
    _, text = place.easfix("verify")
    lines = text.splitlines()
    (title,) = (number for number, line in enumerate(lines) if line.startswith("proxy path now: 6 pairs"))

    assert lines[title + 1].split() == ["CAS01", "CAS02"]
    assert lines[title + 2].split() == ["EX01", "ssl-required", "block-legacy", "+1"]
    assert lines[title + 4].split() == ["EX03", "works", "block-legacy"]
    assert text.count("block-legacy: BlockLegacyMailboxes is set") == 1
    assert "See KB817379." in text
    assert "\x1b[" not in text


def test_check_says_before_a_change_that_ssl_is_not_the_only_cause(place: Place) -> None:
    code, document = place.document("check", "--limit", "EX01")
    (server,) = document["servers"]

    assert (code, server["state"]) == (2, "pending")
    assert (
        "SSL is not the only cause: web.config of CAS02 sets BlockLegacyMailboxes (through CAS02)" in server["reason"]
    )
    assert "block-legacy" in [each["name"] for each in server["siblings"]]


def test_nobody_is_asked_as_a_phone_where_that_is_switched_off(place: Place) -> None:
    place.set("verify", end_to_end=False)
    try:
        _, document = place.document("verify", "--limit", "EX03")
    finally:
        place.set("verify", end_to_end=True)
    (server,) = document["servers"]

    assert {each["probe"] for each in server["proof"]} <= {"hop", "events"}
    assert cells(document)["CAS01", "EX03"]["state"] == "reaches"


def test_a_run_is_proved_from_end_to_end_and_shown_before_and_after(place: Place) -> None:
    """The last of the file: it changes EX01. One proxy blocks; through the other the server is proved."""
    applied, outcome = place.document("apply", "--limit", "EX01", "--yes")
    verified, document = place.document("verify", "last")
    (server,) = outcome["servers"]

    assert (applied, server["state"]) == (0, "changed")
    assert "end to end through CAS01" in server["reason"]
    assert causes(cells(document, "grid_before")["CAS01", "EX01"]) == ["ssl-required"]
    assert cells(document)["CAS01", "EX01"]["state"] == "works"
    assert (verified, document["servers"][0]["state"]) == (3, "failed")  # phones cannot come through the other one


def hops(server: dict[str, Any], key: str) -> dict[str, tuple[str, str]]:
    return {each["from"]: (each["verdict"], each["cause"]) for each in server[key] if each["probe"] == "hop"}


def test_before_and_after_are_shown_from_what_was_answered(place: Place) -> None:
    """After the run of the test above."""
    _, document = place.document("show", "last")
    _, text = place.easfix("show", "last")
    (server,) = document["servers"]

    assert hops(server, "proof_before") == dict.fromkeys(("agent", "CAS01", "CAS02"), ("bad", "ssl-required"))
    assert set(hops(server, "proof").values()) == {("good", "")}
    assert causes(cells(document, "grid_before")["CAS01", "EX01"]) == ["ssl-required"]
    assert cells(document)["CAS01", "EX01"]["state"] == "works"
    assert "before the change, hop from CAS01: bad: ssl-required" in text
    assert "proxy path before the run: 2 pairs" in text and "proxy path at the last look: 2 pairs" in text


@pytest.fixture
def two_faults(tmp_path: Path) -> Iterator[Place]:
    """One server that requires SSL, also where ActiveSync itself reads the mailbox."""
    with Fleet(1, 1, BOTH, seed=1, pace=Pace(restart_seconds=0.2, warm_up_seconds=0.0, proxy_seconds=1.0)) as fleet:
        layout = Layout(tmp_path)
        layout.write(fleet, 0, "")
        made = Place(fleet, tmp_path)
        made.set("verify", attempts=2, deadline_seconds=20, first_wait_seconds=0.1)
        yield made
        layout.remove()


def flags(place: Place) -> int:
    found = place.fleet["EX01"].machine.metabase.memory.get(
        "W3SVC/1/ROOT/Microsoft-Server-ActiveSync", "AccessSSLFlags"
    )
    assert isinstance(found, int)
    return found


def test_a_change_that_is_right_stays_where_another_fault_was_there_before(two_faults: Place) -> None:
    code, document = two_faults.document("apply", "--yes")
    (server,) = document["servers"]
    machine = two_faults.fleet["EX01"].machine

    assert (code, server["state"]) == (3, "failed")
    assert "SSL is cleared, and proved on the hop from agent, CAS01" in server["reason"]
    assert "KB817379" in server["reason"]
    assert "the change is left as it is: easfix" in server["reason"] and " rollback " in server["reason"]
    assert flags(two_faults) == 0
    assert machine.counters.iisresets == 1


def test_what_was_left_can_be_put_back_by_the_operator(two_faults: Place) -> None:
    two_faults.document("apply", "--yes")
    code, document = two_faults.document("rollback", "last", "--yes")

    assert (code, document["servers"][0]["state"]) == (0, "rolled_back")
    assert flags(two_faults) == 8


def owed(place: Place) -> list[str]:
    with contextlib.closing(
        open_journal(str(place.config.parent / "journal.db"), lambda: datetime.now(UTC))
    ) as journal:
        return [each.server for each in journal.looks_open()]


def test_the_second_look_at_what_was_left_is_taken_and_the_mended_server_counts_as_changed(
    two_faults: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_faults.document("apply", "--yes")
    two_faults.document("verify", "last")  # too early to count as the look
    before = owed(two_faults)
    monkeypatch.setattr(session, "now", lambda: datetime.now(UTC) + timedelta(hours=1))
    _, looked = two_faults.document("verify", "last")
    after = owed(two_faults)
    two_faults.fleet.fault("healthy@EX01")
    code, mended = two_faults.document("verify", "last")

    assert (before, after) == (["EX01"], [])
    assert looked["servers"][0]["state"] == "failed"
    assert (code, mended["servers"][0]["state"]) == (0, "changed")


def test_a_flag_that_comes_back_on_what_was_left_is_reverted(two_faults: Place) -> None:
    two_faults.document("apply", "--yes")
    two_faults.fleet.fault("require-ssl@EX01")
    _, document = two_faults.document("verify", "last")

    assert document["servers"][0]["state"] == "reverted"


def test_a_failure_that_nothing_explains_is_put_back(two_faults: Place) -> None:
    """The mailbox store breaks while the run is under way: nobody can say that it was not the restart."""
    two_faults.fleet.fault("healthy@EX01")
    two_faults.fleet.fault("require-ssl@EX01")
    two_faults.fleet.fault("http-bad-wbxml@EX01")
    _, document = two_faults.document("apply", "--yes")
    (server,) = document["servers"]

    assert server["state"] == "rolled_back"
    assert flags(two_faults) == 8
