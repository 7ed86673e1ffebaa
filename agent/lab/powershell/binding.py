"""Owns how arguments find parameters: by name or unambiguous prefix, alias, position; the common parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.scope import MISSING

BINDING = "System.Management.Automation.ParameterBindingException"
COMMON = {
    "erroraction": "ea",
    "errorvariable": "ev",
    "warningaction": "wa",
    "warningvariable": "wv",
    "outvariable": "ov",
    "outbuffer": "ob",
    "verbose": "vb",
    "debug": "db",
}
SWITCHES = {"verbose", "debug"}


class Flag:
    """A `-Name` token; `value` is what a colon gave it, MISSING without."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any = MISSING) -> None:
        self.name = name
        self.value = value


class _Unknown(str):
    """A `-name` that is no parameter of a simple function: it goes to $args, never to a position."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One parameter as the binder sees it; `kind` is a full type name or "" for any."""

    name: str
    kind: str = ""
    position: int | None = None
    mandatory: bool = False
    by_value: bool = False
    by_property: bool = False
    rest: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def is_switch(self) -> bool:
        """Whether it takes no argument."""
        return self.kind == "System.Management.Automation.SwitchParameter"


@dataclass(slots=True)
class Bound:
    """What the binder found: raw values by lower-case name, and what nobody took."""

    values: dict[str, Any] = field(default_factory=dict)
    common: dict[str, Any] = field(default_factory=dict)
    left: list[Any] = field(default_factory=list)


def failure(text: str, error_id: str = "ParameterBindingException") -> ClrError:
    """A parameter binding error."""
    error = ClrError(text, BINDING, bases=("System.Management.Automation.RuntimeException",))
    error.error_id = error_id  # type: ignore[attr-defined] # read by failures.error_id
    error.category = "InvalidArgument"  # type: ignore[attr-defined] # read by failures.category_of
    return error


def bind(slots: Sequence[Slot], arguments: Sequence[Any], *, advanced: bool) -> Bound:
    """Distribute arguments (values and Flags) over the slots; `advanced`: what fits nowhere is an error."""
    bound = Bound()
    if not arguments:
        return bound
    loose: list[Any] = []
    common = COMMON if advanced else {}
    position = 0
    while position < len(arguments):
        token = arguments[position]
        position += 1
        if not isinstance(token, Flag):
            loose.append(token)
            continue
        found = find(slots, token.name, common)
        if found is None:
            if advanced:
                raise failure(
                    f"A parameter cannot be found that matches parameter name '{token.name}'.", "NamedParameterNotFound"
                )
            loose.append(_Unknown(f"-{token.name}:" if token.value is not MISSING else f"-{token.name}"))
            if token.value is not MISSING:
                loose.append(token.value)
            continue
        position = _take(found, token, arguments, position, bound)
    _by_position(slots, loose, bound)
    if bound.left and advanced:
        raise failure(
            f"A positional parameter cannot be found that accepts argument '{_shown(bound.left[0])}'.",
            "PositionalParameterNotFound",
        )
    return bound


def _shown(held: Any) -> str:
    from agent.lab.powershell.text import to_string

    return "$null" if held is None else to_string(held)


def find(slots: Sequence[Slot], name: str, common: dict[str, str]) -> Slot | str | None:
    """The slot (or the common parameter's name) that a `-name` means; an error where it is ambiguous."""
    lower = name.lower()
    for slot in slots:
        if slot.name.lower() == lower or (slot.aliases and lower in (alias.lower() for alias in slot.aliases)):
            return slot
    for full, short in common.items():
        if lower in (full, short):
            return full
    hits: list[Slot | str] = [slot for slot in slots if _starts(slot, lower)]
    hits += [full for full in common if full.startswith(lower)]
    if len(hits) > 1:
        listed = " ".join(f"-{hit.name if isinstance(hit, Slot) else hit}" for hit in hits)
        raise failure(
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches "
            f"include: {listed}.",
            "AmbiguousParameter",
        )
    return hits[0] if hits else None


def _starts(slot: Slot, lower: str) -> bool:
    return slot.name.lower().startswith(lower) or any(alias.lower().startswith(lower) for alias in slot.aliases)


def _take(found: Slot | str, token: Flag, arguments: Sequence[Any], position: int, bound: Bound) -> int:
    name = found.name.lower() if isinstance(found, Slot) else found
    store = bound.values if isinstance(found, Slot) else bound.common
    if name in store:
        raise failure(
            f"Cannot bind parameter because parameter '{token.name}' is specified more than once.",
            "ParameterAlreadyBound",
        )
    switch = found.is_switch if isinstance(found, Slot) else found in SWITCHES
    if token.value is not MISSING:
        store[name] = token.value
    elif switch:
        store[name] = True
    elif position < len(arguments) and not isinstance(arguments[position], Flag):
        store[name] = arguments[position]
        return position + 1
    else:
        kind = found.kind if isinstance(found, Slot) and found.kind else "System.Object"
        shown = found.name if isinstance(found, Slot) else found
        raise failure(
            f"Missing an argument for parameter '{shown}'. Specify a parameter of type '{kind}' and try again.",
            "MissingArgument",
        )
    return position


def _by_position(slots: Sequence[Slot], loose: list[Any], bound: Bound) -> None:
    if not loose:
        return
    placed = sorted((slot for slot in slots if slot.position is not None), key=lambda slot: slot.position or 0)
    free = [slot for slot in placed if slot.name.lower() not in bound.values and not slot.rest]
    for slot in free:
        taken = next((index for index, held in enumerate(loose) if not isinstance(held, _Unknown)), None)
        if taken is None:
            break
        bound.values[slot.name.lower()] = loose.pop(taken)
    rest = next((slot for slot in slots if slot.rest and slot.name.lower() not in bound.values), None)
    if rest is not None and loose:
        bound.values[rest.name.lower()] = list(loose)
        loose.clear()
    bound.left = [str(held) if isinstance(held, _Unknown) else held for held in loose]
