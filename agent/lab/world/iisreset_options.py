"""Owns the command line of iisreset. domain 5.3"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What iisreset is asked to do; one per call."""

    RESTART = "RESTART"
    START = "START"
    STOP = "STOP"
    REBOOT = "REBOOT"
    STATUS = "STATUS"
    ENABLE = "ENABLE"
    DISABLE = "DISABLE"
    HELP = "?"


LIMITS = {Command.RESTART: 20, Command.STOP: 60}  # seconds a stop may take. domain 5.3


class UsageProblem(Exception):  # noqa: N818 - not a failure of the lab: it becomes the usage text
    """An option nobody knows, or two commands at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command with its options; `limit` is in seconds."""

    command: Command
    no_force: bool
    reboot_on_error: bool
    limit: int


def parse(arguments: Sequence[str]) -> Options:
    """Read the options, which may start with / or -, in any case."""
    commands: list[Command] = []
    no_force, reboot_on_error, limit = False, False, None
    for argument in arguments:
        if argument[:1] not in ("/", "-"):
            raise UsageProblem(argument)  # another computer's name: iisreset asks DCOM for that, the lab has none
        word, _, value = argument[1:].upper().partition(":")
        if word == "NOFORCE":
            no_force = True
        elif word == "REBOOTONERROR":
            reboot_on_error = True
        elif word == "TIMEOUT" and value.isdigit():
            limit = int(value)
        else:
            commands.append(_command(word, value))
    if len(commands) > 1:
        raise UsageProblem(" ".join(arguments))
    command = commands[0] if commands else Command.RESTART
    return Options(command, no_force, reboot_on_error, LIMITS.get(command, 0) if limit is None else limit)


def _command(word: str, value: str) -> Command:
    if value or word not in set(Command):
        raise UsageProblem(word)
    return Command(word)
