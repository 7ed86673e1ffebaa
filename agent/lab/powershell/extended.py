"""Owns members that Add-Member hangs on an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.lab.powershell.clr import ClrObject


@dataclass(slots=True)
class Extended:
    """One added member."""

    name: str
    kind: str  # NoteProperty, ScriptProperty, ScriptMethod, AliasProperty
    held: Any

    @property
    def is_note(self) -> bool:
        """Whether it is a plain value."""
        return self.kind == "NoteProperty"


_NONE: dict[str, Extended] = {}


def extended_of(value: ClrObject) -> dict[str, Extended]:
    """The added members by lower-case name."""
    found: dict[str, Extended] = getattr(value, "ps_extended", _NONE)
    return found


def extend(value: ClrObject, member: Extended) -> None:
    """Add or replace a member."""
    if not hasattr(value, "ps_extended"):
        value.ps_extended = {}  # type: ignore[attr-defined] # hung on any object
    value.ps_extended[member.name.lower()] = member  # type: ignore[attr-defined] # as above
