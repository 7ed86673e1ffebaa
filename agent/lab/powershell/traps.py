"""Owns the choice of a trap or catch for an error: by type name, the inner .NET exception before its wrapper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.powershell.types import NAMES

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context


@dataclass(frozen=True, slots=True)
class Trap:
    """A trap of a statement list: the type it is for (None: all), and its block."""

    kind: str | None
    run: Callable[[Context, ErrorRecord, Callable[[Any], None]], str]


def full_name(text: str) -> str:
    """The full lower-case name of the type a catch names."""
    lower = "".join(text.split()).lower()
    return NAMES.get(lower, lower).lower()


def is_a(error: ClrError, wanted: str) -> bool:
    """Whether the exception is of the type (as written, full or without `System.`) or derives from it."""
    names = {name.lower() for name in (error.type_name, *error.bases)}
    return wanted in names or f"system.{wanted}" in names


def matched(record: ErrorRecord, kinds: Sequence[str]) -> ClrError | None:
    """The exception in the record's chain that one of the types (full_name) matches: the inner one first."""
    chain = [record.error]
    while (inner := chain[-1].inner) is not None:
        chain.append(inner)
    for candidate in [*chain[1:], chain[0]]:
        if any(is_a(candidate, kind) for kind in kinds):
            return candidate
    return None


def choose(traps: Sequence[Trap], record: ErrorRecord) -> Trap | None:
    """The trap with the matching type, else the general one."""
    for trap in traps:
        if trap.kind is not None and matched(record, [full_name(trap.kind)]):
            return trap
    return next((trap for trap in traps if trap.kind is None), None)
