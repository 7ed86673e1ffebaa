"""Owns which function compiles which kind of node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source

Write = Callable[[Any], None]
Value = Callable[[Context], Any]  # an expression: its value
Run = Callable[[Context, Write], None]  # a statement: writes its output
VALUES: dict[str, Callable[[Node, Source], Value]] = {}
RUNS: dict[str, Callable[[Node, Source], Run]] = {}

_LEVELS = ("logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range")
CHAIN = {f"{level}{kind}" for level in _LEVELS for kind in ("_expression", "_argument_expression")} | {
    "array_literal_expression",
    "unary_expression",
    "argument_expression",
    "expression_with_unary_operator",
    "string_literal",
    "integer_literal",
    "pipeline_chain",
    "while_condition",
    "for_initializer",
    "for_condition",
    "for_iterator",
}


def value_of(*kinds: str) -> Callable[[Callable[[Node, Source], Value]], Callable[[Node, Source], Value]]:
    """Register the compiler of an expression node."""

    def enter(function: Callable[[Node, Source], Value]) -> Callable[[Node, Source], Value]:
        VALUES.update(dict.fromkeys(kinds, function))
        return function

    return enter


def run_of(*kinds: str) -> Callable[[Callable[[Node, Source], Run]], Callable[[Node, Source], Run]]:
    """Register the compiler of a statement node."""

    def enter(function: Callable[[Node, Source], Run]) -> Callable[[Node, Source], Run]:
        RUNS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def unwrap(node: Node) -> Node:
    """The node below the levels of precedence that hold only one child."""
    while node.type in CHAIN and node.child_count == 1:
        node = node.children[0]
    return node


def value(node: Node, source: Source) -> Value:
    """Compile an expression; ScriptError for what the lab does not do."""
    node = unwrap(node)
    maker = VALUES.get(node.type)
    if maker is None:
        raise ScriptError(f"the construct {node.type.replace('_', ' ')} is not supported", node.start_byte)
    return maker(node, source)


def run(node: Node, source: Source) -> Run:
    """Compile a statement; ScriptError for what the lab does not do."""
    maker = RUNS.get(node.type)
    if maker is None:
        raise ScriptError(f"the statement {node.type.replace('_', ' ')} is not supported", node.start_byte)
    return maker(node, source)


def child(node: Node, kind: str) -> Node | None:
    """The first child of that kind."""
    for each in node.children:
        if each.type == kind:
            return each
    return None


def need(node: Node, kind: str) -> Node:
    """The first child of that kind, which the grammar promises."""
    found = child(node, kind)
    if found is None:
        raise ScriptError(f"a {node.type.replace('_', ' ')} without its {kind.replace('_', ' ')}", node.start_byte)
    return found


def emit(value: Any, write: Write) -> None:
    """Write a value to the pipeline: a collection item by item, $null as $null."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        write(value)
        return
    from agent.lab.powershell.conversion import iterate

    items = iterate(value)
    if items is None:
        write(value)
    else:
        for item in items:
            write(item)


def gathered(items: list[Any]) -> Any:
    """What an assignment takes from a pipeline: nothing is $null, one item itself, more an array."""
    if not items:
        return None
    return items[0] if len(items) == 1 else items
