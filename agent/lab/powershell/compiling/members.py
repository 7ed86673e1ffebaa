"""Owns member access, method calls and indexing."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.compiling.dispatch import Value, child, need, unwrap, value, value_of
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.members import call_member, call_static, get_index, get_member, get_static
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.text import to_string


def member_name(node: Node, source: Source) -> Value:
    """The text behind the dot: written, quoted or computed."""
    written = _written(node, source)
    if written is not None:
        return lambda context: written
    computed = value(unwrap(node.children[0]), source)
    return lambda context: to_string(computed(context))


def _written(node: Node, source: Source) -> str | None:
    inner = unwrap(node.children[0])
    return source.of(inner).strip() if inner.type == "simple_name" else None


@value_of("member_access")
def _member(node: Node, source: Source) -> Value:
    base, name = value(node.children[0], source), member_name(need(node, "member_name"), source)
    line = source.line(node.start_byte)
    static = node.children[1].type == "::"
    written = _written(need(node, "member_name"), source)
    if written is not None and not static:
        return _plainly(base, written, line)

    def get(context: Context) -> Any:
        try:
            if static:
                return get_static(context.engine, base(context), name(context))
            return get_member(context, base(context), name(context))
        except Refused as refusal:
            refusal.line = refusal.line or line
            raise

    return get


def _plainly(base: Value, name: str, line: int) -> Value:
    """`$value.Name`, which scripts say more often than anything else."""

    def get(context: Context) -> Any:
        try:
            return get_member(context, base(context), name)
        except Refused as refusal:
            refusal.line = refusal.line or line
            raise

    return get


@value_of("invokation_expression")
def _call(node: Node, source: Source) -> Value:
    base, name = value(node.children[0], source), member_name(need(node, "member_name"), source)
    listed = child(need(node, "argument_list"), "argument_expression_list")
    arguments = [value(each, source) for each in listed.children if each.type != ","] if listed else []
    line = source.line(node.start_byte)
    static = node.children[1].type == "::"

    def call(context: Context) -> Any:
        held = base(context)
        text = name(context)
        given = [argument(context) for argument in arguments]
        context.engine.check()
        try:
            if static:
                return call_static(context.engine, held, text, given)
            return call_member(context, held, text, given)
        except Refused as refusal:
            refusal.line = refusal.line or line
            raise

    return call


def index_value(node: Node, source: Source) -> Value:
    """The value between the brackets of an element access."""
    inner = [each for each in node.children[1:] if each.is_named]
    return value(inner[0], source)


@value_of("element_access")
def _element(node: Node, source: Source) -> Value:
    base, key = value(node.children[0], source), index_value(node, source)
    return lambda context: get_index(base(context), key(context))
