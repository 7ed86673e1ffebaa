"""Owns the rules of the language: what PowerShell 2.0 does not have, or has with another meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from agent.lint.objection import Objection, Rule, at
from agent.lint.tree import Script, arguments, bare, child, command_name, kind_of, member, static_type, words

# What each version after 2.0 added: about_Operators, about_Classes, about_Redirection, "What's New" of 3.0 to 7.0.
OPERATORS = frozenset({"-in", "-notin", "-shl", "-shr"})
STATEMENTS = frozenset({"class_statement", "enum_statement", "pipeline_chain_tail"})
VARIABLES = frozenset({"$psitem", "$psscriptroot", "$pscommandpath"})
# .NET 2.0 to 3.5 lack these; PowerShell 2.0 runs on CLR 2.
LATER_MEMBERS = frozenset(
    {
        ("string", "isnullorwhitespace"),
        ("io.file", "readlines"),
        ("io.file", "appendalllines"),
        ("io.directory", "enumeratefiles"),
        ("io.directory", "enumeratedirectories"),
        ("guid", "parse"),
        ("version", "parse"),
        ("enum", "tryparse"),
    }
)
ARRAY_MEMBERS = frozenset({"count", "length", "rank", "longlength", "getvalue", "setvalue", "clone", "contains"})
MANY = frozenset({"get-childitem", "get-process", "get-eventlog", "where-object", "foreach-object", "sort-object"})
"""Cmdlets that usually answer with several objects, whose properties 2.0 does not collect."""


def unreadable(script: Script) -> Iterator[Objection]:
    """What the grammar cannot read; some of it is good 2.0, but then nobody has rehearsed it."""
    if not script.root.has_error:
        return
    broken = script.broken
    node = next((node for node in broken if node.is_error or node.is_missing), broken[-1])
    advice = "write it another way: one switch clause a line, no size suffix such as 1MB, no `begin` at the top"
    yield at(node, "syntax", f"cannot be read near {words(node)[:40]!r}", advice)


def grammar_traps(script: Script) -> Iterator[Objection]:
    """What the grammar reads as something else than PowerShell does."""
    for command in script.of("command"):
        name, given = command_name(command), arguments(command)
        if re.match(r"\d", name):
            yield at(command, "trap", f"{name} is read as a command", "write the numbers one by one, without .. or KB")
        if name.lower() in ("begin", "process", "end", "dynamicparam"):
            yield at(command, "trap", f"{name} at the top of a script", "put it into a function, or leave it out")
        for before, node in pairwise(given):
            if node.type == "argument_list":
                yield at(before, "trap", "a method call as a bare argument", "put it in parentheses or in a variable")
        for node in given:
            if node.type == "generic_token" and re.match(r"[\d*]?>", words(node)):
                yield at(node, "trap", f"{words(node)} is read as an argument", "put a space behind the >")


def later_syntax(script: Script) -> Iterator[Objection]:
    """Operators, statements and variables of later versions."""
    for node in script.of("comparison_operator"):
        if words(node).lower() in OPERATORS:
            yield at(
                node, "later", f"{words(node)} is not in 2.0", "use -contains or -notcontains, the collection first"
            )
    for node in script.of(*STATEMENTS):
        yield at(node, "later", f"{words(node).split()[0]} is not in 2.0", "write it with if and functions")
    for node in script.of("function_statement"):
        if words(node).split()[0].lower() in ("workflow", "configuration"):
            yield at(node, "later", f"{words(node).split()[0]} is not in 2.0", "write a function")
    for node in script.of("variable"):
        if words(node).lower() in VARIABLES or words(node).lower().startswith("$using:"):
            yield at(node, "later", f"{words(node)} is not in 2.0", "use $_ or an argument")
    for node in script.of("attribute_argument"):
        if "=" not in words(node) and _is_parameter(node):
            yield at(node, "later", f"{words(node)} without a value is not in 2.0", f"write {words(node)} = $true")


def later_arguments(script: Script) -> Iterator[Objection]:
    """Redirections of streams that 2.0 does not have, and the stop-parsing token."""
    for node in script.of("file_redirection_operator", "merging_redirection_operator"):
        if re.match(r"[*3-6]", words(node)):
            yield at(
                node, "later", f"the redirection {words(node)} is not in 2.0", "2.0 redirects streams 1 and 2 only"
            )
    for node in script.of("stop_parsing", "generic_token"):
        if words(node).startswith("--%"):
            yield at(node, "later", "--% is not in 2.0", "quote each argument")


def later_types(script: Script) -> Iterator[Objection]:
    """Type literals and members of later versions."""
    for node in script.of("type_literal"):
        name = words(node).strip("[]").lower()
        if name == "pscustomobject":
            advice = "use New-Object -TypeName 'PSObject' -Property @{ }"
            yield at(node, "later", "[pscustomobject] makes no object of a hashtable in 2.0", advice)
        elif name == "ordered":
            yield at(node, "later", "[ordered] is not in 2.0", "2.0 keeps no order in a hashtable; use a list")
    for node in script.of("invokation_expression", "member_access"):
        called, name = static_type(node), member(node)
        if called and name == "new":
            yield at(node, "later", f"[{called}]::new is not in 2.0", "use New-Object -TypeName")
        elif (called, name) in LATER_MEMBERS:
            yield at(node, "later", f"[{called}]::{name} is not in .NET 2.0", "use what .NET 2.0 has")


def simple_filters(script: Script) -> Iterator[Objection]:
    """`Where-Object Name -eq 'x'` and `ForEach-Object Name`."""
    for command in script.of("command"):
        name = command_name(command)
        if name.lower() in ("where-object", "foreach-object"):
            given = [bare(node).type for node in arguments(command)]
            if not {"script_block_expression", "variable"} & set(given):
                yield at(command, "later", f"{name} without a script block is not in 2.0", "write { $_.Name ... }")


def collected_members(script: Script) -> Iterator[Objection]:
    """A property of a collection: 2.0 gives nothing where later versions collect it from the items."""
    for node in script.of("member_access", "invokation_expression"):
        target, name = node.children[0], member(node)
        if name in ARRAY_MEMBERS or not name:
            continue
        if target.type == "array_expression" or _is_only(script, words(target), "array") or _holds_many(target):
            yield at(node, "collection", f".{name} of a collection is nothing in 2.0", "ask each item with foreach")


def uncertain_counts(script: Script) -> Iterator[Objection]:
    """`.Count` of a command's result and foreach over it: in 2.0 one object has no Count, and $null is run once."""
    for node in script.of("member_access"):
        target = node.children[0]
        certain = target.type != "parenthesized_expression" or kind_of(target.children[1]) != "command"
        if member(node) in ("count", "length") and not (certain and not _is_command(script, words(target))):
            yield at(node, "count", "one object has no .Count in 2.0", "put @( ) around the command")
    for node in script.of("foreach_statement"):
        over = child(node, "pipeline")
        if over is not None and (kind_of(over) == "command" or _is_command(script, words(bare(over)))):
            yield at(over, "count", "foreach runs once for $null in 2.0", "put @( ) around the command")


RULES: tuple[Rule, ...] = (
    unreadable,
    grammar_traps,
    later_syntax,
    later_arguments,
    later_types,
    simple_filters,
    collected_members,
    uncertain_counts,
)


def _is_parameter(argument: Node) -> bool:
    """The argument belongs to [Parameter()] or [CmdletBinding()]."""
    node: Node | None = argument
    while node is not None and node.type != "attribute":
        node = node.parent
    name = child(node, "attribute_name") if node is not None else None
    return name is not None and words(name).lower() in ("parameter", "cmdletbinding")


def _is_only(script: Script, variable: str, kind: str) -> bool:
    return script.assigned.get(variable.lower()) == {kind}


def _is_command(script: Script, variable: str) -> bool:
    return "command" in script.assigned.get(variable.lower(), set())


def _holds_many(target: Node) -> bool:
    """`(Get-ChildItem ...).Name`: the pipeline in parentheses ends in a cmdlet that gives several objects."""
    if target.type not in ("parenthesized_expression", "sub_expression"):
        return False
    node = bare(target.children[1])
    last = node.children[-1] if node.type == "pipeline_chain" else node
    return last.type == "command" and command_name(last).lower() in MANY
