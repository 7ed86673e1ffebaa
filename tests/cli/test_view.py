"""What a person reads: every fact once, fitted to the screen, in colour only where that is wanted."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.options import Options
from agent.cli.view import lines, show, wants_color
from agent.model import (
    Action,
    Attempt,
    Change,
    Guard,
    Impact,
    Obstacle,
    Probe,
    Proof,
    RestartMethod,
    ServerState,
    Sibling,
    SslFlags,
    Step,
    StepRecord,
    StepState,
    Verdict,
)
from agent.outcome import Outcome, ServerOutcome

AT = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
GUARD = Obstacle(Guard.FRONT_END, "this is a front-end", "Take it out.")
WARNING = Sibling("basic-over-plain-http", "offers Basic", "Limit it.")
FAULT = Sibling("redirected", "it redirects", "Remove it.", "KB1")
ESCAPE = "\x1b["


def text(*servers: ServerOutcome, verbose: bool = False, width: int | None = None, color: bool = False) -> str:
    return "\n".join(lines(Outcome("check", servers), verbose=verbose, width=width, color=color))


def server(state: ServerState = ServerState.RIGHT, name: str = "EX01", **more: object) -> ServerOutcome:
    return ServerOutcome(name, state, "because", **more)  # type: ignore[arg-type]  # a test's own keywords


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Change(EAS, SslFlags(8), SslFlags(0), True), f"{EAS}  8: SSL required (its own) -> 0: none"),
        (Change(EAS, SslFlags(0), SslFlags(0), True), f"{EAS}  0: none (its own)"),
        (Change(EAS, SslFlags(8), SslFlags(0), False, "W3SVC/1"), "(inherited from W3SVC/1)"),
        (Change(EAS, SslFlags(0), SslFlags(0), False, ""), "(inherited from the default)"),
    ],
)
def test_a_directory_shows_its_word_and_where_it_comes_from(change: Change, says: str) -> None:
    assert says in text(server(directories=(change,)))


def test_an_impact_names_what_stops() -> None:
    impact = Impact(RestartMethod.IISRESET, ("SMTPSVC", "W3SVC"))

    assert "iisreset interrupts: SMTPSVC, W3SVC" in text(server(ServerState.PENDING, impact=impact))


@pytest.mark.parametrize(
    ("state", "is_overridden", "says"),
    [
        (ServerState.SKIPPED, False, "to do it all the same, set guards.allow_front_end: true"),
        (ServerState.PENDING, True, "overridden by allow_front_end: this is a front-end"),
        (ServerState.RIGHT, False, ""),
    ],
)
def test_a_guard_says_how_to_override_it_only_where_it_stopped_something(
    state: ServerState, is_overridden: bool, says: str
) -> None:
    obstacle = Obstacle(GUARD.guard, GUARD.reason, GUARD.instead, is_overridden)
    found = text(server(state, obstacles=(obstacle,)))

    assert says in found
    assert says or "guards" not in found


def test_a_warning_about_many_servers_is_said_once() -> None:
    found = text(server(siblings=(WARNING,)), server(name="EX02", siblings=(WARNING, WARNING)))

    assert found.count("warning: basic-over-plain-http on EX01, EX02. Limit it.") == 1


def test_a_fault_points_to_its_article() -> None:
    assert "see KB1: redirected" in text(server(ServerState.FAILED, siblings=(FAULT,)))


@pytest.mark.parametrize(("reason", "shown"), [("connection refused. Start WinRM.", 1), ("it broke off", 1)])
def test_a_next_step_is_said_once(reason: str, shown: int) -> None:
    found = "\n".join(
        lines(Outcome("status", (ServerOutcome("EX01", ServerState.UNKNOWN, reason, next_step="Start WinRM."),)))
    )

    assert found.count("Start WinRM.") == shown


STEP = StepRecord(
    1, Step(f"clear {EAS}", Action.CLEAR, "clear", "0"), StepState.DONE, (),
    (Attempt(AT, StepState.INTENDED), Attempt(AT, StepState.UNKNOWN, "late", "TimedOut"),
     Attempt(AT, StepState.DONE, "8 -> 0")),
)  # fmt: skip


def test_a_step_shows_its_end_and_with_v_its_whole_life() -> None:
    brief, whole = text(server(steps=(STEP,))), text(server(steps=(STEP,)), verbose=True)

    assert "done  8 -> 0" in brief
    assert "TimedOut" not in brief
    assert "07:00:00  unknown  TimedOut late" in whole


def test_only_the_last_answer_to_each_question_is_shown() -> None:
    def proof(origin: str, verdict: Verdict, evidence: str, kind: Probe = Probe.HOP) -> Proof:
        return Proof(
            origin, "EX01", kind, verdict, AT, "" if verdict is Verdict.GOOD else "ssl-required", evidence=evidence
        )

    found = text(server(proof=(
        proof("CAS01", Verdict.BAD, "HTTP 403"), proof("CAS01", Verdict.GOOD, "HTTP 401"),
        proof("agent", Verdict.UNKNOWN, "no answer"),
        proof("agent", Verdict.GOOD, f"{EAS} reads 0: none", Probe.METABASE),
        proof("agent", Verdict.GOOD, f"{EAS}/Devices reads 0: none", Probe.METABASE),
    )))  # fmt: skip

    assert "403" not in found
    assert "hop from CAS01: proved: HTTP 401" in found
    assert "hop from agent: not known: ssl-required: no answer" in found
    assert found.count("metabase from agent") == 2


@pytest.mark.parametrize("width", [40, 80, 100])
def test_nothing_is_wider_than_the_screen_and_no_word_is_lost(width: int) -> None:
    reason = "one key blocks the proxy and there is a great deal more to be said about why that is so"
    found = text(ServerOutcome("EX01", ServerState.FAILED, reason, siblings=(WARNING,)), width=width)

    assert max(len(line) for line in found.splitlines()[:-1]) <= max(width, 49)
    assert " ".join(found.split()).startswith(f"EX01 failed {reason}")


def test_piped_a_reason_stays_on_one_line() -> None:
    reason = "word " * 60 + "end"

    assert text(ServerOutcome("EX01", ServerState.FAILED, reason)).splitlines()[0].endswith("end")


@pytest.mark.parametrize("state", list(ServerState))
def test_every_state_has_a_colour_and_the_same_width_without(state: ServerState) -> None:
    plain, coloured = text(server(state)), text(server(state), color=True)

    assert ESCAPE in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("options", "environment", "stream", "is_wanted"),
    [
        (Options(), {}, Terminal(), True),
        (Options(), {"NO_COLOR": "1"}, Terminal(), False),
        (Options(), {"NO_COLOR": ""}, Terminal(), True),
        (Options(color=False), {}, Terminal(), False),
        (Options(), {}, io.StringIO(), False),
    ],
)
def test_colours_only_at_a_terminal_and_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, options: Options, environment: dict[str, str], stream: io.StringIO, is_wanted: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", stream)

    assert wants_color(options) is is_wanted


def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    code = show(Outcome("check", (server(ServerState.PENDING),)), Options(json=True), "easfix apply")
    found = capsys.readouterr().out

    assert code == json.loads(found)["exit_code"] == 2
    assert "easfix apply" not in found


def test_a_summary_counts_the_states_and_explains_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome("apply", (server(ServerState.CHANGED), server(ServerState.FAILED, "EX02")), "r1")
    show(outcome, Options(), "easfix show r1")
    found = capsys.readouterr().out

    assert "run r1: 1 changed, 1 failed. Exit code 3: some servers failed." in found
    assert found.endswith("Next: easfix show r1\n")


def test_a_reason_from_the_record_names_a_command_that_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "it broke off. easfix resume r1 looks again and goes on from there."
    found = ServerOutcome("EX01", ServerState.UNKNOWN, reason, next_step="easfix resume r1")
    show(Outcome("show", (found,)), Options(config=Path("c.yaml"), json=True))
    (server,) = json.loads(capsys.readouterr().out)["servers"]

    assert server["reason"].startswith("it broke off. easfix --config c.yaml resume r1 looks")
    assert server["next_step"] == "easfix --config c.yaml resume r1"


def test_an_answer_about_no_server_begins_with_its_first_word(capsys: pytest.CaptureFixture[str]) -> None:
    show(Outcome("status", ()), Options(), words="nothing is owed")

    assert capsys.readouterr().out.startswith("nothing is owed. Exit code 0")
