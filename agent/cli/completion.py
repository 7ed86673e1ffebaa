"""The command `completion`: the script that teaches a shell to complete easfix's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from agent.cli.options import Options, globals_


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@globals_
def command(options: Options, shell: str) -> int:
    """Print the completion script for a shell.

    \b
    easfix completion bash > ~/.local/share/bash-completion/completions/easfix
    easfix completion zsh > "${fpath[1]}/_easfix"
    easfix completion fish > ~/.config/fish/completions/easfix.fish
    """
    from agent.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    print(kind(cli, {}, "easfix", "_EASFIX_COMPLETE").source())
    return 0
