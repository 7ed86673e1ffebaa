"""Owns numbers, strings, arrays, hashtables, script blocks and type names as they are written."""

from __future__ import annotations

import decimal
import re
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling.dispatch import CHAIN, Run, Value, child, gathered, run, unwrap, value, value_of
from agent.lab.powershell.compiling.strings import expandable, unescaped
from agent.lab.powershell.conversion import fit
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.types import TypeObject, find_type, is_exception_name, resolve
from agent.lab.powershell.values import INT32_HIGH, Hashtable, Long

_UNITS = {"": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
_PARTS = re.compile(r"(0x[0-9a-f]+?|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)([ld]?)((?:[kmgtp]b)?)")


def number(text: str) -> Any:
    """The value of a numeric literal (language specification 2.3.5.1); ValueError where it is none."""
    found = _PARTS.fullmatch(text.lower())
    if not found:
        raise ValueError(text)
    digits, suffix, unit = found.groups()
    scale = _UNITS[unit]
    if digits.startswith("0x"):
        return _hexadecimal(int(digits, 16), suffix, scale)
    if suffix == "d":
        return decimal.Decimal(digits) * scale
    if suffix == "l":
        return Long(int(digits) * scale)
    if re.fullmatch(r"\d+", digits):
        return fit(int(digits) * scale)
    return float(digits) * scale


def _hexadecimal(whole: int, suffix: str, scale: int) -> Any:
    if whole > INT32_HIGH and whole <= 0xFFFFFFFF and not suffix:
        whole -= 2**32  # 0xFFFFFFFF is -1
    return Long(whole * scale) if suffix == "l" else fit(whole * scale)


@value_of("decimal_integer_literal", "hexadecimal_integer_literal", "real_literal")
def _number(node: Node, source: Source) -> Value:
    if node.start_byte in source.strings:
        return _string(node, source)
    try:
        held = number(source.of(node).strip())
    except ValueError:
        raise ScriptError(f"the number {source.of(node)}", node.start_byte) from None
    return lambda context: held


@value_of("verbatim_string_characters")
def _string(node: Node, source: Source) -> Value:
    literal = source.strings[node.start_byte + len(source.of(node)) - len(source.of(node).lstrip())]
    if literal.bare and not _in_arguments(node):
        raise ScriptError(f"Unexpected token '{literal.body}' in expression or statement", node.start_byte)
    if literal.expandable:
        return _expandable(literal.body, source.line(literal.body_start), literal.here, node.start_byte)
    held = literal.body if literal.here else literal.body.replace("''", "'")
    return lambda context: held


def _expandable(body: str, line: int, here: bool, offset: int) -> Value:
    """Compile a string; what is wrong inside it is reported where it starts."""
    try:
        return expandable(body, line, here)
    except ScriptError as error:
        raise ScriptError(error.reason, offset) from None


def _in_arguments(node: Node) -> bool:
    """Whether the node is an argument of a command, where a bare word is a string."""
    above = node.parent
    while above is not None and above.type in CHAIN:
        above = above.parent
    return above is not None and above.type in ("command_elements", "command_name_expr", "redirected_file_name")


@value_of("parenthesized_expression")
def _parenthesized(node: Node, source: Source) -> Value:
    return pipeline_value(node.children[1], source)


def pipeline_value(node: Node, source: Source) -> Value:
    """The value of a statement where one is wanted: an expression as it is, commands gathered."""
    if node.type == "pipeline" and node.child_count == 1:
        inner = unwrap(node.children[0])
        if inner.type == "assignment_expression" or not _is_commands(inner):
            return value(inner, source)
    statement = run(node, source)

    def gather(context: Context) -> Any:
        items: list[Any] = []
        statement(context, items.append)
        return gathered(items)

    return gather


def gathering(node: Node, source: Source) -> Run | None:
    """The statements inside a `( )` or `$( )` whose value may be nothing at all; None for any other expression."""
    if node.type == "sub_expression":
        return _statements(node, source)
    if node.type != "parenthesized_expression":
        return None
    inner = node.children[1]
    if inner.type == "pipeline" and inner.child_count == 1:
        held = unwrap(inner.children[0])
        if held.type in ("parenthesized_expression", "sub_expression"):
            return gathering(held, source)
        if not _is_commands(held):
            return None
    return run(inner, source)


def items_of(statements: Run, context: Context) -> list[Any]:
    """What the statements put out."""
    items: list[Any] = []
    statements(context, items.append)
    return items


def _is_commands(node: Node) -> bool:
    return node.type in ("command", "pipeline_chain")


def _statements(node: Node, source: Source) -> Run:
    from agent.lab.powershell.compiling.statements import statement_list

    inner = child(node, "statement_list")
    return statement_list(inner, source)


@value_of("sub_expression")
def _sub_expression(node: Node, source: Source) -> Value:
    body = _statements(node, source)

    def gather(context: Context) -> Any:
        items: list[Any] = []
        body(context, items.append)
        return gathered(items)

    return gather


@value_of("array_expression")
def _array_expression(node: Node, source: Source) -> Value:
    body = _statements(node, source)

    def gather(context: Context) -> Any:
        items: list[Any] = []
        body(context, items.append)
        return items

    return gather


@value_of("array_literal_expression")
def _array_literal(node: Node, source: Source) -> Value:
    parts = [value(each, source) for each in node.children if each.type != ","]
    return lambda context: [part(context) for part in parts]


@value_of("hash_literal_expression")
def _hashtable(node: Node, source: Source) -> Value:
    body = child(node, "hash_literal_body")
    entries = [_entry(each, source) for each in body.children if each.type == "hash_entry"] if body else []

    def build(context: Context) -> Hashtable:
        table = Hashtable()
        for key, held in entries:
            name = key(context)
            if name is None:
                raise ClrError("A null key is not allowed in a hash literal.", "System.ArgumentNullException")
            if name in table:
                raise ClrError(
                    f"Duplicate keys '{name}' are not allowed in hash literals.",
                    "System.Management.Automation.RuntimeException",
                )
            table.put(name, held(context))
        return table

    return build


def _entry(node: Node, source: Source) -> tuple[Value, Value]:
    key = unwrap(node.children[0].children[0])
    statement = next(each for each in node.children[2:] if each.is_named)
    if key.type == "simple_name":
        name = source.of(key).strip()
        return (lambda context: name), pipeline_value(statement, source)
    return value(key, source), pipeline_value(statement, source)


@value_of("script_block_expression")
def _script_block(node: Node, source: Source) -> Value:
    from agent.lab.powershell.compiling.blocks import block_code
    from agent.lab.powershell.scriptblock import ScriptBlock

    code = block_code(node, source)
    return lambda context: ScriptBlock(code)


def type_text(node: Node, source: Source) -> str:
    """The name between the brackets of a type literal."""
    return source.of(node).strip()[1:-1].strip()


@value_of("type_literal")
def _type(node: Node, source: Source) -> Value:
    text = type_text(node, source)
    line = source.line(node.start_byte)

    def literal(context: Context) -> TypeObject:
        try:
            return TypeObject(resolve(text))
        except Refused as refusal:
            if is_exception_name(text) and find_type(text) is None:
                return TypeObject(text)
            refusal.line = refusal.line or line
            raise

    return literal


def bare_word(text: str, line: int) -> Value:
    """A generic token of a command: variables in it expand, backticks escape."""
    if "$" not in text and "`" not in text:
        return lambda context: text
    if "$" not in text:
        held = unescaped(text)
        return lambda context: held
    return expandable(text, line, here=True)
