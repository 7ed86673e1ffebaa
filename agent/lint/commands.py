"""Owns the rules about commands: known to PowerShell 2.0, written out in full, their text quoted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from tree_sitter import Node

from agent.lint.objection import Objection, Rule, at
from agent.lint.tree import Script, arguments, bare, child, command_name, invoked, words

NOT_ON_2003 = {"get-winevent": "use Get-EventLog"}
"""In 2.0, but not on Windows Server 2003 (domain 6.5)."""

INSTEAD = {
    "convertto-json": "answer with an object; the transport carries it",
    "get-ciminstance": "use Get-WmiObject",
    "invoke-webrequest": "use [System.Net.WebRequest]",
    "invoke-restmethod": "use [System.Net.WebRequest]",
    "?": "write Where-Object",
    "where": "write Where-Object",
    "%": "write ForEach-Object",
    "select": "write Select-Object",
    "gwmi": "write Get-WmiObject",
    "using": "2.0 has neither modules by name nor namespaces",
}


@dataclass(frozen=True, slots=True)
class Table:
    """The cmdlets of PowerShell 2.0: name and parameters in their own spelling, by lower-case name."""

    names: dict[str, str]
    parameters: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table, read from the file beside this module."""
    read = json.loads(resources.files("agent.lint").joinpath("powershell20.json").read_text(encoding="utf-8"))
    common = read["common"].lower().split()
    cmdlets: dict[str, str] = read["cmdlets"]
    return Table(
        {name.lower(): name for name in cmdlets},
        {name.lower(): frozenset([*given.lower().split(), *common]) for name, given in cmdlets.items()},
    )


def unknown_commands(script: Script) -> Iterator[Objection]:
    """Neither a cmdlet of 2.0 nor a function of the script; an alias or a bare program name is neither."""
    for command in script.of("command"):
        name = command_name(command).lower()
        if not name or name in script.functions or name[0].isdigit():
            continue
        if name in NOT_ON_2003:
            yield at(command, "command", f"{name} does not work on Server 2003", NOT_ON_2003[name])
        elif name not in table().names:
            advice = INSTEAD.get(name, "write a cmdlet's full name; call a program as & 'name.exe'")
            yield at(command, "command", f"{_first(command)} is not a cmdlet of 2.0", advice)


def _first(command: Node) -> str:
    """The first word as it is written; a blank that PowerShell does not take for one is shown by its number."""
    return next(iter(words(command).split()), ascii(words(command)))


def unknown_parameters(script: Script) -> Iterator[Objection]:
    """A parameter that the cmdlet or the script's function does not have, or one that is not written out."""
    for command in script.of("command"):
        name = command_name(command)
        known = _known(script, name)
        for node in arguments(command) if known else ():
            given = words(node).lstrip("-").rstrip(":").lower()
            if node.type != "command_parameter" or given in known:
                continue
            if any(full.startswith(given) for full in known):
                yield at(node, "parameter", f"{words(node)} is cut short", "write the parameter's full name")
            else:
                yield at(node, "parameter", f"{name} has no {words(node)} in 2.0", "use what 2.0 has")


def positional_text(script: Script) -> Iterator[Objection]:
    """Text without quotes, and arguments of cmdlets without their parameter's name."""
    for command in script.of("command"):
        before = ""
        for node in arguments(command):
            if node.type == "generic_token" and not words(node).startswith("-"):
                yield at(node, "quotes", f"{words(node)} without quotes", f"write '{words(node)}'")
            if _needs_name(command, node, before):
                advice = "write the parameter's name before it"
                yield at(node, "parameter", f"{words(node)[:40]} is given to {command_name(command)} by place", advice)
            before = node.type


RULES: tuple[Rule, ...] = (unknown_commands, unknown_parameters, positional_text)


def _known(script: Script, name: str) -> frozenset[str]:
    own = script.functions.get(name.lower())
    if own is not None:
        return frozenset(parameter.lower() for parameter in own)
    return table().parameters.get(name.lower(), frozenset())


def _needs_name(command: Node, node: Node, before: str) -> bool:
    """Blocks of Where-Object and ForEach-Object read well without one, and programs have no names."""
    if node.type in ("command_parameter", "redirection") or before == "command_parameter":
        return False
    if invoked(command) is not None or child(command, "command_name") is None:
        return False
    return bare(node).type != "script_block_expression"
