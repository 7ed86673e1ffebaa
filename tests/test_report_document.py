"""The JSON document: one shape for every command, plain values only, nothing left out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from finding_nouns import AT, EAS, SCRIPTS, SERVER, child, finding, vdir

from agent.exits import Exit
from agent.model import (
    Action,
    Attempt,
    Probe,
    Proof,
    ServerRecord,
    ServerState,
    Step,
    StepRecord,
    StepState,
    Verdict,
)
from agent.outcome import Outcome, ServerOutcome, of_plan, of_record
from agent.plan import Restart, decide
from agent.report.document import SCHEMA, document
from agent.siblings import siblings

STEP = Step(f"clear {EAS}", Action.CLEAR, "clear", "c0", EAS, before=264, after=0)
ATTEMPTS = (Attempt(AT, StepState.INTENDED), Attempt(AT, StepState.DONE, "264 -> 0"))
LATER = AT + timedelta(seconds=1)
PROOF = Proof("CAS01", "EX01", Probe.HOP, Verdict.BAD, LATER, "ssl-required", 403, 12.5, "HTTP 403", 3)
RECORD = ServerRecord(
    "EX01", ServerState.CHANGED, "proved", outage_seconds=12.25,
    steps=(StepRecord(1, STEP, StepState.DONE, (), ATTEMPTS),), proofs=(PROOF,),
)  # fmt: skip
SEEN = finding(vdir(264, children=(child(8),), redirect="/x"), is_front_end=True)
SEEN = replace(SEEN, siblings=siblings(SEEN))
PLANNED = of_plan(decide(SERVER, SEEN, SCRIPTS, Restart()), SEEN)


def plain(outcome: Outcome) -> dict[str, Any]:
    """Through JSON and back: what a program gets to see."""
    found: dict[str, Any] = json.loads(json.dumps(document(outcome)))
    return found


def test_the_head_says_what_who_and_how_it_ended() -> None:
    found = plain(Outcome("apply", (of_record(RECORD),), "r1", (Exit.INTERRUPTED,), {"dry_run": True}))

    assert list(found)[:4] == ["schema", "command", "run", "exit_code"]
    assert (found["schema"], found["command"], found["run"], found["exit_code"]) == (SCHEMA, "apply", "r1", 130)
    assert found["dry_run"] is True


def test_an_answer_without_servers_has_an_empty_list() -> None:
    assert plain(Outcome("status", ()))["servers"] == []


@pytest.mark.parametrize("outcome", [PLANNED, of_record(RECORD), ServerOutcome("EX01", ServerState.UNREACHABLE, "no")])
def test_every_server_has_the_same_keys(outcome: ServerOutcome) -> None:
    (found,) = plain(Outcome("check", (outcome,)))["servers"]

    assert list(found) == [
        "name", "state", "reason", "directories", "steps", "proof", "proof_before", "proof_past", "obstacles",
        "siblings", "impact", "started_at", "ended_at", "wave", "outage_seconds", "next_step",
    ]  # fmt: skip


@pytest.mark.parametrize("state", list(ServerState))
def test_a_state_is_its_word(state: ServerState) -> None:
    (found,) = plain(Outcome("check", (ServerOutcome("EX01", state, "so"),)))["servers"]

    assert found["state"] == state.value


def test_a_directory_shows_the_full_words_as_numbers_and_in_words() -> None:
    (found,) = plain(Outcome("check", (replace(PLANNED, directories=PLANNED.directories[:1]),)))["servers"]

    assert found["directories"] == [
        {
            "path": EAS,
            "before": 264,
            "after": 0,
            "explicit": True,
            "inherited_from": "",
            "before_meaning": "264: SSL required, 128-bit required",
            "after_meaning": "0: none",
        }
    ]


def test_what_speaks_against_it_and_what_else_is_wrong_is_told() -> None:
    (found,) = plain(Outcome("check", (PLANNED,)))["servers"]

    assert [each["guard"] for each in found["obstacles"]] == ["allow_front_end"]
    assert [each["name"] for each in found["siblings"]] == ["redirected"]


def test_a_step_shows_every_move_it_made() -> None:
    (found,) = plain(Outcome("show", (of_record(RECORD),)))["servers"]
    (step,) = found["steps"]

    assert (step["id"], step["action"], step["state"], step["before"], step["after"]) == (
        STEP.id,
        "clear",
        "done",
        264,
        0,
    )
    assert [each["state"] for each in step["attempts"]] == ["intended", "done"]
    assert step["attempts"][1] == {"at": AT.isoformat(), "state": "done", "message": "264 -> 0", "error": ""}


def test_a_proof_says_from_where_to_where_and_what_came() -> None:
    (found,) = plain(Outcome("show", (of_record(RECORD),)))["servers"]
    (proof,) = found["proof"]

    assert (proof["from"], proof["to"], proof["probe"], proof["verdict"]) == ("CAS01", "EX01", "hop", "bad")
    assert (proof["cause"], proof["status"], proof["latency_ms"], proof["attempts"]) == ("ssl-required", 403, 12.5, 3)
    assert found["outage_seconds"] == 12.25
