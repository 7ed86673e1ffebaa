"""The command `config`: check the configuration, print its schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from agent.estimate import Estimate
    from agent.window import Windows

_UPCOMING = 3


@click.group("config")
@globals_
def command(options: Options) -> None:
    """Check the configuration, or print its schema for an editor.

    \b
    easfix config check
    easfix config schema > easfix.schema.json
    """


@command.command()
@globals_
def check(options: Options) -> int:
    """Read the configuration, see whether what it names is there, and say what it comes to.

    Also whether servers may be changed now, and the next times that they may be. No server is asked, and no password
    is fetched.

    \b
    easfix config check
    easfix --config other.yaml config check
    """
    from agent.calendar import windows_of
    from agent.cli.session import Session, now
    from agent.config import check as check_file
    from agent.config import journal_address, log_file
    from agent.estimate import estimate
    from agent.inventory import back_ends

    session = Session(options)
    check_file(session.path)
    servers = back_ends(session.config)
    windows, moment, one = windows_of(session.config), now(), estimate(session.config, ())
    if options.json:
        names = {"servers": [each.name for each in servers], "proxies": [each.name for each in session.proxies]}
        places = {"config": str(session.path), "journal": journal_address(session.config)}
        document = {"schema": "easfix/1", "command": "config check", "run": None, "exit_code": 0}
        rest = {"log": str(log_file(session.config)), "windows": _facts(windows, moment, one)}
        print(json.dumps({**document, **places, **names, **rest}, indent=2, ensure_ascii=False))
        return 0
    print(f"{session.path}: good")
    for each in (*servers, *session.proxies):
        winrm = each.winrm
        print(f"  {each.name}: {each.role}, {winrm.scheme}://{each.address}:{winrm.port} by {winrm.auth}, {winrm.way}")
    print(f"  journal: {journal_address(session.config)}\n  log: {log_file(session.config)}")
    for line in _lines(windows, moment, one):
        print(f"  {line}")
    return 0


def _lines(windows: Windows, moment: datetime, one: Estimate) -> Iterator[str]:
    from agent.window import words_of_opening

    upcoming = windows.upcoming(moment, _UPCOMING)
    yield f"now: {windows.at(moment).words}"
    yield from (f"next: {words_of_opening(each)}" for each in upcoming)
    if upcoming and all(each.closes_at - each.opens_at < one.needs for each in upcoming):
        yield f"none of them is long enough to begin a server: {one.words}; see restart.deadline_seconds"
    yield from (f"window {name} opens no more: its rule has come to its end" for name in windows.ended(moment))


def _facts(windows: Windows, moment: datetime, one: Estimate) -> dict[str, object]:
    standing, upcoming = windows.at(moment), windows.upcoming(moment, _UPCOMING)
    return {
        "at": moment.isoformat(),
        "is_open": standing.is_open,
        "words": standing.words,
        "blackout": standing.blackout or None,
        "closes_at": standing.closes_at.isoformat() if standing.closes_at else None,
        "next_opens_at": standing.next_opens_at.isoformat() if standing.next_opens_at else None,
        "next": [
            {"name": each.name, "opens_at": each.opens_at.isoformat(), "closes_at": each.closes_at.isoformat()}
            for each in upcoming
        ],
        "ended": list(windows.ended(moment)),
        "server_seconds": one.seconds,
    }


@command.command()
@globals_
def schema(options: Options) -> int:
    """Print the JSON schema of the configuration file.

    \b
    easfix config schema > easfix.schema.json
    """
    from agent.config import schema as configuration_schema

    print(json.dumps(configuration_schema(), indent=2))
    return 0
