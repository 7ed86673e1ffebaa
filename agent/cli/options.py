"""Owns the options that every command takes, before or after its name."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource


@dataclass(frozen=True, slots=True)
class Options:
    """The global options as given; `verbosity` is below zero for -q."""

    config: Path | None = None
    json: bool = False
    verbosity: int = 0
    color: bool = True

    @property
    def is_live(self) -> bool:
        """A person watches a terminal that can move its cursor, and asked for no silence, no log and no document."""
        is_capable = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        return is_capable and not self.json and self.verbosity == 0

    def line(self, arguments: str) -> str:
        """A command line to go on with, with the configuration that was given to this one."""
        if self.config is None:
            return f"easfix {arguments}"
        return f"easfix --config {quoted(str(self.config))} {arguments}"

    def typed(self, words: str) -> str:
        """Sentences in which each command stands as it must be typed here; a record knows of no configuration."""
        return _COMMAND.sub(lambda found: self.line(found[1]), words)


_COMMAND = re.compile(r"\beasfix (apply|approve|check|doctor|history|plan|resume|rollback|show|status|stop|verify)\b")
"""A command within a sentence; one that has its configuration already is not found."""


def words(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A text that was meant: not the next option, which becomes the text where that was forgotten."""
    if value.startswith("-") and context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
        raise click.BadParameter(f"{value!r} looks like an option; a text was expected", context, parameter)
    return value.strip()


def weighty_words(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The same for a text that has an effect: given, it may not be blank."""
    found = words(context, parameter, value)
    if not found and context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
        raise click.BadParameter("the text is empty", context, parameter)
    return found


def quoted(word: str) -> str:
    """A word as the shell of this system takes it for one."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


_OPTIONS = (
    click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        help="Configuration file. Else EASFIX_CONFIG, ./config.yaml, the user's configuration directory.",
    ),
    click.option("--json", "as_json", is_flag=True, default=None, help="Print exactly one JSON document."),
    click.option(
        "-v",
        "--verbose",
        count=True,
        help="Log to standard error instead of the table: events; -vv: every script sent, and where it failed.",
    ),
    click.option("-q", "--quiet", is_flag=True, default=None, help="Show no progress, only the answer and errors."),
    click.option("--no-color", is_flag=True, default=None, help="No colours; NO_COLOR does the same."),
)


def globals_(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command or group the global options; it receives one merged `Options` as its first argument."""

    @click.pass_context
    @functools.wraps(function)
    def command(
        context: click.Context,
        /,
        *args: Any,
        config: Path | None,
        as_json: bool | None,
        verbose: int,
        quiet: bool | None,
        no_color: bool | None,
        **kwargs: Any,
    ) -> Any:
        given = context.find_object(Options) or Options()
        merged = replace(
            given,
            config=config or given.config,
            json=bool(as_json or given.json),
            verbosity=-1 if quiet else (verbose or given.verbosity),
            color=not no_color and given.color,
        )
        context.obj = merged
        return function(merged, *args, **kwargs)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
