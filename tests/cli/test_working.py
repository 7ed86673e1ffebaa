"""Taking a run over: refused while its process may live, whatever machine it ran on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli.options import Options
from agent.cli.session import Session
from agent.cli.working import chosen, conclude, known, take_over
from agent.errors import ConfigError, EmptySelection, Locked, UnknownName
from agent.journal import OpenRun
from agent.journal.tables import runs
from agent.model import Holder, RunRecord, ServerRecord, ServerState

HERE = socket.gethostname()
ELSEWHERE = "jump99.lab.example"
AT = datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01, EX02]\njournal: journal.db\nlogs: {file: easfix.log}\n", encoding="utf-8")
    with Session(Options(config=config)) as session:
        yield session


def begun(session: Session, host: str, pid: int) -> OpenRun:
    return session.journal.begin(RunRecord("r1", "apply", AT, Holder("r1", host, pid, "LAB\\admin"), "0.1.0"))


@pytest.fixture
def living() -> Iterator[int]:
    """The number of a process that certainly lives."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def dead() -> int:
    """The number of a process that certainly lived, and does no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(60)
    return process.pid


def test_a_living_process_is_not_robbed(session: Session, living: int) -> None:
    begun(session, HERE, living)

    with pytest.raises(Locked) as caught:
        take_over(session, "r1", "resume")

    assert "is still at work" in caught.value.message
    assert "easfix" in caught.value.next_step
    assert (caught.value.run, caught.value.since) == ("r1", AT)


def test_a_dead_process_leaves_its_run_to_the_next(session: Session, dead: int) -> None:
    before = begun(session, HERE, dead)
    run = take_over(session, "r1", "resume")

    assert run.holder.pid == os.getpid()
    with pytest.raises(Locked):
        before.admit("EX01")


def test_this_very_process_may_go_on(session: Session) -> None:
    begun(session, HERE, os.getpid())

    assert take_over(session, "r1", "resume").id == "r1"


def heard_of(session: Session, seconds_ago: float | None) -> None:
    """The process of the run last wrote so long ago that it lives; None: it never did."""
    journal = session.journal
    at = None if seconds_ago is None else journal.clock() - timedelta(seconds=seconds_ago)
    with journal._store.write() as connection:
        connection.execute(runs.update().values(beat_at=at))


@pytest.mark.parametrize("forced", [False, True])
def test_a_process_elsewhere_that_never_beat_needs_the_operators_word(
    session: Session, dead: int, forced: bool
) -> None:
    begun(session, ELSEWHERE, dead)
    heard_of(session, None)
    if forced:
        assert take_over(session, "r1", "resume", forced=True).holder.host == HERE
        return

    with pytest.raises(Locked, match="from here nobody can tell whether it lives"):
        take_over(session, "r1", "resume")


@pytest.mark.parametrize("forced", [False, True])
def test_a_process_elsewhere_that_beats_needs_the_operators_word(session: Session, dead: int, forced: bool) -> None:
    begun(session, ELSEWHERE, dead)
    heard_of(session, 200)
    if forced:
        assert take_over(session, "r1", "resume", forced=True).holder.host == HERE
        return

    with pytest.raises(Locked, match=f"ran on {ELSEWHERE}, and wrote 20[0-9] seconds ago") as caught:
        take_over(session, "r1", "resume")
    assert "After 300 seconds of silence this command goes on by itself." in caught.value.next_step
    assert f"{session.options.line('stop r1')}." in caught.value.next_step


@pytest.mark.parametrize("host", [HERE, "jump99.lab.example"])
def test_a_process_that_was_silent_for_too_long_is_dead_wherever_it_was(
    session: Session, living: int, host: str
) -> None:
    before = begun(session, host, living)
    heard_of(session, 301)
    run = take_over(session, "r1", "resume")

    assert run.holder.pid == os.getpid()
    with pytest.raises(Locked, match="taken over"):
        before.admit("EX01")


def test_a_process_that_can_be_seen_and_heard_is_not_robbed_on_anybodys_word(session: Session, living: int) -> None:
    before = begun(session, HERE, living)

    with pytest.raises(Locked) as caught:
        take_over(session, "r1", "resume", forced=True)

    assert session.options.line("stop r1") in caught.value.next_step
    assert f"end process {living} first" in caught.value.next_step
    assert "--take-over" not in caught.value.next_step
    before.admit("EX01")


def test_a_process_that_can_be_seen_and_was_never_heard_is_robbed_on_the_operators_word(
    session: Session, living: int
) -> None:
    """It may be another one of the same number: an older easfix wrote no beats."""
    before = begun(session, HERE, living)
    heard_of(session, None)
    take_over(session, "r1", "resume", forced=True)

    with pytest.raises(Locked, match="taken over"):
        before.admit("EX01")


def test_of_two_that_saw_the_same_dead_process_one_takes_over(session: Session, dead: int) -> None:
    begun(session, HERE, dead)
    seen = session.journal.run("r1").holder
    take_over(session, "r1", "resume")

    with pytest.raises(Locked, match=f"process {os.getpid()}"):
        session.journal.resume("r1", Holder("r1", HERE, 4711, "LAB\\admin"), instead_of=seen)


def test_a_run_that_has_ended_belongs_to_nobody(session: Session, living: int) -> None:
    begun(session, HERE, living).end(0)

    assert take_over(session, "r1", "resume").id == "r1"


def test_the_code_of_a_run_is_that_of_all_its_servers(session: Session) -> None:
    """A command about one server does not make a run that failed on another one a good one."""
    run = begun(session, HERE, os.getpid())
    run.conclude("EX01", ServerState.CHANGED, "proved")
    run.conclude("EX02", ServerState.FAILED, "not mended")
    outcome = conclude(session, run, "apply", ["EX01"])

    assert (int(outcome.exit_code), [each.name for each in outcome.servers]) == (0, ["EX01"])
    assert session.journal.run("r1").exit_code == 3


def test_an_interrupted_run_ends_with_130(session: Session) -> None:
    run = begun(session, HERE, os.getpid())
    run.conclude("EX01", ServerState.CHANGED, "proved")
    session.stop.set()

    assert int(conclude(session, run, "apply").exit_code) == 130
    assert session.journal.run("r1").exit_code == 130


# --- which servers ---------------------------------------------------------------------------------------------------

RUN = RunRecord("r1", "apply", AT, Holder("r1", HERE, 1, "x"), "0.1.0",
                servers=(ServerRecord("EX01"), ServerRecord("EX02")))  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        ((), ["EX01", "EX02"]),
        (("ex02",), ["EX02"]),
        (("EX02, EX01",), ["EX01", "EX02"]),
        (("EX01", "EX02"), ["EX01", "EX02"]),
    ],
)
def test_a_limit_names_servers_of_the_run(limit: tuple[str, ...], names: list[str]) -> None:
    assert chosen(RUN, limit) == names


def test_a_name_that_the_run_does_not_have_says_what_was_meant() -> None:
    with pytest.raises(UnknownName) as caught:
        chosen(RUN, ("EX03",))

    assert set(caught.value.meant) <= {"EX01", "EX02"}
    assert caught.value.next_step


def test_an_empty_limit_is_not_all() -> None:
    with pytest.raises(EmptySelection):
        chosen(RUN, (" , ",))


def test_a_server_gone_from_the_configuration_is_named(session: Session) -> None:
    assert [each.name for each in known(session, ["ex01", "EX02"])] == ["EX01", "EX02"]
    with pytest.raises(ConfigError, match="does not name EX09"):
        known(session, ["EX01", "EX09"])
