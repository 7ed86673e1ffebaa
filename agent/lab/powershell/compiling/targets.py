"""Owns what stands left of an assignment, and `++` and `--`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell import arithmetic
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling import variables
from agent.lab.powershell.compiling.dispatch import Value, need, unwrap, value, value_of
from agent.lab.powershell.compiling.literals import pipeline_value, type_text
from agent.lab.powershell.compiling.members import index_value, member_name
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.members import get_index, get_member, set_index, set_member, set_static
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import resolve, type_name

Assign = variables.Assign
_COMPOUND: dict[str, Callable[[Any, Any], Any]] = {
    "+=": arithmetic.add,
    "-=": arithmetic.subtract,
    "*=": arithmetic.multiply,
    "/=": arithmetic.divide,
    "%=": arithmetic.remainder,
}


@value_of("assignment_expression")
def _assignment(node: Node, source: Source) -> Value:
    left = unwrap(node.children[0].children[0])
    operator = source.of(node.children[1]).strip()
    right = pipeline_value(node.children[2], source)
    if operator == "=":
        put = target(left, source)

        def assign(context: Context) -> Any:
            held = right(context)
            put(context, held)
            return held

        return assign
    compute = _COMPOUND[operator]
    change = _change(left, source)
    return lambda context: change(context, lambda old: compute(old, right(context)))[1]


def target(node: Node, source: Source) -> Assign:
    """Compile what an assignment writes to."""
    if node.type == "variable":
        return variables.assign(variables.name_of(node, source), node.start_byte)
    if node.type == "cast_expression":
        return _typed(node, source)
    if node.type == "array_literal_expression":
        return _several([target(unwrap(each), source) for each in node.children if each.type != ","])
    if node.type == "member_access":
        return _member(node, source)
    if node.type == "element_access":
        return _element(node, source)
    raise ScriptError("the assignment expression is not valid: nothing can be assigned there", node.start_byte)


def _typed(node: Node, source: Source) -> Assign:
    inner = unwrap(node.children[1])
    if inner.type != "variable":
        raise ScriptError("a type in front of something that is not a variable", node.start_byte)
    text, name = type_text(node.children[0], source), variables.name_of(inner, source)

    def put(context: Context, held: Any) -> None:
        variables.assign(name, node_start, resolve(text))(context, held)

    node_start = node.start_byte
    return put


def _several(targets: list[Assign]) -> Assign:
    def put(context: Context, held: Any) -> None:
        items = list(held) if isinstance(held, list) else [held]
        for position, each in enumerate(targets[:-1]):
            each(context, items[position] if position < len(items) else None)
        rest = items[len(targets) - 1 :]
        targets[-1](context, rest[0] if len(rest) == 1 else (rest or None))

    return put


def _member(node: Node, source: Source) -> Assign:
    base, name = value(node.children[0], source), member_name(need(node, "member_name"), source)
    if node.children[1].type == "::":
        return lambda context, held: set_static(context.engine, base(context), name(context), held)
    return lambda context, held: set_member(context, base(context), name(context), held)


def _element(node: Node, source: Source) -> Assign:
    base, key = value(node.children[0], source), index_value(node, source)
    return lambda context, held: set_index(base(context), key(context), held)


Change = Callable[[Context, Callable[[Any], Any]], tuple[Any, Any]]


def _change(node: Node, source: Source) -> Change:
    """Compile reading, computing and writing back, evaluating the target's parts once; gives (old, new)."""
    if node.type in ("variable", "cast_expression"):
        put = target(node, source)
        read = value(node.children[1] if node.type == "cast_expression" else node, source)

        def change(context: Context, compute: Callable[[Any], Any]) -> tuple[Any, Any]:
            old = read(context)
            new = compute(old)
            put(context, new)
            return old, new

        return change
    if node.type in ("member_access", "element_access"):
        return _change_part(node, source)
    raise ScriptError("the assignment expression is not valid: nothing can be assigned there", node.start_byte)


def _change_part(node: Node, source: Source) -> Change:
    base = value(node.children[0], source)
    is_member = node.type == "member_access"
    if is_member and node.children[1].type == "::":
        raise ScriptError("changing a static property", node.start_byte)
    key = member_name(need(node, "member_name"), source) if is_member else index_value(node, source)

    def change(context: Context, compute: Callable[[Any], Any]) -> tuple[Any, Any]:
        held, name = base(context), key(context)
        old = get_member(context, held, to_string(name)) if is_member else get_index(held, name)
        new = compute(old)
        if is_member:
            set_member(context, held, to_string(name), new)
        else:
            set_index(held, name, new)
        return old, new

    return change


def step(node: Node, source: Source, by: int, *, after: bool) -> Value:
    """Compile `++` and `--`."""
    change = _change(unwrap(node), source)

    def next_value(old: Any) -> Any:
        if old is not None and not arithmetic.is_number(old):
            raise ClrError(
                f"The '{'++' if by > 0 else '--'}' operator works only on numbers. The operand is a "
                f"'{type_name(old)}'.",
                arithmetic.RUNTIME,
            )
        return arithmetic.add(0 if old is None else old, by)

    def run(context: Context) -> Any:
        old, new = change(context, next_value)
        return (0 if old is None else old) if after else new

    return run
