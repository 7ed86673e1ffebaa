"""Between rows and the nouns of the model; the only place that knows both."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from agent.model import (
    Action,
    Approval,
    Attempt,
    Hand,
    Holder,
    Prior,
    Probe,
    Proof,
    RunRecord,
    SecondLook,
    ServerRecord,
    ServerState,
    Step,
    StepRecord,
    StepState,
    Value,
    Verdict,
)

Row = RowMapping


def of_holder(holder: Holder) -> dict[str, object]:
    """Columns of the process behind a run."""
    return {"host": holder.host, "pid": holder.pid, "account": holder.user}


def holder(row: Row, run: str) -> Holder:
    """The process behind a run."""
    return Holder(run, row["host"], row["pid"], row["account"])


def hand(row: Row) -> Hand:
    """A process that had a run in hand."""
    holds = holder(row, row["run_id"])
    return Hand(row["command"], holds, row["at"], row["reason"], row["ended_at"], row["exit_code"])


def of_run(run: RunRecord) -> dict[str, object]:
    """Columns of a run that begins."""
    return {
        "id": run.id,
        "command": run.command,
        "version": run.version,
        "reason": run.reason,
        "change": run.change,
        "plan_hash": run.plan_hash,
        "started_at": run.started_at,
        "window_name": run.window,
        "closes_at": run.closes_at,
        "outside_window": run.outside_window,
        "threshold": run.threshold,
        "approved_by": run.approved_by,
        **of_holder(run.holder),
    }


def run(row: Row, servers: Sequence[ServerRecord], hands: Sequence[Hand] = ()) -> RunRecord:
    """A run with its servers, and who had it in hand."""
    return RunRecord(
        id=row["id"],
        command=row["command"],
        started_at=row["started_at"],
        holder=holder(row, row["id"]),
        version=row["version"],
        reason=row["reason"],
        change=row["change"],
        plan_hash=row["plan_hash"],
        ended_at=row["ended_at"],
        exit_code=row["exit_code"],
        servers=tuple(servers),
        window=row["window_name"],
        closes_at=row["closes_at"],
        outside_window=row["outside_window"],
        threshold=row["threshold"],
        approved_by=row["approved_by"],
        hands=tuple(hands),
    )


def server(row: Row, steps: Sequence[StepRecord], proofs: Sequence[Proof]) -> ServerRecord:
    """A server of a run, with its steps and proofs."""
    return ServerRecord(
        name=row["server"],
        state=ServerState(row["state"]) if row["state"] else None,
        reason=row["reason"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outage_seconds=row["outage_seconds"],
        is_closed=row["is_closed"],
        steps=tuple(steps),
        proofs=tuple(proofs),
        wave=row["wave"],
    )


def of_step(step: Step) -> dict[str, object]:
    """Columns of a step that is intended."""
    return {
        "step_id": step.id,
        "action": step.action.value,
        "script": step.script,
        "script_sha256": step.script_sha256,
        "path": step.path,
        "arguments": json.dumps(step.arguments),
        "before": step.before,
        "after": step.after,
    }


def step(row: Row, priors: Sequence[Prior], attempts: Sequence[Attempt]) -> StepRecord:
    """A step with its history."""
    return StepRecord(
        number=row["number"],
        step=Step(
            id=row["step_id"],
            action=Action(row["action"]),
            script=row["script"],
            script_sha256=row["script_sha256"],
            path=row["path"],
            arguments=tuple((name, _tupled(value)) for name, value in json.loads(row["arguments"])),
            before=row["before"],
            after=row["after"],
        ),
        state=StepState(row["state"]),
        priors=tuple(priors),
        attempts=tuple(attempts),
    )


def attempt(row: Row) -> Attempt:
    """One move of a step."""
    return Attempt(row["at"], StepState(row["state"]), row["message"], row["error"])


def of_prior(prior: Prior) -> dict[str, object]:
    """Columns of a property as it was."""
    return {
        "path": prior.path,
        "name": prior.name,
        "value": json.dumps(prior.value),
        "is_explicit": prior.is_explicit,
        "inherited_from": prior.inherited_from,
    }


def prior(row: Row) -> Prior:
    """A property as it was."""
    return Prior(row["path"], row["name"], _tupled(json.loads(row["value"])), row["is_explicit"], row["inherited_from"])


def of_proof(proof: Proof) -> dict[str, object]:
    """Columns of a proof."""
    return {
        "origin": proof.origin,
        "target": proof.target,
        "probe": proof.probe.value,
        "verdict": proof.verdict.value,
        "at": proof.at,
        "cause": proof.cause,
        "status": proof.status,
        "latency_ms": proof.latency_ms,
        "evidence": proof.evidence,
        "attempts": proof.attempts,
    }


def proof(row: Row) -> Proof:
    """A proof."""
    return Proof(
        origin=row["origin"],
        target=row["target"],
        probe=Probe(row["probe"]),
        verdict=Verdict(row["verdict"]),
        at=row["at"],
        cause=row["cause"],
        status=row["status"],
        latency_ms=row["latency_ms"],
        evidence=row["evidence"],
        attempts=row["attempts"],
    )


def second_look(row: Row) -> SecondLook:
    """A look that is due, or was taken."""
    taken: datetime | None = row["taken_at"]
    return SecondLook(row["run_id"], row["server"], row["due_at"], taken)


def of_approval(approval: Approval) -> dict[str, object]:
    """Columns of an approval, without its time."""
    return {
        "plan_hash": approval.plan_hash,
        "approver": approval.by,
        "change": approval.change,
        "account": approval.account,
        "host": approval.host,
    }


def approval(row: Row) -> Approval:
    """An approval."""
    return Approval(row["plan_hash"], row["approver"], row["change"], row["at"], row["account"], row["host"])


def _tupled(value: Any) -> Any:
    """JSON has lists where the model has tuples."""
    found: Value = tuple(value) if isinstance(value, list) else value
    return found
