"""Owns expressions with operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell import arithmetic, comparison, formatting, matching
from agent.lab.powershell.compiling.dispatch import Value, unwrap, value, value_of
from agent.lab.powershell.compiling.literals import type_text
from agent.lab.powershell.compiling.targets import step
from agent.lab.powershell.conversion import convert, to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import resolve

Binary = Callable[[Any, Any], Any]
_PLAIN: dict[str, Binary] = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "%": arithmetic.remainder,
    "..": arithmetic.span,
    "-band": arithmetic.bitwise("-band"),
    "-bor": arithmetic.bitwise("-bor"),
    "-bxor": arithmetic.bitwise("-bxor"),
    "-is": comparison.is_type,
    "-isnot": lambda left, right: not comparison.is_type(left, right),
    "-join": matching.join,
    "-f": lambda left, right: formatting.composite(
        to_string(left), list(right) if isinstance(right, list) else [right]
    ),
}
_LOGICAL = ("-and", "-or", "-xor")


@value_of(
    *(
        f"{level}{kind}"
        for level in ("bitwise", "comparison", "additive", "multiplicative", "format", "range")
        for kind in ("_expression", "_argument_expression")
    )
)
def _binary(node: Node, source: Source) -> Value:
    left_node, operator, right_node = node.children
    name = source.of(operator).strip().lower()
    left, right = value(left_node, source), value(right_node, source)
    compute = _PLAIN.get(name)
    if compute is not None:
        found: Binary = compute
        return lambda context: found(left(context), right(context))
    return _comparison(name, left, right, operator.start_byte)


def _comparison(name: str, left: Value, right: Value, offset: int) -> Value:
    base, _ = comparison.split_case(name)
    if base in ("match", "notmatch", "like", "notlike"):
        test = matching.matcher(name)
        return lambda context: test(context, left(context), right(context))
    if base == "split":
        cut = matching.split(name)
        return lambda context: cut(context.engine, left(context), right(context))
    if name == "-as":
        return lambda context: comparison.as_type(context.engine, left(context), right(context))
    makers: dict[str, Callable[[str], Binary]] = {
        **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), comparison.ordering),
        **dict.fromkeys(("contains", "notcontains"), comparison.contains),
        "replace": matching.replace,
    }
    if base not in makers:
        raise ScriptError(f"the operator {name} is not in PowerShell 2.0", offset)
    compute = makers[base](name)
    return lambda context: compute(left(context), right(context))


@value_of("logical_expression", "logical_argument_expression")
def _logical(node: Node, source: Source) -> Value:
    left_node, operator, right_node = node.children
    name = source.of(operator).strip().lower()
    left, right = value(left_node, source), value(right_node, source)
    if name == "-and":
        return lambda context: to_bool(left(context)) and to_bool(right(context))
    if name == "-or":
        return lambda context: to_bool(left(context)) or to_bool(right(context))
    return lambda context: to_bool(left(context)) is not to_bool(right(context))


_UNARY: dict[str, Callable[[Any], Any]] = {
    "-not": lambda held: not to_bool(held),
    "!": lambda held: not to_bool(held),
    "-bnot": arithmetic.complement,
    "+": arithmetic.plus,
    "-": arithmetic.negate,
    "-split": matching.words,
    "-join": matching.join,
    ",": lambda held: [held],
}


@value_of("expression_with_unary_operator")
def _unary(node: Node, source: Source) -> Value:
    operator, operand_node = node.children
    name = source.of(operator).strip().lower()
    compute = _UNARY[name]
    operand = value(operand_node, source)
    if name == "-" and (literal := _negative_literal(operand_node, operand)) is not None:
        return literal
    return lambda context: compute(operand(context))


def _negative_literal(node: Node, operand: Value) -> Value | None:
    """-2147483648 is an Int32 though 2147483648 alone is not."""
    if unwrap(node).type != "decimal_integer_literal":
        return None

    def negative(context: Context) -> Any:
        held = operand(context)
        return int(-held) if int(held) == 2**31 else arithmetic.negate(held)

    return negative


@value_of("cast_expression")
def _cast(node: Node, source: Source) -> Value:
    text = type_text(node.children[0], source)
    operand = value(node.children[1], source)
    line = source.line(node.start_byte)

    def cast(context: Context) -> Any:
        held = operand(context)
        try:
            name = resolve(text)
            return None if name == "System.Void" else convert(context.engine, held, name)
        except Refused as refusal:
            refusal.line = refusal.line or line
            raise

    return cast


@value_of("pre_increment_expression", "pre_decrement_expression")
def _before(node: Node, source: Source) -> Value:
    return step(node.children[1], source, 1 if node.type == "pre_increment_expression" else -1, after=False)


@value_of("post_increment_expression", "post_decrement_expression")
def _after(node: Node, source: Source) -> Value:
    return step(node.children[0], source, 1 if node.type == "post_increment_expression" else -1, after=True)
