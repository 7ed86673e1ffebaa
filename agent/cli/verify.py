"""The command `verify`: ask the proxy path again, and take the second look of a run; changes nothing on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.names import runs
from agent.cli.options import Options, globals_
from agent.cli.select import selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.journal import OpenRun
    from agent.model import Proof, RunRecord, Server, ServerState
    from agent.outcome import Outcome, ServerOutcome


LOOKED_AT = frozenset({"changed", "reverted", "failed", "unknown"})
"""States of a run's servers that the second look asks about."""


@click.command("verify")
@click.argument("run", required=False, default="", shell_complete=runs)
@click.option("--take-over", is_flag=True, help="The run's process certainly no longer runs.")
@selection
@globals_
def command(
    options: Options, run: str, take_over: bool, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool
) -> int:
    """Read the flags and ask the proxy path, from here, from each proxy and through it, until it answers well.

    \b
    easfix verify
    easfix verify --limit EX01
    easfix verify last

    Reads only. Where a server has a test_user, each proxy is asked as a phone would: OPTIONS and FolderSync over HTTPS.
    The grid shows every proxy against every server, and the causes where a path does not work.

    With RUN it looks at the servers that the run changed, which is the second look that a run asks for:
    Active Directory may have put a flag back, and such a server is `reverted`.
    """
    from agent.cli import grid
    from agent.cli.session import Session
    from agent.cli.view import show, wants_color
    from agent.errors import UsageError

    if run and (skip or beyond_max_servers):
        raise UsageError("with RUN, the servers are those of the run", next_step="Name some of them with --limit.")
    with Session(options) as session:
        if run:
            outcome = second_look(session, run, limit, forced=take_over)
        else:
            servers = session.servers(limit, skip, beyond_cap=beyond_max_servers)
            outcome = _answer(session, servers)
        code = show(outcome, options)
        if not options.json:
            for line in grid.lines(outcome, color=wants_color(options)):
                print(line)
        return code


def _answer(session: Session, servers: Sequence[Server]) -> Outcome:
    """The servers' outcomes, and the grid of proxies and back-ends."""
    from agent.cli import grid
    from agent.outcome import Outcome

    found = _look(session, servers)
    outcome = Outcome("verify", tuple(each for _, each in found), codes=session.codes)
    return grid.survey(session, [grid.subject(decided, each.proof) for decided, each in found], outcome)


def _look(session: Session, servers: Sequence[Server]) -> list[tuple[Decided, ServerOutcome]]:
    from dataclasses import replace

    from agent.cli.looking import decide_all
    from agent.errors import ServerError, told_by
    from agent.fleet import over
    from agent.model import ServerState
    from agent.notice import Notice
    from agent.outcome import words_of

    session.unlock(servers)
    verifier = session.verifier()
    with session.progress(servers) as listen:
        decided = decide_all(session, servers, listen)

        def prove(each: Decided) -> ServerOutcome:
            if session.stop.is_set():
                return _unasked(each)
            listen(Notice(each.plan.server, "server.proving"))
            # A path that cannot be good is asked once; patience is for a server that has just been restarted.
            is_hopeless = each.plan.state is not ServerState.RIGHT
            try:
                with told_by(each.plan.server):
                    found = _judge(each, tuple(verifier.hops(each.looked.server, is_before=is_hopeless)))
            except ServerError as error:
                found = replace(each.outcome, state=ServerState.UNKNOWN, reason=words_of(error))
            listen(Notice(found.name, "server.concluded", message=f"{found.state}: {found.reason}"))
            return found

        return list(zip(decided, over(decided, prove, session.config.run.concurrency), strict=True))


def _unasked(each: Decided) -> ServerOutcome:
    from dataclasses import replace

    from agent.model import ServerState

    return replace(each.outcome, state=ServerState.SKIPPED, reason="stopped by the operator before it was asked")


def _judge(each: Decided, proofs: tuple[Proof, ...]) -> ServerOutcome:
    """What the look at the server and the answers of the path say together."""
    from dataclasses import replace

    from agent.model import ServerState, Verdict
    from agent.verify import sum_up

    found = replace(each.outcome, proof=proofs)
    summary = sum_up(proofs)
    if found.state is not ServerState.RIGHT:
        return replace(found, reason=f"{found.reason}; {summary.words}")
    match summary.verdict:
        case Verdict.BAD:
            return replace(found, state=ServerState.FAILED, reason=f"SSL is not the cause: {summary.words}")
        case Verdict.UNKNOWN:
            return replace(found, state=ServerState.UNKNOWN, reason=summary.words)
    return replace(found, reason=summary.words)


def second_look(session: Session, text: str, limit: tuple[str, ...], *, forced: bool) -> Outcome:
    """Look at what a run changed; a flag that came back is reverted, on record too."""
    from dataclasses import replace

    from agent.cli import grid
    from agent.cli.takeover import named
    from agent.cli.working import chosen, end, known, refuse_living, take_over

    name = named(session, text)
    record = session.journal.run(name)
    refuse_living(session, record, forced=forced)
    wanted = set(chosen(record, limit)) - {proxy.name for proxy in session.proxies}  # nothing on them can come back
    left_out = _left_out(session, record, wanted)
    was = {each.name: each.state for each in record.servers if each.state in LOOKED_AT and each.name in wanted}
    looked = known(session, sorted(was.keys() - {each.name for each in left_out}))
    led = {each.name: each.proxies if session.config.verify.from_proxies else () for each in looked}
    outcome = grid.before(session.journal, record, led, _answer(session, looked))
    if not looked:  # nothing is learnt about the run, so its record stays as it is
        return replace(outcome, servers=left_out, run=name)
    due = {each.server: each.due_at for each in session.journal.looks(name)}
    run = take_over(session, name, "verify", forced=forced)
    servers = [_concluded(session, run, each, was[each.name], due.get(each.name)) for each in outcome.servers]
    if record.ended_at is None:  # one that broke off is not over before it is resumed
        run.leave()
    else:
        end(session, run, record.command)
    return replace(outcome, servers=(*servers, *left_out), run=name)


def _concluded(
    session: Session, run: OpenRun, found: ServerOutcome, was: ServerState | None, due: datetime | None
) -> ServerOutcome:
    """What the look says of one server of the run, on record; a look is owed wherever the run left a change."""
    from dataclasses import replace

    from agent.cli.session import now
    from agent.model import ServerState
    from agent.outcome import came_back

    run.proved(found.name, found.proof)
    early = due is not None and due > now()
    if was not in (ServerState.CHANGED, ServerState.REVERTED) and due is None:
        if found.state is ServerState.RIGHT:
            run.conclude(found.name, found.state, f"looked at again: {found.reason}")
        return found
    if any(change.before.blocks_proxy for change in found.directories):
        found = replace(found, state=ServerState.REVERTED, reason=came_back(found.reason))
    elif found.state is ServerState.RIGHT:
        said = "the second look is still due" if early else "second look taken"
        found = replace(found, state=ServerState.CHANGED, reason=f"{found.reason}; {said}")
    elif not (was is found.state is ServerState.FAILED):
        return found
    run.conclude(found.name, found.state, found.reason)
    if not early and found.state is not ServerState.REVERTED:  # the flag has stayed, whatever else is wrong
        session.journal.took_look(run.id, found.name)
    return found


def _left_out(session: Session, record: RunRecord, wanted: set[str]) -> tuple[ServerOutcome, ...]:
    """The servers of a run of which a look would say nothing about the run, each with why."""
    from dataclasses import replace

    from agent.model import ServerState
    from agent.outcome import of_record

    found = []
    for each in record.servers:
        if each.name not in wanted:
            continue
        outcome = of_record(each)
        newer = session.journal.newer_change(record.id, each.name)
        if not each.is_closed:
            hint = f"easfix resume {record.id} first"
            outcome = replace(outcome, state=ServerState.UNKNOWN, next_step=hint)
        elif newer and each.state is not ServerState.ROLLED_BACK:
            session.journal.took_look(record.id, each.name)
            why = f"run {newer} has changed it since"
            outcome = replace(outcome, state=ServerState.SKIPPED, reason=why, next_step=f"easfix verify {newer}")
        elif each.state is ServerState.ROLLED_BACK:
            why = "it was put back, so nothing of this run is left to look at"
            outcome = replace(
                outcome, state=ServerState.SKIPPED, reason=why, next_step=f"easfix check --limit {each.name}"
            )
        else:
            continue
        found.append(outcome)
    return tuple(found)
