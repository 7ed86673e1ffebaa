"""What is owed to the servers that a run holds: how far each one has come, by its steps and proofs."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from agent.model import Action, Debt, DebtKind, RunRecord, ServerRecord, ServerState, StepState

WORDS = {
    DebtKind.CHANGED_NOT_RESTARTED: "changed, and no restart of IIS is on record since",
    DebtKind.RESTARTED_NOT_PROVED: "changed and IIS restarted, but the proxy path is not proved",
    DebtKind.NOT_SETTLED: "begun, and not finished: the server is still held",
}
"""In the operator's words; what is unknown is said with the step."""


def of_runs(runs: Iterable[RunRecord]) -> Iterator[Debt]:
    """The debts of these runs, server by server."""
    for run in runs:
        for server in run.servers:
            if not server.is_closed:
                yield _debt(run, server)


def _debt(run: RunRecord, server: ServerRecord) -> Debt:
    kind = _kind(server)
    words = _unknown(server) if kind is DebtKind.UNKNOWN else WORDS[kind]
    return Debt(run.id, server.name, kind, words, _since(run, server))


def _kind(server: ServerRecord) -> DebtKind:
    if (server.state is ServerState.UNKNOWN and not server.steps) or _open_steps(server):
        return DebtKind.UNKNOWN
    if not _did(server, Action.CLEAR) or server.state is ServerState.CHANGED:
        return DebtKind.NOT_SETTLED
    return DebtKind.RESTARTED_NOT_PROVED if _did(server, Action.RESTART) else DebtKind.CHANGED_NOT_RESTARTED


def _did(server: ServerRecord, action: Action) -> bool:
    return any(each.step.action is action and each.state is StepState.DONE for each in server.steps)


def _open_steps(server: ServerRecord) -> list[str]:
    return [each.step.id for each in server.steps if not each.state.is_settled]


def _unknown(server: ServerRecord) -> str:
    steps = _open_steps(server)
    return f"not known whether it was done: {', '.join(steps)}" if steps else "not known how it stands"


def _since(run: RunRecord, server: ServerRecord) -> datetime:
    """When something was last written about it."""
    moves = [attempt.at for each in server.steps for attempt in each.attempts]
    return max(moves, default=server.started_at or run.started_at)
