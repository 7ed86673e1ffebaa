"""Owns the parameters a function or script declares: types, defaults, attributes, validation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.comparison import equal, order
from agent.lab.powershell.conversion import iterate, to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.matching import expression
from agent.lab.powershell.text import to_string

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context

Value = Callable[["Context"], Any]


@dataclass(slots=True)
class Validation:
    """One validation attribute: its lower-case name and its arguments."""

    name: str
    arguments: list[Value]


@dataclass(slots=True)
class ParameterSpec:
    """One declared parameter, its attribute values still expressions."""

    name: str
    type_text: str | None = None
    default: Value | None = None
    declared: bool = False  # has a [Parameter()] attribute: makes the function an advanced one
    settings: dict[str, Value] = field(default_factory=dict)
    alias_values: list[Value] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)

    def setting(self, context: Context, key: str) -> Any:
        """The value of a [Parameter()] setting, None when not given."""
        held = self.settings.get(key)
        return held(context) if held else None

    def flag(self, context: Context, key: str) -> bool:
        """A boolean setting."""
        return to_bool(self.setting(context, key))

    def aliases(self, context: Context) -> tuple[str, ...]:
        """The names of [Alias()]."""
        return tuple(to_string(held(context)) for held in self.alias_values)

    def allows(self, what: str) -> bool:
        """Whether AllowNull, AllowEmptyString or AllowEmptyCollection is given."""
        return any(each.name == what for each in self.validations)


def validate(context: Context, spec: ParameterSpec, held: Any) -> None:
    """Check a bound value against the attributes; ClrError names parameter and reason."""
    for validation in spec.validations:
        reason = _failure(context, validation, held)
        if reason:
            raise ClrError(
                f"Cannot validate argument on parameter '{spec.name}'. {reason}",
                "System.Management.Automation.ParameterBindingException",
                bases=("System.Management.Automation.RuntimeException",),
            )


def _failure(context: Context, validation: Validation, held: Any) -> str:
    arguments = [each(context) for each in validation.arguments]
    name = validation.name
    if name.startswith("allow"):
        return ""
    if name in ("validatenotnull", "validatenotnullorempty"):
        return _empty(name, held)
    items = iterate(held)
    if name == "validatecount":
        count = 1 if items is None else len(list(items))
        if not arguments[0] <= count <= arguments[1]:
            return "The number of supplied arguments is out of the allowed range. Specify another number and try again."
        return ""
    for item in [held] if items is None or isinstance(held, str) else items:
        if reason := _item_failure(name, arguments, item, context):
            return reason
    return ""


def _empty(name: str, held: Any) -> str:
    empty = held is None or (name.endswith("empty") and (held == "" or (isinstance(held, list) and not held)))
    if not empty:
        return ""
    if name == "validatenotnull":
        return "The argument is null. Supply a non-null argument and try the command again."
    return "The argument is null or empty. Supply an argument that is not null or empty and then try the command again."


def _item_failure(name: str, arguments: list[Any], item: Any, context: Context) -> str:
    text = to_string(item)
    if name == "validateset":
        if any(equal(to_string(allowed), text) for allowed in arguments):
            return ""
        allowed = ",".join(to_string(each) for each in arguments)
        return (
            f'The argument "{text}" does not belong to the set "{allowed}" specified by the ValidateSet attribute. '
            "Supply an argument that is in the set and then try the command again."
        )
    if name == "validaterange":
        return _range_failure(arguments, item, text)
    if name == "validatelength":
        fits = arguments[0] <= len(text) <= arguments[1]
        return "" if fits else f"The character length of the {len(text)} argument is outside the allowed range."
    if name == "validatepattern":
        if expression(to_string(arguments[0]), re.IGNORECASE).search(text):
            return ""
        return (
            f'The argument "{text}" does not match the "{to_string(arguments[0])}" pattern. Supply an argument that '
            f'matches "{to_string(arguments[0])}" and try the command again.'
        )
    return _script_failure(arguments, item, text, context)


def _range_failure(arguments: list[Any], item: Any, text: str) -> str:
    if order(item, arguments[0]) < 0:
        return f"The {text} argument is less than the minimum allowed range of {to_string(arguments[0])}."
    if order(item, arguments[1]) > 0:
        return f"The {text} argument is greater than the maximum allowed range of {to_string(arguments[1])}."
    return ""


def _script_failure(arguments: list[Any], item: Any, text: str, context: Context) -> str:
    block = arguments[0]
    if not hasattr(block, "collect"):
        raise Refused("a ValidateScript without a script block")
    result = block.collect(context, [], underscore=item)
    if to_bool(result):
        return ""
    return (
        f'The "{block.code.text}" validation script for the argument with value "{text}" did not return true. '
        "Determine why the validation script failed and then try the command again."
    )
