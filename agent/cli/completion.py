"""The command `completion`: the script that teaches a shell to complete easfix's commands and options."""

from __future__ import annotations

import json

import click
from click.shell_completion import get_completion_class

from agent.cli.options import Options, globals_


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@globals_
def command(options: Options, shell: str) -> int:
    """Print the completion script for a shell: bash, zsh or fish.

    \b
    easfix completion bash > ~/.local/share/bash-completion/completions/easfix
    easfix completion zsh > "${fpath[1]}/_easfix"
    easfix completion fish > ~/.config/fish/completions/easfix.fish
    """
    from agent.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    script = kind(cli, {}, "easfix", "_EASFIX_COMPLETE").source()
    if options.json:
        document: dict[str, object] = {
            "schema": "easfix/1",
            "command": "completion",
            "run": None,
            "exit_code": 0,
            "servers": [],
        }
        print(json.dumps({**document, "shell": shell, "script": script}, indent=2))
    else:
        print(script)
    return 0
