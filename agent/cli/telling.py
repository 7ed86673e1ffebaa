"""Owns who is told what: the few lines about a run or a tick, sent to those whom the configuration names."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from agent.exits import MEANING, Exit
from agent.model import ServerState

if TYPE_CHECKING:
    from agent.cli.session import Session
    from agent.config import Config
    from agent.logs import Redactor
    from agent.notify import Address, Message
    from agent.outcome import Outcome, ServerOutcome

SECONDS = 15.0
"""Longest time that telling people may hold up a command."""

NAMED = 8
"""Servers of one state that are named in a message; the others are counted."""

QUIET = frozenset({ServerState.RIGHT, ServerState.PENDING})
"""States that a run may leave all its servers in without anybody being told."""

GOOD = frozenset({ServerState.RIGHT, ServerState.CHANGED})


def tell_of_run(session: Session, outcome: Outcome, reason: str) -> None:
    """A run has come to its end: tell of changes, failures, an abort and of work left; never raises."""
    session.concluded.add(str(outcome.run))
    if session.config.notify and (message := of_run(session, outcome, reason)):
        tell(session.config, session.redactor, message)


def tell_of_abort(session: Session, run: str, error: BaseException) -> None:
    """A run was broken off by an error, and has no end."""
    if run in session.concluded or not session.config.notify:
        return
    from agent.errors import EasfixError
    from agent.notify import Message

    words = error.message if isinstance(error, EasfixError) else f"a defect of easfix: {type(error).__name__}"
    lines = [f"run {run} broke off: {words}", f"see: {session.options.line(f'resume {run}')}"]
    tell(session.config, session.redactor, Message(title("run broke off"), "\n".join(lines), is_bad=True))


def of_run(session: Session, outcome: Outcome, reason: str) -> Message | None:
    """What is told about a run; nothing where nothing was to be done."""
    from agent.notify import Message

    states = {found.state for found in outcome.servers}
    if states <= QUIET and Exit.INTERRUPTED not in outcome.codes:
        return None
    code = outcome.exit_code
    lines = [f"run {outcome.run}, {outcome.command}: exit code {int(code)}, {MEANING[code]}."]
    lines += by_state(outcome.servers)
    lines += [f"why: {reason}"] if reason else []
    lines.append(f"see: {session.options.line(f'show {outcome.run}')}")
    return Message(title(_headline(outcome)), "\n".join(lines), is_bad=code is not Exit.OK)


def by_state(servers: Iterable[ServerOutcome]) -> Iterator[str]:
    """A line for each state: which servers, and why where it is no good one."""
    found: dict[ServerState, list[ServerOutcome]] = {}
    for each in servers:
        found.setdefault(each.state, []).append(each)
    for state in sorted(found, key=lambda each: each in GOOD):
        named = [each.name for each in found[state][:NAMED]]
        more = len(found[state]) - len(named)
        why = "" if state in GOOD else f" ({_short(found[state][0].reason)})"
        yield f"{state}: {', '.join(named)}{f' and {more} more' if more else ''}{why}"


def tell(config: Config, redactor: Redactor, message: Message) -> None:
    """Tell everybody; who could not be told is said on standard error and in the log, and changes nothing else."""
    from dataclasses import replace

    from agent import logs, notify

    addresses, untold = _addresses(config, redactor)
    clean = replace(message, title=redactor.text(message.title), body=redactor.text(message.body))
    untold = (*untold, *notify.tell(clean, addresses, SECONDS))
    if len(untold) < len(config.notify):
        logs.get().info("notice.sent", title=message.title, receivers=len(config.notify) - len(untold))
    for words in untold:
        logs.get().warning("notice.unsent", title=message.title, detail=words)
        with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it any more
            print(redactor.text(f"easfix: a notification could not be sent: {words}"), file=sys.stderr, flush=True)


def _addresses(config: Config, redactor: Redactor) -> tuple[list[Address], Sequence[str]]:
    """The addresses that were found, from now on hidden everywhere; and the words for those that were not."""
    from agent.config import notice_address
    from agent.errors import SecretMissing
    from agent.notify import Address, secret_parts

    found, missing = [], []
    for index, entry in enumerate(config.notify):
        where = f"notify[{index}]"
        try:
            url = notice_address(where, entry)
        except SecretMissing as error:
            missing.append(f"{error.where}: {error.message}")
            continue
        for part in secret_parts(url):
            redactor.add(part)
        found.append(Address(where, url))
    return found, tuple(missing)


def _headline(outcome: Outcome) -> str:
    """In a few words, the worst first."""
    counts = {state: sum(each.state is state for each in outcome.servers) for state in ServerState}
    words = [f"{count} {state}" for state, count in counts.items() if count and state not in QUIET]
    return ", ".join([*(["stopped"] if Exit.INTERRUPTED in outcome.codes else []), *words])


def title(words: str) -> str:
    """The first line of a message: which machine, and what in a few words."""
    return f"easfix on {socket.gethostname()}: {words}"


def _short(text: str, longest: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
