"""The one JSON document of every command, and the table of exit codes, as a program that reads them would."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from harness import Stand
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.exits import MEANING, OF_STATE, ORDER, Exit, worst
from agent.model import ServerState


class Part(BaseModel):
    """Nothing unknown, nothing missing."""

    model_config = ConfigDict(extra="forbid")


class Directory(Part):
    path: Annotated[str, Field(pattern=r"^W3SVC/\d+/ROOT/")]
    before: int
    after: int
    explicit: bool
    inherited_from: str
    before_meaning: str
    after_meaning: str


class Attempt(Part):
    at: datetime
    state: Literal["intended", "done", "failed", "unknown", "undone"]
    message: str
    error: str


class Step(Part):
    id: str
    action: str
    state: Literal["intended", "done", "failed", "unknown", "undone"]
    script: str
    script_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    before: int | None
    after: int | None
    seconds: Annotated[float, Field(ge=0)]
    attempts: Annotated[list[Attempt], Field(min_length=1)]


class Proof(BaseModel):
    """Other issues add to it."""

    model_config = ConfigDict(extra="allow")
    probe: str
    verdict: Literal["good", "bad", "unknown"]
    cause: str
    evidence: str
    at: datetime
    attempts: Annotated[int, Field(ge=1)]


class Server(BaseModel):
    """What the issue promises; more may stand there."""

    model_config = ConfigDict(extra="allow")
    name: str
    state: ServerState
    reason: Annotated[str, Field(min_length=1)]
    directories: list[Directory]
    steps: list[Step]
    proof: list[Proof]


class Document(BaseModel):
    """easfix/1."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    id: Annotated[Literal["easfix/1"], Field(alias="schema")]
    command: str
    run: str | None
    exit_code: Exit
    servers: list[Server]

    @model_validator(mode="after")
    def _servers_are_told_apart(self) -> Document:
        names = [each.name for each in self.servers]
        assert len(names) == len(set(names))
        return self


FAULTS = ("child-override@EX01", "healthy@EX02", "front-end@EX03", "unreachable@EX04")
STATES = ["pending", "right", "skipped", "unreachable"]


def test_every_command_prints_one_document_of_the_same_shape(tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    commands: list[tuple[list[str], int, list[str]]] = [
        (["check"], 4, STATES),
        (["plan", "-o", plan], 4, STATES),
        (["apply", "--dry-run"], 4, STATES),
        (["apply", plan, "--dry-run"], 4, STATES),
        (["apply", plan, "--yes", "--reason", "test", "--change", "CHG-1"], 4, ["changed", *STATES[1:]]),
        (["verify"], 4, ["right", *STATES[1:]]),
        (["verify", "last"], 0, ["changed"]),
        (["resume", "last"], 4, ["changed", *STATES[1:]]),
        (["show", "last"], 4, ["changed", *STATES[1:]]),
        (["status"], 4, ["unreachable"]),
        (["history"], 0, []),
        (["config", "check"], 0, []),
        (["rollback", "last", "--dry-run"], 2, ["pending", "right", "right", "right"]),
        (["rollback", "last", "--yes"], 0, ["rolled_back"]),
        (["check", "--limit", "EX99"], 64, []),
    ]
    with Stand(tmp_path, "fake", FAULTS, servers=4) as stand:
        for arguments, code, states in commands:
            answer = stand.easfix(*arguments)
            if arguments[0] == "config":
                assert answer.code == code
                continue
            document = Document.model_validate(answer.document)

            assert json.loads(answer.out) == answer.document, arguments
            assert (answer.code, document.exit_code) == (code, code), (arguments, answer.err)
            assert [each.state for each in document.servers] == states, arguments
            assert document.command == arguments[0]


def test_a_run_tells_its_steps_in_their_order(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", ["child-override@EX01"]) as stand:
        document = Document.model_validate(stand.easfix("apply", "--yes").document)
        (server,) = document.servers

        assert [step.action for step in server.steps] == ["back-up", "clear", "clear", "restart", "close"]
        assert {step.state for step in server.steps} == {"done"}
        assert [[each.state for each in step.attempts] for step in server.steps] == [["intended", "done"]] * 5
        assert document.run and server.model_extra and server.model_extra["outage_seconds"] > 0
        assert any(each.verdict == "good" and each.probe == "hop" for each in server.proof)


@pytest.mark.parametrize("state", list(ServerState))
def test_every_state_has_its_code(state: ServerState) -> None:
    assert OF_STATE[state] in MEANING


def test_the_worst_code_wins() -> None:
    order: list[Any] = [130, 3, 4, 5, 2, 0]

    for position, code in enumerate(order):
        assert worst(Exit(each) for each in order[position:]) == code
    assert set(ORDER) == set(Exit) == set(MEANING)
