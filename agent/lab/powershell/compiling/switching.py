"""Owns the switch statement."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.lab.powershell.comparison import equal
from agent.lab.powershell.compiling.blocks import block_code
from agent.lab.powershell.compiling.dispatch import Run, Value, Write, child, need, unwrap, value
from agent.lab.powershell.compiling.literals import bare_word, number, pipeline_value
from agent.lab.powershell.compiling.loops import once, walk
from agent.lab.powershell.compiling.statements import block
from agent.lab.powershell.conversion import to_bool
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.matching import expression, groups, like
from agent.lab.powershell.scope import MISSING, Context
from agent.lab.powershell.scriptblock import ScriptBlock
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.text import to_string

Test = Callable[[Context, Any], bool]


@dataclass(frozen=True, slots=True)
class _Clause:
    test: Test | None  # None: default
    body: Run


def switch_statement(node: Node, source: Source, label: str | None) -> Run:
    """Compile a switch; every clause that fits runs, until break."""
    head = need(node, "switch_condition")
    if child(head, "switch_filename") is not None:
        raise ScriptError("switch -file is not supported", node.start_byte)
    options = child(node, "switch_parameters")
    words = {source.of(each).strip().lower() for each in options.children} if options else set()
    held = pipeline_value(need(head, "pipeline"), source)
    listed = child(need(node, "switch_body"), "switch_clauses")
    clauses = (
        [_clause(each, source, words) for each in listed.children if each.type == "switch_clause"] if listed else []
    )
    return _run(held, clauses, label)


def _run(held: Value, clauses: list[_Clause], label: str | None) -> Run:
    def run(context: Context, write: Write) -> None:
        values = context.scope.values
        before = values.get("_", MISSING)
        try:
            for item in walk(held(context)):
                context.engine.check()
                values["_"] = item
                if not once(_item(clauses, item), context, write, label):
                    return
        finally:
            if before is MISSING:
                values.pop("_", None)
            else:
                values["_"] = before

    return run


def _item(clauses: list[_Clause], item: Any) -> Run:
    def run(context: Context, write: Write) -> None:
        found = False
        for clause in clauses:
            if clause.test is not None and clause.test(context, item):
                found = True
                context.scope.values["_"] = item
                clause.body(context, write)
        for clause in clauses:
            if clause.test is None and not found:
                clause.body(context, write)

    return run


def _clause(node: Node, source: Source, words: set[str]) -> _Clause:
    condition = need(node, "switch_clause_condition")
    body = block(node, source)
    if condition.child_count == 0:
        text = source.of(condition).strip()
        if text.lower() == "default":
            return _Clause(None, body)
        return _Clause(_test(_word(text, source.line(condition.start_byte)), words), body)
    inner = unwrap(condition.children[0])
    if inner.type == "script_block_expression":
        code = block_code(inner, source)
        return _Clause(lambda context, item: to_bool(_call(context, ScriptBlock(code), item)), body)
    return _Clause(_test(value(inner, source), words), body)


def _call(context: Context, code: ScriptBlock, item: Any) -> Any:
    items = code.collect(context, [], underscore=item)
    return items[0] if len(items) == 1 else items


def _word(text: str, line: int) -> Value:
    """A bare clause: a number where it reads as one, else a word."""
    if text.startswith("$"):
        raise ScriptError(f"the switch clause {text}: write ({text})", 0)
    try:
        held = number(text)
    except ValueError:
        return bare_word(text, line)
    return lambda context: held


def _test(pattern: Value, words: set[str]) -> Test:
    case = "-casesensitive" in words
    if "-regex" in words:
        flags = 0 if case else re.IGNORECASE

        def search(context: Context, item: Any) -> bool:
            found = expression(to_string(pattern(context)), flags).search(to_string(item))
            if found:
                context.scope.values["matches"] = groups(found)
            return found is not None

        return search
    if "-wildcard" in words:
        return lambda context, item: like(to_string(item), to_string(pattern(context)), case)
    return lambda context, item: equal(item, pattern(context), case)
