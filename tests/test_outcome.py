"""What a command answers with: never without a reason, and with the worst code of all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from finding_nouns import AT, EAS, SCRIPTS, SERVER, finding, vdir

from agent import errors
from agent.exits import Exit
from agent.model import (
    Action,
    Attempt,
    Prior,
    Probe,
    Proof,
    ServerRecord,
    ServerState,
    Step,
    StepRecord,
    StepState,
    Verdict,
)
from agent.outcome import Outcome, ServerOutcome, of_error, of_plan, of_record, sentences
from agent.plan import Restart, decide

CLEAR = Step(f"clear {EAS}", Action.CLEAR, "clear", "0" * 64, EAS, before=264, after=0)
RESTART = Step("restart", Action.RESTART, "restart", "0" * 64)


def test_a_state_without_a_reason_is_a_defect() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        ServerOutcome("EX01", ServerState.RIGHT, "")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (errors.Unreachable("EX01", "no"), ServerState.UNREACHABLE),
        (errors.Denied("EX01", "no"), ServerState.UNREACHABLE),
        (errors.Unsupported("EX01", "no"), ServerState.UNREACHABLE),
        (errors.Busy("EX01", "no"), ServerState.UNREACHABLE),
        (errors.TimedOut("EX01", "no"), ServerState.UNKNOWN),
        (errors.BrokenOff("EX01", "no"), ServerState.UNKNOWN),
        (errors.BadAnswer("EX01", "no"), ServerState.UNKNOWN),
        (errors.ScriptFailed("EX01", "no"), ServerState.UNKNOWN),
        (errors.Interrupted("stopped"), ServerState.SKIPPED),
    ],
)
def test_a_question_that_could_not_be_put(error: errors.ServerError | errors.Interrupted, state: ServerState) -> None:
    found = of_error("EX01", error)

    assert (found.name, found.state) == ("EX01", state)
    assert found.reason == error.message


def test_an_error_tells_its_next_step() -> None:
    found = of_error("EX01", errors.Unreachable("EX01", "connection refused", "Start WinRM."))

    assert found.reason == "connection refused. Start WinRM."


def test_a_plan_is_told_with_everything_that_was_decided() -> None:
    seen = finding(vdir(8))
    found = of_plan(decide(SERVER, seen, SCRIPTS, Restart()), seen)

    assert (found.state, [each.path for each in found.directories]) == (ServerState.PENDING, [EAS])
    assert found.impact is not None
    assert found.services == seen.services


def test_a_record_without_a_conclusion_is_unknown() -> None:
    found = of_record(ServerRecord("EX01"))

    assert found.state is ServerState.UNKNOWN
    assert "broke off" in found.reason


@pytest.mark.parametrize(
    ("priors", "explicit", "origin"),
    [
        ((), True, ""),
        ((Prior(EAS, "AccessSSLFlags", 264, False, "W3SVC/1/ROOT"),), False, "W3SVC/1/ROOT"),
        ((Prior("elsewhere", "AccessSSLFlags", 264, False, "W3SVC/1/ROOT"),), True, ""),
    ],
)
def test_a_record_tells_of_the_words_its_steps_wrote(priors: tuple[Prior, ...], explicit: bool, origin: str) -> None:
    steps = (StepRecord(1, CLEAR, StepState.DONE, priors), StepRecord(2, RESTART, StepState.DONE))
    (change,) = of_record(ServerRecord("EX01", ServerState.CHANGED, "proved", AT, steps=steps)).directories

    assert (change.path, change.before, change.after) == (EAS, 264, 0)
    assert (change.is_explicit, change.inherited_from) == (explicit, origin)


def test_proofs_from_before_the_first_step_are_told_apart_from_those_afterwards() -> None:
    times = [AT - timedelta(seconds=3), AT - timedelta(seconds=1), AT + timedelta(seconds=60)]
    proofs = tuple(Proof("CAS01", "EX01", Probe.HOP, Verdict.UNKNOWN, at) for at in times)
    step = StepRecord(1, CLEAR, StepState.DONE, attempts=(Attempt(AT, StepState.INTENDED),))
    changed = of_record(ServerRecord("EX01", ServerState.CHANGED, "proved", AT, steps=(step,), proofs=proofs))
    untouched = of_record(ServerRecord("EX01", ServerState.SKIPPED, "stopped", AT, proofs=proofs))

    assert (changed.proof_before, changed.proof) == (proofs[:2], proofs[2:])
    assert (untouched.proof_before, untouched.proof) == ((), proofs)


def outcome(command: str, *states: ServerState, codes: tuple[Exit, ...] = ()) -> Outcome:
    servers = tuple(ServerOutcome(f"EX{n:02}", state, "so") for n, state in enumerate(states))
    return Outcome(command, servers, codes=codes)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (outcome("check"), Exit.OK),
        (outcome("check", ServerState.RIGHT, ServerState.PENDING), Exit.PENDING),
        (outcome("apply", ServerState.CHANGED, ServerState.SKIPPED), Exit.REFUSED),
        (outcome("apply", ServerState.SKIPPED, ServerState.UNREACHABLE), Exit.UNCERTAIN),
        (outcome("apply", ServerState.UNKNOWN, ServerState.FAILED), Exit.FAILED),
        (outcome("apply", ServerState.ROLLED_BACK), Exit.FAILED),
        (outcome("rollback", ServerState.ROLLED_BACK), Exit.OK),
        (outcome("apply", ServerState.FAILED, codes=(Exit.INTERRUPTED,)), Exit.INTERRUPTED),
    ],
)
def test_the_worst_code_wins(found: Outcome, code: Exit) -> None:
    assert found.exit_code is code


def test_a_run_that_ended_keeps_its_code() -> None:
    server = ServerOutcome("EX01", ServerState.ROLLED_BACK, "put back")

    assert Outcome("show", (server,), "r1", ended_with=Exit.OK).exit_code is Exit.OK


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("no answer", "look again"), "no answer. Look again."),
        (("no answer.", "Look again."), "no answer. Look again."),
        (("gone", "", "easfix resume r1 looks again"), "gone. easfix resume r1 looks again."),
        (("busy;", "iisreset /status tells", "W3SVC/1 stays"), "busy. iisreset /status tells. W3SVC/1 stays."),
    ],
)
def test_sentences_end_with_a_stop_and_begin_with_a_capital(parts: tuple[str, ...], whole: str) -> None:
    assert sentences(*parts) == whole
