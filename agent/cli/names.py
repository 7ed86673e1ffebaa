"""Owns the names that a shell offers: servers from the configuration, runs from the record; fast, and silent on errors.

Completion runs at every press of a key, where nobody can answer a question or read an error. So it reads the file's
names and nothing else, fetches no password, writes nothing, and opens no journal that lies on a database server.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem

LAST = "last"
MOST = 50
"""Runs that are offered, the newest first."""


def servers(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of back-ends, without regard to case; of a list with commas, what comes next."""
    before, comma, begun = incomplete.rpartition(",")
    given = {name.casefold() for name in before.split(",")}
    return [
        CompletionItem(f"{before}{comma}{name}")
        for name in _servers(context)
        if name.casefold().startswith(begun.casefold()) and name.casefold() not in given
    ]


def runs(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`last`, and the names of runs with what they did."""
    found = [(LAST, "the newest run"), *_runs(context)]
    return [CompletionItem(name, help=words) for name, words in found if name.startswith(incomplete)]


def _servers(context: click.Context) -> list[str]:
    from agent.config import document
    from agent.errors import EasfixError

    try:
        entries = document.read(_path(context)).values.get("servers")
    except (EasfixError, OSError):
        return []
    found = entries if isinstance(entries, list) else []
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in found]
    return [name for name in names if isinstance(name, str)]


def _runs(context: click.Context) -> list[tuple[str, str]]:
    """Straight from the file of a SQLite journal: the libraries of a real journal take longer than a key may."""
    import sqlite3

    journal = _journal(context)
    if journal is None or not journal.is_file():
        return []
    query = "SELECT id, command, account FROM runs ORDER BY started_at DESC, id DESC LIMIT ?"
    try:
        connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=0.2)
        try:
            rows = connection.execute(query, (MOST,)).fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return []
    return [(str(name), f"{command} by {account}") for name, command, account in rows]


def _journal(context: click.Context) -> Path | None:
    """The file of the journal; None where there is none, or it is on a database server."""
    from agent.config import document, user_state_directory
    from agent.errors import EasfixError

    if "EASFIX_JOURNAL" in os.environ:
        base, named = Path.cwd(), os.environ["EASFIX_JOURNAL"]
    else:
        try:
            base = _path(context).parent
            named = str(document.read(_path(context)).values.get("journal") or "")
        except (EasfixError, OSError):
            return None
    if "://" in named:
        return None
    return base.absolute() / Path(named).expanduser() if named else user_state_directory() / "journal.db"


def _path(context: click.Context) -> Path:
    """The configuration that the command would use; --config may stand before or after the command."""
    from agent.config import find

    here: click.Context | None = context
    while here is not None:
        if given := here.params.get("config"):
            return find(Path(given))
        here = here.parent
    return find(None)
