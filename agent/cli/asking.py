"""Owns what is asked at the terminal: a password, and the yes to a change."""

from __future__ import annotations

import getpass
import sys

from agent.errors import NoTerminal, Refused


def ask_password(question: str) -> str:
    """Ask at the terminal, without an echo; NoTerminal where there is none, Interrupted on Ctrl-C."""
    from agent.cli.interrupt import asking

    if not sys.stdin.isatty():
        from agent.config import nobody

        return nobody(question)
    with asking():
        return getpass.getpass(question, sys.stderr)


def confirm(question: str, advice: str = "Give --yes where nobody can be asked.") -> None:
    """Ask for a yes at the terminal; NoTerminal where there is none, Refused on anything but yes."""
    from agent.cli.interrupt import asking

    if not sys.stdin.isatty():
        raise NoTerminal(
            "a change must be confirmed, and there is no terminal to ask at",
            next_step=advice,
        )
    with asking():
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # the end of the input, which leaves the cursor behind the question
        print(file=sys.stderr)
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("the answer was no: nothing was changed")
