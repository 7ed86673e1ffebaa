"""Owns what a command name means: alias, function, cmdlet, program, script; and which names are later than 2.0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agent.lab.powershell.binding import Flag
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import ALIASES, CMDLETS
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.known import CMDLETS_2_0, LATER
from agent.lab.powershell.native import NativeStage, program_name
from agent.lab.powershell.scriptblock import Function, ScriptBlock
from agent.lab.powershell.stages import FunctionStage
from agent.lab.powershell.text import to_string

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context

Write = Callable[[Any], None]


class Stage(Protocol):
    """One command of a running pipeline."""

    def begin(self) -> None:
        """Before any input."""

    def process(self, item: Any) -> None:
        """One object, or MISSING once."""

    def end(self) -> None:
        """After all input."""


def stage(
    context: Context,
    head: Any,
    arguments: Sequence[Any],
    write: Write,
    *,
    dotted: bool = False,
    line: int = 0,
    redirected: bool = False,
) -> Stage:
    """The stage of a command: `head` is a name or a script block."""
    if isinstance(head, ScriptBlock):
        return FunctionStage(context, Function("", head.code), arguments, write, dotted=dotted, line=line)
    name = to_string(head)
    if not name:
        raise ClrError(
            "The expression after '&' in a pipeline element produced an invalid object. It must result in a command "
            "name, script block or CommandInfo object.",
            "System.Management.Automation.RuntimeException",
        )
    return _named(context, name, arguments, write, dotted, line, redirected)


def _named(
    context: Context, name: str, arguments: Sequence[Any], write: Write, dotted: bool, line: int, redirected: bool
) -> Stage:
    lower = alias(context, name).lower()
    function = context.scope.function(lower)
    if function is not None:
        return FunctionStage(context, function, arguments, write, dotted=dotted, line=line)
    bare = lower.rpartition("\\")[2] if lower.startswith("microsoft.powershell.") else lower
    cmdlet = CMDLETS.get(bare)
    if cmdlet is not None:
        refuse_later_syntax(cmdlet.name, arguments, line)
        return Invocation(context, cmdlet, arguments, write, line)
    if lower.endswith(".ps1"):
        code = context.engine.script_file(name)
        return FunctionStage(context, Function(name, code), arguments, write, dotted=dotted, line=line, script=name)
    if program_name(lower) in context.engine.machine.programs and not lower.endswith((".vbs", ".bat", ".cmd")):
        return NativeStage(context, name, arguments, write, redirected=redirected, line=line)
    raise unknown(name, lower, line)


_COMPARISONS = frozenset(
    [
        "eq",
        "ne",
        "gt",
        "ge",
        "lt",
        "le",
        "like",
        "notlike",
        "match",
        "notmatch",
        "contains",
        "notcontains",
        "in",
        "notin",
        "is",
        "isnot",
    ]
)


def refuse_later_syntax(name: str, arguments: Sequence[Any], line: int) -> None:
    """`Where-Object Name -eq x` and `ForEach-Object Name` came with 3.0."""
    if name not in ("Where-Object", "ForEach-Object"):
        return
    compares = any(isinstance(each, Flag) and each.name.lower().lstrip("ci") in _COMPARISONS for each in arguments)
    named = bool(arguments) and isinstance(arguments[0], str)
    if named or (name == "Where-Object" and compares):
        raise Refused(f"{name} with a property name instead of a block (3.0)", line)


def alias(context: Context, name: str) -> str:
    """The command an alias stands for, or the name itself."""
    own = context.engine.aliases.get(name.lower())
    return own or ALIASES.get(name.lower(), name)


def unknown(name: str, lower: str, line: int = 0) -> ClrError:
    """A name later than 2.0 or one the lab lacks is refused; any other is not found, as PowerShell says it."""
    if lower in LATER:
        raise Refused(f"{name} is not in PowerShell 2.0", line)
    if lower in CMDLETS_2_0:
        raise Refused(f"the cmdlet {name}", line)
    error = ClrError(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        "System.Management.Automation.CommandNotFoundException",
        bases=("System.Management.Automation.RuntimeException",),
    )
    error.category = "ObjectNotFound"  # type: ignore[attr-defined] # read by failures.category_of
    return error
