"""The command `verify`: ask the proxy path again, and take the second look of a run; changes nothing on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.looking import Decided
    from agent.cli.session import Session
    from agent.model import Proof, Server
    from agent.outcome import Outcome, ServerOutcome


@click.command("verify")
@click.argument("run", required=False, default="")
@click.option("--take-over", is_flag=True, help="The run's process certainly no longer runs.")
@selection
@globals_
def command(
    options: Options, run: str, take_over: bool, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool
) -> int:
    """Read the flags and ask the proxy path, from here and from each proxy, until it answers well or patience ends.

    \b
    easfix verify
    easfix verify --limit EX01
    easfix verify last

    Reads only. With RUN it looks at the servers that the run changed, which is the second look that a run asks for:
    Active Directory may have put a flag back, and such a server is `reverted`.
    """
    from agent.cli.session import Session
    from agent.cli.view import show
    from agent.errors import UsageError

    if run and (skip or beyond_max_servers):
        raise UsageError("with RUN, the servers are those of the run", next_step="Name some of them with --limit.")
    with Session(options) as session:
        if run:
            outcome = _second_look(session, run, limit, forced=take_over)
        else:
            servers = session.servers(limit, skip, beyond_cap=beyond_max_servers)
            outcome = _answer(session, servers)
        return show(outcome, options)


def _answer(session: Session, servers: Sequence[Server]) -> Outcome:
    from agent.outcome import Outcome

    return Outcome("verify", tuple(_look(session, servers)), codes=session.codes)


def _look(session: Session, servers: Sequence[Server]) -> list[ServerOutcome]:
    from agent.cli.looking import decide_all
    from agent.fleet import over
    from agent.model import ServerState
    from agent.notice import Notice

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
            found = _judge(each, tuple(verifier.hops(each.looked.server, is_before=is_hopeless)))
            listen(Notice(found.name, "server.concluded", message=f"{found.state}: {found.reason}"))
            return found

        return over(decided, prove, session.config.run.concurrency)


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


def _second_look(session: Session, text: str, limit: tuple[str, ...], *, forced: bool) -> Outcome:
    """Look at what a run changed; a flag that came back is reverted, on record too."""
    from dataclasses import replace

    from agent.cli.session import now
    from agent.cli.working import chosen, end, known, refuse_living, take_over
    from agent.model import ServerState

    name = session.journal.find(text)
    record = session.journal.run(name)
    if not forced:
        refuse_living(record)
    looked_at = (ServerState.CHANGED, ServerState.REVERTED)
    names = {each.name for each in record.servers if each.state in looked_at} & set(chosen(record, limit))
    outcome = _answer(session, known(session, sorted(names)))
    due = {each.server: each.due_at for each in session.journal.looks(name)}
    run = take_over(session, name, forced=forced)
    servers = []
    for found in outcome.servers:
        run.proved(found.name, found.proof)
        if any(change.before.blocks_proxy for change in found.directories):
            hint = "clear the same bits in msExchAccessSSLFlags of its object in Active Directory"
            found = replace(found, state=ServerState.REVERTED, reason=f"the flag came back: {found.reason}; {hint}")
            run.conclude(found.name, found.state, found.reason)
        elif found.state is ServerState.RIGHT:
            early = due.get(found.name, now()) > now()
            said = "the second look is still due" if early else "second look taken"
            found = replace(found, state=ServerState.CHANGED, reason=f"{found.reason}; {said}")
            run.conclude(found.name, found.state, found.reason)
            if not early:
                session.journal.took_look(name, found.name)
        servers.append(found)
    end(session, run, record.command)
    return replace(outcome, servers=tuple(servers), run=name)
