"""Owns the grid of an answer: every proxy against every back-end, as a plain table and for the JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from agent.model import ServerState, Sibling

if TYPE_CHECKING:
    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.decoder import Diagnosis
    from agent.journal import Journal
    from agent.model import Proof, RunRecord, ServerRecord
    from agent.outcome import Outcome, ServerOutcome
    from agent.survey import Cell, Subject

COLORS = {"works": "green", "reaches": "cyan", "broken": "red", "unknown": "yellow"}
"""By the word of agent.survey.CellState, which is loaded when there is a grid."""

_WIDEST = 30
BEHIND = frozenset({"block-legacy", "proxy-down", "address-refused"})
"""Causes that the look at a server does not show."""


def subject(each: Decided, proofs: tuple[Proof, ...] = ()) -> Subject:
    """What a look and the answers of the path say of one server."""
    from agent.errors import Unreachable
    from agent.survey import Subject

    looked = each.looked
    return Subject(looked.server, looked.finding, proofs, isinstance(looked.error, Unreachable))


def survey(session: Session, subjects: Sequence[Subject], outcome: Outcome) -> Outcome:
    """The answer with its grid; unchanged where no proxy is asked."""
    proxies = session.proxies if session.config.verify.from_proxies else ()
    if not proxies or session.stop.is_set():
        return outcome
    surveyor = session.surveyor()
    cells = surveyor.grid(subjects, proxies)
    outcome = replace(outcome, servers=tuple(_judged(each, cells) for each in outcome.servers))
    return _having(outcome, cells, grid=[_document(cell) for cell in cells], not_read=list(surveyor.doubts))


def before(journal: Journal, run: RunRecord, led: Mapping[str, Sequence[str]], outcome: Outcome) -> Outcome:
    """The answer with the grid as the run found it: what it read and was answered before it wrote anything.

    `led` are the servers to be shown, each with the proxies that lead to it where the run has asked none itself.
    """
    from agent.outcome import proofs_before

    cells = _recorded(journal, run, led, proofs_before)
    return _having(outcome, [], grid_before=[_document(cell) for cell in cells]) if cells else outcome


def after(run: RunRecord, led: Mapping[str, Sequence[str]], outcome: Outcome) -> Outcome:
    """The answer with the grid as the last look of the run has left it, from the record alone."""
    from agent.outcome import proofs_after

    cells = _recorded(None, run, led, proofs_after)
    return _having(outcome, [], grid=[_document(cell) for cell in cells]) if cells else outcome


def _recorded(
    journal: Journal | None,
    run: RunRecord,
    led: Mapping[str, Sequence[str]],
    proofs: Callable[[ServerRecord], tuple[Proof, ...]],
) -> list[Cell]:
    """A cell for every proxy that was asked about a server of the run, whatever the configuration says by now."""
    from agent.model import Server
    from agent.survey import Subject, recorded

    subjects = []
    for each in run.servers:
        if each.name in led:
            found = proofs(each)
            origins = tuple(dict.fromkeys(proof.origin for proof in found if proof.origin != "agent"))
            origins = origins or tuple(led[each.name])
            findings = journal.findings(run.id, each.name) if journal else ()
            server = Server(each.name, "", each.name, proxies=origins)
            subjects.append(Subject(server, findings[0] if findings else None, found))
    return recorded(subjects)


def forewarn(session: Session, decided: Sequence[Decided], outcome: Outcome) -> Outcome:
    """What would keep phones out although the flags were cleared, said before anything is changed.

    The back-end's own settings are siblings already; this adds what the proxies say, and whom the directory admits.
    The state stays what the server's own settings make it, as plan and apply have it; verify is what fails.
    """
    proxies = session.proxies if session.config.verify.from_proxies else ()
    if not proxies or session.stop.is_set():
        return outcome
    subjects = [subject(each) for each in decided if each.looked.finding is not None]
    if not subjects:
        return outcome
    surveyor = session.surveyor()
    cells = surveyor.before(subjects, proxies)
    servers = tuple(_forewarned(each, cells) for each in outcome.servers)
    return replace(outcome, servers=servers, extra={**outcome.extra, "not_read": list(surveyor.doubts)})


def _forewarned(found: ServerOutcome, cells: Sequence[Cell]) -> ServerOutcome:
    named: dict[str, tuple[Diagnosis, list[str]]] = {}
    for cell in cells:
        for each in cell.diagnoses if cell.target == found.name else ():
            if each.cause.name in BEHIND:
                named.setdefault(each.cause.name, (each, []))[1].append(cell.proxy)
    if not named or found.state not in (ServerState.PENDING, ServerState.RIGHT, ServerState.FAILED):
        return found
    words = "; ".join(
        f"{each.evidence[0]} (through {', '.join(through)}). {each.cause.next_step}" for each, through in named.values()
    )
    only = "only " if found.state is ServerState.PENDING else ""
    lead = f"{found.reason}. SSL is not the {only}cause"
    added = tuple(
        Sibling(each.cause.name, each.evidence[0], each.cause.next_step, each.cause.article)
        for each, _ in named.values()
    )
    return replace(found, reason=f"{lead}: {words}", siblings=(*found.siblings, *added))


def lines(outcome: Outcome, *, color: bool = False) -> Iterator[str]:
    """The tables, and each cause once with the pairs it is true of."""
    earlier, now = outcome.extra.get("grid_before"), outcome.extra.get("grid")
    latest = "at the last look" if outcome.command == "show" else "now"
    for title, cells in (("before the run", earlier), (latest, now)):
        if isinstance(cells, list) and cells:
            yield ""
            yield f"proxy path {title}: {len(cells)} pair{'s'[: len(cells) != 1]}"
            yield from _table(cells, color=color)
    if isinstance(now, list):
        yield from _causes(now)
    doubts = outcome.extra.get("not_read")
    if isinstance(doubts, list) and doubts:
        yield ""
        yield from (f"could not be read: {doubt}" for doubt in doubts)


def _table(cells: list[dict[str, Any]], *, color: bool) -> Iterator[str]:
    """Back-ends down, proxies across."""
    proxies = list(dict.fromkeys(cell["from"] for cell in cells))
    targets = list(dict.fromkeys(cell["to"] for cell in cells))
    words = {(cell["from"], cell["to"]): _word(cell) for cell in cells}
    states = {(cell["from"], cell["to"]): cell["state"] for cell in cells}
    first = max(len(target) for target in targets)
    widths = {proxy: max(len(proxy), *(len(words.get((proxy, each), "")) for each in targets)) for proxy in proxies}
    yield " " * first + "".join(f"  {proxy:<{widths[proxy]}}" for proxy in proxies).rstrip()
    for target in targets:
        parts = []
        for proxy in proxies:
            text = f"{words.get((proxy, target), '-'):<{widths[proxy]}}"
            state = states.get((proxy, target))
            parts.append(click.style(text, fg=COLORS[state]) if color and state else text)
        yield f"{target:<{first}}  " + "  ".join(parts).rstrip()


def _word(cell: dict[str, Any]) -> str:
    """The first cause and how many more; the state where there is none."""
    causes = cell["causes"]
    if not causes:
        return str(cell["state"])
    mark = "" if causes[0]["certainty"] == "certain" else "?"
    more = f" +{len(causes) - 1}" if len(causes) > 1 else ""
    return f"{causes[0]['cause'][:_WIDEST]}{mark}{more}"


def _causes(cells: list[dict[str, Any]]) -> Iterator[str]:
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for cell in cells:
        for each in cell["causes"]:
            found.setdefault(each["cause"], (each, []))[1].append(f"{cell['from']} -> {cell['to']}")
    for name, (each, pairs) in found.items():
        article = f" See {each['article']}." if each["article"] else ""
        yield ""
        yield f"{name}: {each['meaning']}{article}"
        yield f"  next: {each['next_step']}"
        if each["certainty"] != "certain" and each["tells_apart"]:
            yield f"  what would tell: {each['tells_apart']}"
        yield f"  on: {', '.join(pairs[:6])}{f' and {len(pairs) - 6} more' if len(pairs) > 6 else ''}"
        yield f"  evidence: {each['evidence'][0]}"


def _judged(found: ServerOutcome, cells: Sequence[Cell]) -> ServerOutcome:
    """A server that is right as far as it can tell has failed where phones cannot come through one of its proxies."""
    broken = [each for each in cells if each.target == found.name and each.state == "broken"]
    if found.state is not ServerState.RIGHT or not broken:
        return found
    words = "; ".join(f"through {each.proxy}: {_named(each)}" for each in broken)
    return replace(found, state=ServerState.FAILED, reason=f"SSL is not the cause: {words}. {found.reason}")


def _named(cell: Cell) -> str:
    return ", ".join(each.cause.name for each in cell.diagnoses) or "broken"


def _having(outcome: Outcome, cells: Sequence[Cell], **extra: object) -> Outcome:
    events: dict[str, list[Proof]] = {}
    for cell in cells:
        events.setdefault(cell.target, []).extend(cell.events)
    servers = tuple(replace(each, proof=(*each.proof, *events.get(each.name, ()))) for each in outcome.servers)
    return replace(outcome, servers=servers, extra={**outcome.extra, **extra})


def _document(cell: Cell) -> dict[str, Any]:
    return {
        "from": cell.proxy,
        "to": cell.target,
        "state": str(cell.state),
        "causes": [_cause(each) for each in cell.diagnoses],
    }


def _cause(each: Diagnosis) -> dict[str, Any]:
    return {
        "cause": each.cause.name,
        "certainty": str(each.certainty),
        "meaning": each.cause.meaning,
        "next_step": each.cause.next_step,
        "article": each.cause.article,
        "tells_apart": each.cause.tells_apart,
        "evidence": list(each.evidence),
    }
