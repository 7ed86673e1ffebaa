"""Owns the JSON document "easfix/1": the same shape for every command that answers."""

from __future__ import annotations

from typing import Any

from agent.model import Change, Proof, StepRecord
from agent.outcome import Outcome, ServerOutcome
from agent.report.text import taken

SCHEMA = "easfix/1"


def document(outcome: Outcome) -> dict[str, Any]:
    """The whole answer as plain values, ready for JSON."""
    return {
        "schema": SCHEMA,
        "command": outcome.command,
        "run": outcome.run,
        "exit_code": int(outcome.exit_code),
        **outcome.extra,
        "servers": [_server(found) for found in outcome.servers],
    }


def _server(found: ServerOutcome) -> dict[str, Any]:
    return {
        "name": found.name,
        "state": str(found.state),
        "reason": found.reason,
        "directories": [directory(change) for change in found.directories],
        "steps": [step(record) for record in found.steps],
        "proof": [proof(each) for each in found.proof],
        "proof_before": [proof(each) for each in found.proof_before],
        "proof_past": [proof(each) for each in found.proof_past],
        "obstacles": [
            {
                "guard": str(each.guard),
                "reason": each.reason,
                "instead": each.instead,
                "overridden": each.is_overridden,
            }
            for each in found.obstacles
        ],
        "siblings": [
            {"name": each.name, "evidence": each.evidence, "next_step": each.next_step, "article": each.article}
            for each in found.siblings
        ],
        "impact": (
            {"restart": str(found.impact.method), "services": list(found.impact.services)} if found.impact else None
        ),
        "started_at": found.started_at.isoformat() if found.started_at else None,
        "ended_at": found.ended_at.isoformat() if found.ended_at else None,
        "wave": found.wave,
        "outage_seconds": found.outage_seconds,
        "next_step": found.next_step,
    }


def directory(change: Change) -> dict[str, Any]:
    """One directory or child key: the full flag words, as numbers and in words."""
    return {
        "path": change.path,
        "before": int(change.before),
        "after": int(change.after),
        "explicit": change.is_explicit,
        "inherited_from": change.inherited_from,
        "before_meaning": change.before.meaning,
        "after_meaning": change.after.meaning,
    }


def step(record: StepRecord) -> dict[str, Any]:
    """One step with every move it made."""
    return {
        "id": record.step.id,
        "action": str(record.step.action),
        "state": str(record.state),
        "script": record.step.script,
        "script_sha256": record.step.script_sha256,
        "before": record.step.before,
        "after": record.step.after,
        "seconds": taken(record).total_seconds(),
        "attempts": [
            {"at": each.at.isoformat(), "state": str(each.state), "message": each.message, "error": each.error}
            for each in record.attempts
        ],
    }


def proof(each: Proof) -> dict[str, Any]:
    """One answer of the proxy path."""
    return {
        "from": each.origin,
        "to": each.target,
        "probe": str(each.probe),
        "verdict": str(each.verdict),
        "cause": each.cause,
        "status": each.status,
        "latency_ms": each.latency_ms,
        "at": each.at.isoformat(),
        "evidence": each.evidence,
        "attempts": each.attempts,
    }
