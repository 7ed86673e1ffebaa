"""Owns while, do, for, foreach and switch, with their labels."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.compiling import variables
from agent.lab.powershell.compiling.dispatch import Run, Value, Write, child, need, run, run_of, unwrap
from agent.lab.powershell.compiling.literals import gathering, items_of, pipeline_value
from agent.lab.powershell.compiling.statements import block, condition_value
from agent.lab.powershell.conversion import iterate, to_bool
from agent.lab.powershell.errors import BreakFlow, ContinueFlow, Refused
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.values import Hashtable


def loop(node: Node, source: Source, label: str | None) -> Run:
    """Compile a loop or a switch that may carry a label."""
    if node.type == "switch_statement":
        from agent.lab.powershell.compiling.switching import switch_statement

        return switch_statement(node, source, label)
    makers = {
        "while_statement": _while,
        "do_statement": _do,
        "for_statement": _for,
        "foreach_statement": _foreach,
    }
    return makers[node.type](node, source, label)


@run_of("while_statement", "do_statement", "for_statement", "foreach_statement", "switch_statement")
def _unlabelled(node: Node, source: Source) -> Run:
    return loop(node, source, None)


def once(body: Run, context: Context, write: Write, label: str | None) -> bool:
    """Run a loop's body once; False when the loop is to end."""
    try:
        body(context, write)
    except BreakFlow as flow:
        if flow.label is not None and flow.label != label:
            raise
        return False
    except ContinueFlow as flow:
        if flow.label is not None and flow.label != label:
            raise
    return True


def _while(node: Node, source: Source, label: str | None) -> Run:
    condition, body = condition_value(need(node, "while_condition"), source), block(node, source)

    def run_while(context: Context, write: Write) -> None:
        check = context.engine.check
        while to_bool(condition(context)):
            check()
            if not once(body, context, write, label):
                return

    return run_while


def _do(node: Node, source: Source, label: str | None) -> Run:
    condition, body = condition_value(need(node, "while_condition"), source), block(node, source)
    wanted = any(each.type == "while" for each in node.children)

    def run_do(context: Context, write: Write) -> None:
        check = context.engine.check
        while True:
            check()
            if not once(body, context, write, label) or to_bool(condition(context)) is not wanted:
                return

    return run_do


def _part(node: Node, kind: str, source: Source) -> Run | None:
    part = child(node, kind)
    return run(part.children[0], source) if part else None


def _for(node: Node, source: Source, label: str | None) -> Run:
    start, step = _part(node, "for_initializer", source), _part(node, "for_iterator", source)
    part = child(node, "for_condition")
    condition: Value = condition_value(part, source) if part else lambda context: True
    body = block(node, source)

    def run_for(context: Context, write: Write) -> None:
        check = context.engine.check
        if start is not None:
            start(context, _drop)
        while to_bool(condition(context)):
            check()
            if not once(body, context, write, label):
                return
            if step is not None:
                step(context, _drop)

    return run_for


def _drop(held: Any) -> None:
    """The output of a for's parts goes nowhere."""


def _foreach(node: Node, source: Source, label: str | None) -> Run:
    name = variables.name_of(need(node, "variable"), source)
    put = variables.assign(name, node.start_byte)
    items, body = loop_items(need(node, "pipeline"), source), block(node, source)

    def run_foreach(context: Context, write: Write) -> None:
        check = context.engine.check
        for item in items(context):
            check()
            put(context, item)
            if not once(body, context, write, label):
                return

    return run_foreach


def loop_items(node: Node, source: Source) -> Value:
    """What foreach walks over: a scalar counts as one item, and so does $null (2.0)."""
    first = unwrap(node.children[0])
    commands = node.child_count == 1 and first.type in ("command", "pipeline_chain")
    statements = run(node, source) if commands else gathering(first, source)
    if statements is not None:
        return _gathered(statements, source.line(node.start_byte))
    held = pipeline_value(node, source)
    return lambda context: walk(held(context))


def _gathered(statements: Run, line: int) -> Value:
    def gather(context: Context) -> list[Any]:
        items = items_of(statements, context)
        if not items:
            raise Refused("foreach over a command that gave nothing (write @( ) around it)", line)
        return items if len(items) > 1 else walk(items[0])

    return gather


def walk(held: Any) -> list[Any]:
    """The items of a value; a hashtable and a string are one item."""
    if isinstance(held, (str, Hashtable)):
        return [held]
    items = iterate(held)
    return [held] if items is None else list(items)
