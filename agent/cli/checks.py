"""Owns what `doctor` prints: one JSON document, or the lines that failed, with how to mend them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from agent.cli.options import Options
from agent.cli.view import wants_color
from agent.doctor import Check, Grade, Health, Kind
from agent.doctor.check import WORST
from agent.doctor.refusal import NOT_ASKED
from agent.exits import Exit
from agent.model import ServerState
from agent.outcome import Outcome, ServerOutcome
from agent.report.document import document

COLORS = {Grade.GOOD: "green", Grade.WARN: "yellow", Grade.BAD: "red", Grade.UNKNOWN: "magenta"}
WORDS = {Grade.GOOD: "ready", Grade.WARN: "ready", Grade.BAD: "not ready", Grade.UNKNOWN: "cannot tell"}
CODES = {Grade.GOOD: Exit.OK, Grade.WARN: Exit.OK, Grade.BAD: Exit.FAILED, Grade.UNKNOWN: Exit.UNCERTAIN}
MEANING = {
    Exit.OK: "ready",
    Exit.FAILED: "something is bad",
    Exit.UNCERTAIN: "something could not be told",
}
_VERDICT = max(len(grade) for grade in Grade)


def show(healths: Sequence[Health], options: Options) -> int:
    """Print the answer; gives the exit code."""
    outcome = outcome_of(healths)
    if options.json:
        print(json.dumps(as_document(outcome, healths), indent=2, ensure_ascii=False))
    else:
        for line in lines(healths, outcome.exit_code, color=wants_color(options), verbose=options.verbosity > 0):
            print(line)
    return int(outcome.exit_code)


def outcome_of(healths: Sequence[Health]) -> Outcome:
    """The same in the words of every other command: a state a server, and the exit code."""
    servers = tuple(_server(health) for health in healths if health.kind is not Kind.WORKSTATION)
    return Outcome("doctor", servers, codes=tuple(CODES[health.verdict] for health in healths))


def as_document(outcome: Outcome, healths: Sequence[Health]) -> dict[str, Any]:
    """The usual envelope; this workstation beside the servers, and under each its checks."""
    found = document(outcome)
    by_name = {health.subject: health for health in healths}
    for server in found["servers"]:
        health = by_name[server["name"]]
        server |= {"kind": str(health.kind), "checks": [_check(health.subject, check) for check in health.checks]}
    servers = found.pop("servers")
    here = next(health for health in healths if health.kind is Kind.WORKSTATION)
    workstation = {"verdict": str(here.verdict), "checks": [_check(here.subject, check) for check in here.checks]}
    return {**found, "workstation": workstation, "servers": servers}


def lines(healths: Sequence[Health], code: Exit, *, color: bool, verbose: bool) -> Iterator[str]:
    """The answer for a person, subject by subject, and a count."""
    width = max(len(health.subject) for health in healths)
    for health in healths:
        verdict = WORDS[health.verdict]
        painted = click.style(verdict, fg=COLORS[health.verdict]) if color else verdict
        yield f"{health.subject:<{width}}  {painted}  {_count([health])}"
        yield from _details(health, color=color, verbose=verbose)
    yield ""
    yield f"{_count(healths)}. Exit code {int(code)}: {MEANING[code]}."


def _details(health: Health, *, color: bool, verbose: bool) -> Iterator[str]:
    """Each line that failed and its cure; checks that could only not be made because of it are one line."""
    shown = [check for check in health.checks if verbose or check.verdict is not Grade.GOOD]
    silent = [check for check in shown if check.evidence.startswith(NOT_ASKED) and not verbose]
    width = max((len(check.name) for check in shown), default=0)
    for check in (check for check in shown if check not in silent):
        verdict = f"{check.verdict:<{_VERDICT}}"
        painted = click.style(verdict, fg=COLORS[check.verdict]) if color else verdict
        yield f"  {painted}  {check.name:<{width}}  {check.evidence}"
        if check.mend:
            yield f"  {'':<{_VERDICT}}  {'':<{width}}  -> {check.mend}"
    if silent:
        verdict = f"{Grade.UNKNOWN:<{_VERDICT}}"
        painted = click.style(verdict, fg=COLORS[Grade.UNKNOWN]) if color else verdict
        yield f"  {painted}  {silent[0].evidence}: {', '.join(check.name for check in silent)}"


def _count(healths: Sequence[Health]) -> str:
    counts = Counter(check.verdict for health in healths for check in health.checks)
    words = [f"{counts[grade]} {grade}" for grade in Grade if counts[grade]]
    total = sum(counts.values())
    return f"{total} check{'s' if total != 1 else ''}: {', '.join(words)}"


def _server(health: Health) -> ServerOutcome:
    failed = [check for check in health.checks if check.verdict is not Grade.GOOD]
    first = min(failed, key=lambda check: WORST.index(check.verdict), default=None)
    state = _state(health)
    reason = f"{first.name}: {first.evidence}" if first and state is not ServerState.RIGHT else "ready"
    return ServerOutcome(health.subject, state, reason, next_step=first.mend if first else "")


def _state(health: Health) -> ServerState:
    logon = next((check for check in health.checks if check.name == "logon"), None)
    if logon is not None and logon.verdict is not Grade.GOOD:
        return ServerState.UNREACHABLE
    match health.verdict:
        case Grade.BAD:
            return ServerState.FAILED
        case Grade.UNKNOWN:
            return ServerState.UNKNOWN
    return ServerState.RIGHT


def _check(subject: str, check: Check) -> dict[str, str]:
    return {
        "subject": subject,
        "check": check.name,
        "verdict": str(check.verdict),
        "evidence": check.evidence,
        "mend": check.mend,
    }
