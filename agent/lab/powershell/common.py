"""Owns the common parameters: -ErrorAction, -ErrorVariable, -OutVariable, -WarningAction, -Verbose and the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.binding import failure
from agent.lab.powershell.conversion import to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context, Scope

_ACTIONS = {"silentlycontinue": 0, "stop": 1, "continue": 2, "inquire": 3}


def action_name(held: Any) -> str:
    """A preference as its lower-case name; numbers count, later names (Ignore) do not exist in 2.0."""
    text = to_string(held).lower()
    for name, number in _ACTIONS.items():
        if text in (name, str(number)):
            return name
    raise failure(
        f"Cannot bind parameter 'ErrorAction'. Cannot convert value \"{to_string(held)}\" to type "
        '"System.Management.Automation.ActionPreference" due to invalid enumeration values. Specify one of the '
        'following enumeration values and try again. The possible enumeration values are "SilentlyContinue, Stop, '
        'Continue, Inquire".',
        "CannotConvertArgumentNoMessage",
    )


class Common:
    """The common parameters of one call."""

    __slots__ = ("_out", "_seen", "_write", "context", "error_action", "verbose", "warning_action", "warnings")

    def __init__(self, context: Context, values: dict[str, Any], write: Callable[[Any], None]) -> None:
        """`values` are the raw arguments by lower-case full name."""
        self.context = context
        self.error_action = action_name(values["erroraction"]) if "erroraction" in values else None
        self.warning_action = action_name(values["warningaction"]) if "warningaction" in values else None
        self.verbose: bool | None = to_bool(values["verbose"]) if "verbose" in values else None
        if self.error_action == "inquire":
            raise Refused("-ErrorAction Inquire")
        self._write = write
        self._out = self._variable(values.get("outvariable"))
        self._seen = self._variable(values.get("errorvariable"))
        self.warnings = self._variable(values.get("warningvariable"))

    def _variable(self, held: Any) -> list[Any] | None:
        """The list behind -OutVariable name or +name."""
        if held is None:
            return None
        name = to_string(held).lower()
        values = self.context.scope.values
        if name.startswith("+"):
            before = values.get(name[1:])
            kept = list(before) if isinstance(before, list) else [] if before is None else [before]
            values[name[1:]] = kept
            return kept
        values[name] = []
        fresh: list[Any] = values[name]
        return fresh

    def write(self, held: Any) -> None:
        """Write an object, and keep it for -OutVariable."""
        if self._out is not None:
            self._out.append(held)
        self._write(held)

    def note(self, record: Any) -> None:
        """Keep an error for -ErrorVariable."""
        if self._seen is not None:
            self._seen.append(record)

    def apply(self, scope: Scope) -> None:
        """Inside an advanced function the parameters become its preference variables."""
        if self.error_action is not None:
            scope.values["erroractionpreference"] = self.error_action
        if self.warning_action is not None:
            scope.values["warningpreference"] = self.warning_action
        if self.verbose is not None:
            scope.values["verbosepreference"] = "Continue" if self.verbose else "SilentlyContinue"

    def finish(self) -> None:
        """Nothing is held back."""
