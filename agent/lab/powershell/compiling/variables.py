"""Owns reading and writing variables, with scope prefixes, drives and the automatic ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling.dispatch import Value, value_of
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import MISSING, Context, Scope
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.text import to_string

Assign = Callable[[Context, Any], None]
_CONSTANTS = {"null": None, "true": True, "false": False}
_SCOPES = ("global", "script", "local", "private")
_DRIVES = ("env", "function", "variable")
_REFUSED = {"$", "^", "executioncontext", "foreach", "switch", "pscmdlet"}


def name_of(node: Node, source: Source) -> str:
    """The variable's name as written, without `$`, `@` or braces."""
    text = source.of(node).strip()
    return text[2:-1] if text.startswith("${") else text[1:]


def split(name: str) -> tuple[str, str]:
    """Prefix (lower case, "" without) and the bare name."""
    prefix, colon, bare = name.partition(":")
    return (prefix.lower(), bare) if colon else ("", name)


@value_of("variable")
def _variable(node: Node, source: Source) -> Value:
    if source.of(node).strip().startswith("@"):
        raise ScriptError("splatting (@name) outside the arguments of a command", node.start_byte)
    return read(name_of(node, source))


def read(name: str) -> Value:
    """Compile reading `$name`."""
    prefix, bare = split(name)
    lower = bare.lower()
    if prefix:
        return _read_prefixed(prefix, bare)
    if lower in _CONSTANTS:
        held = _CONSTANTS[lower]
        return lambda context: held
    if lower == "?":
        return lambda context: context.engine.ok
    if lower in _REFUSED:
        return _refused(f"the variable ${name}")

    def find(context: Context) -> Any:
        scope: Scope | None = context.scope
        while scope is not None:
            values = scope.values
            if lower in values:
                return values[lower]
            scope = scope.parent
        return _unset(context, name)

    return find


def _refused(construct: str) -> Value:
    def refuse(context: Context) -> Any:
        raise Refused(construct)

    return refuse


def _unset(context: Context, name: str) -> Any:
    found = context.engine.automatic(name.lower(), context)
    if found is not MISSING:
        return found
    if context.scope.strict:
        raise ClrError(
            f"The variable '${name}' cannot be retrieved because it has not been set.",
            "System.Management.Automation.RuntimeException",
        )
    return None


def _read_prefixed(prefix: str, bare: str) -> Value:
    lower = bare.lower()
    if prefix == "env":
        return lambda context: context.engine.environment.get(bare.upper())
    if prefix == "variable":
        return read(bare)
    if prefix == "function":
        return lambda context: _function(context, lower)
    if prefix not in _SCOPES:
        return _refused(f"the variable ${prefix}:{bare}")

    def find(context: Context) -> Any:
        held = _target(context, prefix).values.get(lower, MISSING)
        if held is MISSING and prefix == "script":
            held = context.scope.script().find(lower)
        return _unset(context, f"{prefix}:{bare}") if held is MISSING else held

    return find


def _function(context: Context, name: str) -> Any:
    from agent.lab.powershell.scriptblock import ScriptBlock

    found = context.scope.function(name)
    return ScriptBlock(found.code) if found else None


def _target(context: Context, prefix: str) -> Scope:
    if prefix == "global":
        return context.scope.root()
    return context.scope.script() if prefix == "script" else context.scope


def assign(name: str, offset: int, kind: str | None = None) -> Assign:
    """Compile `$name = value`; `kind` is the type a cast on the left gives the variable."""
    prefix, bare = split(name)
    lower = bare.lower()
    if lower in _CONSTANTS or lower in ("?", "$", "^"):
        return _constant(bare)
    if prefix == "env":
        return lambda context, held: _set_environment(context, bare, held)
    if prefix and prefix not in _SCOPES and prefix != "variable":
        raise ScriptError(f"assignment to ${prefix}:{bare}", offset)

    def put(context: Context, held: Any) -> None:
        scope = _target(context, prefix) if prefix else context.scope
        if kind is not None:
            scope.types[lower] = kind
        if scope.types or scope.options:
            scope.assign(lower, held, context.engine)
        else:
            scope.values[lower] = held

    return put


def _constant(name: str) -> Assign:
    def refuse(context: Context, held: Any) -> None:
        raise ClrError(
            f"Cannot overwrite variable {name} because it is read-only or constant.",
            "System.Management.Automation.SessionStateUnauthorizedAccessException",
            bases=("System.Management.Automation.SessionStateException",),
        )

    return refuse


def _set_environment(context: Context, name: str, held: Any) -> None:
    text = to_string(held)
    if text:
        context.engine.environment[name.upper()] = text
    else:
        context.engine.environment.pop(name.upper(), None)
