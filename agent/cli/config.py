"""The command `config`: check the configuration, print its schema."""

from __future__ import annotations

import json

import click

from agent.cli.options import Options, globals_


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

    No server is asked, and no password is fetched.

    \b
    easfix config check
    easfix --config other.yaml config check
    """
    from agent.cli.session import Session
    from agent.config import check as check_file
    from agent.config import journal_address, log_file
    from agent.inventory import back_ends

    session = Session(options)
    check_file(session.path)
    servers = back_ends(session.config)
    if options.json:
        names = {"servers": [each.name for each in servers], "proxies": [each.name for each in session.proxies]}
        places = {"config": str(session.path), "journal": journal_address(session.config)}
        document = {"schema": "easfix/1", "command": "config check", "run": None, "exit_code": 0}
        print(json.dumps({**document, **places, **names, "log": str(log_file(session.config))}, indent=2))
        return 0
    print(f"{session.path}: good")
    for each in (*servers, *session.proxies):
        winrm = each.winrm
        print(f"  {each.name}: {each.role}, {winrm.scheme}://{each.address}:{winrm.port} by {winrm.auth}, {winrm.way}")
    print(f"  journal: {journal_address(session.config)}\n  log: {log_file(session.config)}")
    return 0


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
