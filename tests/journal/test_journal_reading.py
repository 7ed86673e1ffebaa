"""What was written comes back, for resume, rollback, history and show."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import find, given
from hypothesis import strategies as st
from journal_nouns import CLEAR, ORIGINAL, RESTART, Time, holder, record

from agent.errors import JournalError, UnknownName
from agent.journal import Journal, OpenRun, open_journal
from agent.journal.writer import finding_adapter
from agent.model import (
    Action,
    Finding,
    Probe,
    Proof,
    SecondLook,
    ServerFacts,
    ServerState,
    Service,
    Step,
    StepState,
    Verdict,
)

BACK_UP = Step("back-up", Action.BACK_UP, "backup", "c2")
AT = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
GOOD = Proof("agent", "EX01", Probe.HOP, Verdict.GOOD, AT, status=401, latency_ms=12.5, evidence="Negotiate")
BAD = Proof("CAS01", "EX01", Probe.HOP, Verdict.BAD, AT, cause="ssl-required", status=403, attempts=3)

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
FACTS = find(st.from_type(ServerFacts), lambda _: True)


@given(st.from_type(Finding))
def test_any_finding_is_the_same_after_its_document(finding: Finding) -> None:
    adapter = finding_adapter()

    assert adapter.validate_json(adapter.dump_json(finding)) == finding


def test_a_run_comes_back_whole(run: OpenRun, journal: Journal) -> None:
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.DONE)
    run.proved("EX01", [GOOD, BAD])
    run.conclude("EX01", ServerState.CHANGED, "cleared and proved", outage_seconds=41.5)
    run.conclude("EX02", ServerState.UNREACHABLE, "no connection")
    run.close("EX01")
    run.end(4)

    found = journal.run("r1")
    assert replace(found, servers=(), hands=(), ended_at=None, exit_code=None) == record("r1", found.started_at)
    assert (found.exit_code, found.ended_at is not None) == (4, True)
    first, second = found.servers
    assert (first.name, first.state, first.reason) == ("EX01", ServerState.CHANGED, "cleared and proved")
    assert (first.outage_seconds, first.is_closed, first.proofs) == (41.5, True, (GOOD, BAD))
    assert (first.steps[0].step, first.steps[0].state, first.steps[0].priors) == (CLEAR, StepState.DONE, (ORIGINAL,))
    assert (second.state, second.reason, second.is_closed) == (ServerState.UNREACHABLE, "no connection", True)


def test_a_later_conclusion_replaces_the_earlier_and_keeps_the_outage(run: OpenRun, journal: Journal) -> None:
    run.conclude("EX01", ServerState.UNKNOWN, "broke off", outage_seconds=3.0)
    run.conclude("EX01", ServerState.ROLLED_BACK, "put back")

    server = journal.run("r1").servers[0]
    assert (server.state, server.reason, server.outage_seconds) == (ServerState.ROLLED_BACK, "put back", 3.0)


def test_a_state_without_a_reason_is_refused(run: OpenRun) -> None:
    with pytest.raises(JournalError, match="needs a reason"):
        run.conclude("EX01", ServerState.CHANGED, "")


def test_findings_come_back_in_order_and_equal(run: OpenRun, journal: Journal) -> None:
    before = Finding("EX01", AT, FACTS, (), (Service("SMTPSVC", "Simple Mail", "Running", "Auto", True, True),))
    after = replace(before, at=AT + timedelta(minutes=1))
    run.found("EX01", before)
    run.found("EX01", after)
    run.found("EX02", replace(before, server="EX02"))

    assert journal.findings("r1", "EX01") == (before, after)
    assert journal.findings("r1", "EX03") == ()


def test_history_is_newest_first_and_bounded(run: OpenRun, journal: Journal, now: Time) -> None:
    for number in range(2, 6):
        journal.begin(record(f"r{number}", now()))
    run.conclude("EX01", ServerState.CHANGED, "done")

    assert [run.id for run in journal.history(3)] == ["r5", "r4", "r3"]
    assert [server.state for server in journal.history()[-1].servers] == [ServerState.CHANGED]


def test_a_run_is_found_by_its_name_its_beginning_or_as_the_last(journal: Journal, now: Time) -> None:
    for name in ("20260506-a", "20260506-b", "20260506-bb"):
        journal.begin(record(name, now()))

    assert journal.find("20260506-a") == "20260506-a"
    assert journal.find("20260506-b") == "20260506-b"
    assert journal.find("20260506-bb") == "20260506-bb"
    assert journal.find("last") == "20260506-bb"


@pytest.mark.parametrize("text", ["2026", "r9", ""])
def test_an_ambiguous_or_unknown_run_is_refused_with_some_that_are_there(
    journal: Journal, now: Time, text: str
) -> None:
    for name in ("20260506-a", "20260506-b"):
        journal.begin(record(name, now()))

    with pytest.raises(UnknownName) as caught:
        journal.find(text)

    assert set(caught.value.meant) == {"20260506-a", "20260506-b"}


@pytest.mark.parametrize("text", ["last", "r1"])
def test_an_empty_journal_knows_no_run(journal: Journal, text: str) -> None:
    with pytest.raises(UnknownName):
        journal.find(text)
    with pytest.raises(UnknownName):
        journal.run(text)

    assert journal.history() == ()


def test_everything_owed_is_listed(run: OpenRun, journal: Journal, now: Time) -> None:
    second = journal.begin(record("r2", now()))
    for name in ("EX03", "EX02"):
        second.admit(name)
    second.close("EX03")

    assert journal.unclosed() == (("r1", "EX01"), ("r2", "EX02"))


def test_a_second_look_is_due_when_its_time_has_come_and_until_it_is_taken(
    run: OpenRun, journal: Journal, now: Time
) -> None:
    due_at = now() + timedelta(hours=1)
    run.owe_look("EX01", due_at)
    assert journal.looks_due() == ()
    assert journal.looks("r1") == (SecondLook("r1", "EX01", due_at),)

    now.at = due_at
    assert journal.looks_due() == journal.looks_due("r1") == (SecondLook("r1", "EX01", due_at),)
    assert journal.looks_due("r2") == ()

    journal.took_look("r1", "EX01")
    assert journal.looks_due() == ()
    taken = journal.looks("r1")[0].taken_at

    journal.took_look("r1", "EX01")

    assert taken is not None
    assert journal.looks("r1")[0].taken_at == taken


def test_a_look_owed_again_is_due_at_the_later_time(run: OpenRun, journal: Journal) -> None:
    run.owe_look("EX01", AT)
    journal.took_look("r1", "EX01")
    run.owe_look("EX01", AT + timedelta(minutes=5))

    assert [(look.due_at, look.taken_at) for look in journal.looks("r1")] == [(AT + timedelta(minutes=5), None)]


def test_a_plan_is_kept_under_its_hash(journal: Journal) -> None:
    journal.save_plan("abc", '{"a": 1}')
    journal.save_plan("abc", '{"a": 1}')

    assert journal.plan("abc") == '{"a": 1}'
    with pytest.raises(UnknownName, match="no plan abd"):
        journal.plan("abd")


def test_a_moment_is_the_same_in_whatever_zone_it_came(run: OpenRun, journal: Journal) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    run.proved("EX01", [replace(GOOD, at=elsewhere)])

    found = journal.run("r1").servers[0].proofs[0].at
    assert found == AT
    assert found.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(run: OpenRun) -> None:
    with pytest.raises(JournalError, match="without a zone"):
        run.owe_look("EX01", AT.replace(tzinfo=None))


def test_secrets_are_taken_out_of_every_sentence(address: str, now: Time) -> None:
    journal = open_journal(address, now, scrub=lambda text: text.replace("kanari", "***"))
    run = journal.begin(replace(record("r1", now()), reason="pw kanari", change="kanari"))
    run.admit("EX01")
    run.note("EX01", RESTART, StepState.INTENDED, message="with kanari")
    run.note("EX01", RESTART, StepState.FAILED, error=ValueError("kanari was refused"))
    run.proved("EX01", [replace(BAD, evidence="401 for kanari")])
    run.conclude("EX01", ServerState.FAILED, "kanari was refused")
    told = repr(journal.run("r1"))
    journal.close()

    assert "kanari" not in told
    assert told.count("***") == 7


def test_two_runs_of_one_name_cannot_be(run: OpenRun, journal: Journal, now: Time) -> None:
    with pytest.raises(JournalError):
        journal.begin(record("r1", now(), pid=7))

    assert journal.run("r1").holder == holder("r1")


def test_a_big_run_is_read_with_few_questions(journal: Journal, now: Time, reopen: Callable[[], Journal]) -> None:
    import sqlalchemy as sa

    run = journal.begin(record("r1", now()))
    for number in range(50):
        run.admit(f"EX{number}")
        run.note(f"EX{number}", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    asked: list[str] = []
    engine = journal._store._engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    journal.run("r1")

    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 7


def changing(journal: Journal, name: str, now: Time) -> OpenRun:
    """A run that changed EX01, and let go of it."""
    run = journal.begin(record(name, now()))
    run.admit("EX01")
    run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    run.note("EX01", CLEAR, StepState.DONE)
    run.conclude("EX01", ServerState.CHANGED, "cleared and proved")
    run.close("EX01")
    return run


def test_only_a_run_that_came_after_has_changed_a_server_since(journal: Journal, now: Time) -> None:
    changing(journal, "first", now)
    between = journal.begin(record("between", now()))  # it failed before it could write
    between.admit("EX01")
    between.conclude("EX01", ServerState.FAILED, "no backup")
    between.close("EX01")

    assert journal.newer_change("between", "EX01") is None
    changing(journal, "last", now)
    assert journal.newer_change("between", "EX01") == "last"
    assert journal.newer_change("first", "EX01") == "last"
    assert journal.newer_change("last", "EX01") is None


def test_what_a_run_came_to_is_ordered_by_its_moves_and_not_by_when_it_began(journal: Journal, now: Time) -> None:
    """The one that began first changed the server when the other one had failed to back it up."""
    first = journal.begin(record("first", now()))
    second = journal.begin(record("second", now()))
    second.admit("EX01")
    second.note("EX01", BACK_UP, StepState.INTENDED)
    second.note("EX01", BACK_UP, StepState.FAILED)
    second.conclude("EX01", ServerState.FAILED, "no backup")
    second.close("EX01")
    first.admit("EX01")
    first.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
    first.note("EX01", CLEAR, StepState.DONE)

    assert journal.newer_change("second", "EX01") == "first"
    assert journal.newer_change("first", "EX01") is None
