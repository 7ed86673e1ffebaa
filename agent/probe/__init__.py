"""Owns the question to the proxy path: OPTIONS over plain HTTP, from here or from a proxy, and the proof it makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.model import Probe, Proof, Record, Server
from agent.probe.answer import PATH, Answer, Trouble
from agent.probe.ask import ask
from agent.probe.judge import NEXT_STEPS, Judgement, judge
from agent.probe.talk import USER_AGENT
from agent.sane import duration

# System.Net.WebExceptionStatus: how .NET names what went wrong before there was an answer.
_FAILURES = {
    "NameResolutionFailure": Trouble.NAME,
    "Timeout": Trouble.TIMED_OUT,
    "ConnectFailure": Trouble.REFUSED,
    "ServerProtocolViolation": Trouble.NO_HTTP,
    "MessageLengthLimitExceeded": Trouble.NO_HTTP,
}


def probe(
    server: Server,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    *,
    seconds: float = 15.0,
    path: str = PATH,
    marker: str = USER_AGENT,
) -> Proof:
    """Ask the server from this machine."""
    answer = ask(server.address, server.http_port, server.fqdn, monotonic, seconds=seconds, path=path, marker=marker)
    return proof("agent", server.name, answer, now())


def hop(proxy: str, target: str, record: Record, at: datetime) -> Proof:
    """What a proxy's script found when it asked: judged as if asked from here."""
    return proof(proxy, target, answer_of(record), at)


def proof(origin: str, target: str, answer: Answer, at: datetime) -> Proof:
    """The proof that an answer makes."""
    judgement = judge(answer)
    return Proof(
        origin=origin,
        target=target,
        probe=Probe.HOP,
        verdict=judgement.verdict,
        at=at,
        cause=judgement.cause,
        status=answer.status,
        latency_ms=answer.latency_ms,
        evidence=judgement.evidence,
    )


def answer_of(record: Record) -> Answer:
    """The answer that a record of kind "hop" tells of; see playbooks/eas-require-ssl/hop.ps1."""
    status, failure = _status(record.get("Status")), _text(record, "Failure")
    offered = record.get("Authenticate") or ()
    return Answer(
        status=status,
        authenticate=(offered,) if isinstance(offered, str) else _texts(offered),
        location=_text(record, "Location"),
        server=_text(record, "Server"),
        body=_text(record, "Body"),
        trouble=None if status is not None else _FAILURES.get(failure, Trouble.BROKEN_OFF),
        message=": ".join(part for part in (failure, _text(record, "Message")) if part),
        latency_ms=duration(record.get("Milliseconds")),
    )


def _status(value: object) -> int | None:
    """A status of HTTP (RFC 9110 15), or None for anything else."""
    return value if isinstance(value, int) and 100 <= value <= 999 else None


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _texts(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in values) if isinstance(values, list | tuple) else ()


__all__ = ["NEXT_STEPS", "PATH", "Answer", "Judgement", "Trouble", "answer_of", "ask", "hop", "judge", "probe", "proof"]
