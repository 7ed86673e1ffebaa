"""Owns the options that choose servers, the same on every command that looks at several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from agent.cli.names import servers

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--limit",
        multiple=True,
        metavar="NAMES",
        shell_complete=servers,
        help="Only these servers; names with commas, or repeated.",
    ),
    click.option(
        "--skip",
        multiple=True,
        metavar="NAMES",
        shell_complete=servers,
        help="Not these servers; an unknown name is an error.",
    ),
    click.option("--beyond-max-servers", is_flag=True, help="Allow more servers than run.max_servers."),
)


def selection(function: F) -> F:
    """Give a command --limit, --skip and --beyond-max-servers."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
