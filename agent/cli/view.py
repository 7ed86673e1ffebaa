"""Owns what a command prints on standard output: one JSON document, or the same facts for a person."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, dropwhile
from typing import TextIO

import click

from agent.cli.options import Options
from agent.exits import MEANING
from agent.model import Change, Probe, Proof, ServerState, StepRecord, Verdict
from agent.outcome import Outcome, ServerOutcome
from agent.report import text
from agent.report.document import document
from agent.siblings import breaks_the_path

COLORS = {
    ServerState.RIGHT: "green",
    ServerState.CHANGED: "green",
    ServerState.PENDING: "yellow",
    ServerState.SKIPPED: "cyan",
    ServerState.ROLLED_BACK: "magenta",
    ServerState.FAILED: "red",
    ServerState.UNREACHABLE: "red",
    ServerState.UNKNOWN: "red",
    ServerState.REVERTED: "red",
}


def show(
    outcome: Outcome,
    options: Options,
    next_step: str = "",
    notes: Sequence[str] = (),
    words: str = "",
    *,
    times: bool = False,
) -> int:
    """Print the answer; gives the exit code.

    For a person `notes` precede the summary, `words` stand for no servers, and with `times` it is told when each step
    was taken and how long it took.
    """
    outcome = replace(outcome, servers=tuple(_typed(each, options) for each in outcome.servers))
    if options.json:
        print(json.dumps(document(outcome), indent=2, ensure_ascii=False))
    else:
        width, verbose = _width(sys.stdout), options.verbosity > 0
        facts = _facts(outcome, color=wants_color(options), verbose=verbose, width=width, times=times)
        for line in dropwhile(lambda line: not line, chain(facts, notes, _summary(outcome, words))):
            print(line)
        if next_step:
            print(f"\nNext: {next_step}")
    return int(outcome.exit_code)


def _typed(found: ServerOutcome, options: Options) -> ServerOutcome:
    """The commands that are named can be typed as they stand."""
    return replace(found, reason=options.typed(found.reason), next_step=options.typed(found.next_step))


def wants_color(options: Options) -> bool:
    """Colours at a terminal, unless told otherwise (no-color.org)."""
    return options.color and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def question(outcome: Outcome) -> Iterator[str]:
    """What precedes a question at the terminal: the same facts, without a summary."""
    return _facts(outcome, width=_width(sys.stderr))


def lines(outcome: Outcome, *, color: bool = False, verbose: bool = False, width: int | None = None) -> Iterator[str]:
    """The answer for a person, server by server, and a summary; wrapped where the `width` of a screen is given."""
    yield from _facts(outcome, color=color, verbose=verbose, width=width)
    yield from _summary(outcome)


def _summary(outcome: Outcome, words: str = "") -> Iterator[str]:
    counts = Counter(str(found.state) for found in outcome.servers)
    words = ", ".join(f"{count} {state}" for state, count in counts.items()) or words or "no servers"
    yield ""
    run = f"run {outcome.run}: " if outcome.run else ""
    yield f"{run}{words}. Exit code {int(outcome.exit_code)}: {MEANING[outcome.exit_code]}."


def _facts(
    outcome: Outcome, *, color: bool = False, verbose: bool = False, width: int | None = None, times: bool = False
) -> Iterator[str]:
    longest = max((len(found.name) for found in outcome.servers), default=0)
    for found in outcome.servers:
        state = f"{found.state:<11}"
        lead = f"{found.name:<{longest}}  {click.style(state, fg=COLORS[found.state]) if color else state}  "
        hanging = " " * (longest + 15)
        yield lead + _wrapped(found.reason, width, hanging).removeprefix(hanging)
        for detail in _details(found, verbose=verbose, times=times):
            yield _wrapped(detail, width, " " * (longest + 2))
    for warning in _warnings(outcome):
        yield ""
        yield _wrapped(warning, width, "")


def _wrapped(words: str, width: int | None, indent: str) -> str:
    """Indented; on a screen also broken at spaces, what follows two columns further in."""
    if width is None:
        return indent + words
    deeper = indent + "  " if len(indent) < 15 else indent
    room = max(width, len(indent) + 30)
    return textwrap.fill(
        words,
        room,
        initial_indent=indent,
        subsequent_indent=deeper,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def _width(stream: TextIO) -> int | None:
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _details(found: ServerOutcome, *, verbose: bool, times: bool) -> Iterator[str]:
    if times and (when := text.of_server(found)):
        yield when
    for change in found.directories:
        yield _change(change)
    if found.impact and found.impact.services:
        yield f"{found.impact.method} interrupts: {', '.join(found.impact.services)}"
    for obstacle in found.obstacles:
        if obstacle.is_overridden:
            yield f"overridden by {obstacle.guard}: {obstacle.reason}"
        elif found.state is ServerState.SKIPPED:
            yield f"to do it all the same, set guards.{obstacle.guard}: true for this server"
    for sibling in found.siblings:
        if sibling.article and breaks_the_path(sibling):
            yield f"see {sibling.article}: {sibling.name}"
    for record in found.steps:
        yield from _step(record, verbose=verbose, times=times)
    yield from (_then("before the change", proof) for proof in _latest(found.proof_before))
    yield from (_then("before it was put back", proof) for proof in _latest(found.proof_past))
    yield from (_proof(proof) for proof in _latest(found.proof))
    if found.outage_seconds is not None:
        yield f"outage: {found.outage_seconds:.1f} s, while IIS restarted"
    if found.next_step and found.next_step not in found.reason:
        yield f"next: {found.next_step}"


def _warnings(outcome: Outcome) -> Iterator[str]:
    """What is worth knowing about many servers, said once."""
    found: dict[tuple[str, str], list[str]] = {}
    for server in outcome.servers:
        for sibling in server.siblings:
            if not breaks_the_path(sibling):
                names = found.setdefault((sibling.name, sibling.next_step), [])
                names += [] if server.name in names else [server.name]
    for (name, next_step), names in found.items():
        yield f"warning: {name} on {', '.join(names)}. {next_step}"


def _change(change: Change) -> str:
    origin = "its own" if change.is_explicit else f"inherited from {change.inherited_from or 'the default'}"
    if change.before == change.after:
        return f"{change.path}  {change.before.meaning} ({origin})"
    return f"{change.path}  {change.before.meaning} ({origin}) -> {change.after.meaning}"


def _step(record: StepRecord, *, verbose: bool, times: bool) -> Iterator[str]:
    message = next((each.message for each in reversed(record.attempts) if each.message), "")
    when = f"  {text.of_step(record)}" if times else ""
    yield f"{record.step.id:<12}  {record.state}{when}" + (f"  {message}" if message else "")
    if verbose:
        for each in record.attempts:
            yield f"    {each.at:%H:%M:%S}  {each.state}  {each.error} {each.message}".rstrip()


def _latest(proofs: tuple[Proof, ...]) -> list[Proof]:
    """The last answer to each question; each key of the metabase is a question of its own."""
    found: dict[tuple[str, str, str], Proof] = {}
    for each in proofs:
        subject = each.evidence.partition(" ")[0] if each.probe is Probe.METABASE else ""
        found[(each.probe, each.origin, subject)] = each
    return list(found.values())


def _then(when: str, proof: Proof) -> str:
    cause = f"{proof.cause}: " if proof.cause else ""
    return f"{when}, {proof.probe} from {proof.origin}: {proof.verdict}: {cause}{proof.evidence}"


def _proof(proof: Proof) -> str:
    took = f", {proof.latency_ms:.0f} ms" if proof.latency_ms is not None else ""
    word = {Verdict.GOOD: "proved", Verdict.BAD: "not mended", Verdict.UNKNOWN: "not known"}[proof.verdict]
    cause = f" {proof.cause}:" if proof.cause else ""
    return f"{proof.probe} from {proof.origin}: {word}{took}:{cause} {proof.evidence}"
