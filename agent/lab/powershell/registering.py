"""Owns registering a cmdlet that has begin and end steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.command import ALIASES, CMDLETS, Cmdlet, Parameter

if TYPE_CHECKING:
    from agent.lab.powershell.invocation import Invocation

Step = Callable[["Invocation"], Any]


def staged(
    name: str,
    parameters: Sequence[Parameter] = (),
    *,
    begin: Step | None = None,
    end: Step | None = None,
    aliases: Sequence[str] = (),
) -> Callable[[Step], Step]:
    """Register the function as the process step of a cmdlet, with the steps around it."""

    def enter(function: Step) -> Step:
        CMDLETS[name.lower()] = Cmdlet(name, tuple(parameters), function, begin, end)
        for alias in aliases:
            ALIASES[alias.lower()] = name
        return function

    return enter
