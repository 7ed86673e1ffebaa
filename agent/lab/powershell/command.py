"""Owns the registry of cmdlets: what each is called, which parameters it takes, what runs when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.lab.powershell.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: PowerShell type name, position, and whether pipeline input binds to it."""

    name: str
    kind: str = "Object"  # "String", "String[]", "Int32", "Switch", "ScriptBlock", "Hashtable" ...
    position: int | None = None
    mandatory: bool = False
    by_value: bool = False  # binds the pipeline object
    by_property: bool = False  # binds the property of that name of the pipeline object
    aliases: tuple[str, ...] = ()
    rest: bool = False  # takes all remaining arguments, as one array


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """`process` runs once per pipeline object (once without input); `begin` and `end` around it."""

    name: str
    parameters: tuple[Parameter, ...]
    process: Callable[[Invocation], None] | None
    begin: Callable[[Invocation], None] | None = None
    end: Callable[[Invocation], None] | None = None


CMDLETS: dict[str, Cmdlet] = {}
ALIASES: dict[str, str] = {}


def cmdlet(
    name: str, parameters: Sequence[Parameter] = (), *, aliases: Sequence[str] = ()
) -> Callable[[Callable[[Invocation], Any]], Callable[[Invocation], Any]]:
    """Register `function(invocation)` as the cmdlet's process step.

    The function reads bound values with `invocation["Name"]` (None when unbound; `"Name" in invocation` tells),
    writes with `invocation.write(value)`, `invocation.error(ClrError | ErrorRecord, ...)` (non-terminating),
    `invocation.warning(text)`, raises ClrError for a terminating error, and reaches the machine and the running
    engine as `invocation.engine.machine` and `invocation.engine`.
    """

    def enter(function: Callable[[Invocation], Any]) -> Callable[[Invocation], Any]:
        CMDLETS[name.lower()] = Cmdlet(name, tuple(parameters), function)
        for alias in aliases:
            ALIASES[alias.lower()] = name
        return function

    return enter
