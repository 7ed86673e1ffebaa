"""Owns statement lists, pipelines as statements, if, flow control, trap: what an error does to the next statement."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling.dispatch import Run, Value, Write, child, emit, gathered, run, run_of, unwrap, value
from agent.lab.powershell.compiling.literals import gathering, items_of, pipeline_value, type_text
from agent.lab.powershell.conversion import convert, to_bool
from agent.lab.powershell.errors import (
    BreakFlow,
    ContinueFlow,
    ErrorRecord,
    ExitFlow,
    Refused,
    ReturnFlow,
    Terminate,
)
from agent.lab.powershell.failures import handle, thrown_record
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import Context, Scope
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.traps import Trap, choose

_SILENT = ("post_increment_expression", "post_decrement_expression")
_LOOPS = {"while_statement", "do_statement", "for_statement", "foreach_statement", "switch_statement"}


def statement_list(node: Node | None, source: Source) -> Run:
    """Compile the statements of a block; functions are defined as they are reached."""
    statements: list[tuple[Run, int]] = []
    traps: list[Trap] = []
    label: str | None = None
    for each in node.children if node else ():
        if each.type in ("empty_statement", "comment") or (not each.is_named and each.type == ";"):
            continue
        if each.type == "label":
            label = source.of(each).strip().lstrip(":").lower()
        elif each.type == "trap_statement":
            traps.append(_trap(each, source))
        else:
            statements.append((_labelled(each, source, label), source.line(each.start_byte)))
            label = None
    return _sequence(statements, traps, source)


def _labelled(node: Node, source: Source, label: str | None) -> Run:
    if node.type in _LOOPS:
        from agent.lab.powershell.compiling.loops import loop

        return loop(node, source, label)
    return run(node, source)


def _sequence(statements: list[tuple[Run, int]], traps: list[Trap], source: Source) -> Run:
    def sequence(context: Context, write: Write) -> None:
        check = context.engine.check
        for statement, line in statements:
            check()
            try:
                statement(context, write)
            except (ClrError, Terminate) as error:
                _after_error(context, error, line, source, traps, write)
            except Refused as refusal:
                refusal.line = refusal.line or line
                raise
            except RecursionError:
                raise Refused("recursion deeper than the lab allows", line) from None

    return sequence


def _after_error(
    context: Context, error: ClrError | Terminate, line: int, source: Source, traps: list[Trap], write: Write
) -> None:
    terminate = error if isinstance(error, Terminate) else Terminate(thrown_record(error))
    record = terminate.record
    if record.where.line_number == 0:
        record.where.line_number, record.where.text = line, source.line_text(line)
    context.engine.remember(terminate, context)
    context.engine.ok = False
    trap = choose(traps, record)
    if trap is None:
        handle(context, terminate)
        return
    outcome = trap.run(context, record, write)
    context.engine.ok = False
    if outcome == "break":
        raise terminate
    if outcome == "report":
        context.errors(record)


def _trap(node: Node, source: Source) -> Trap:
    kind = child(node, "type_literal")
    body = block(node, source)

    def handler(context: Context, record: ErrorRecord, write: Write) -> str:
        inner = context.inside(Scope(context.scope))
        inner.scope.values["_"] = record
        try:
            body(inner, write)
        except ContinueFlow:
            return "continue"
        except BreakFlow:
            return "break"
        return "report"

    return Trap(type_text(kind, source) if kind else None, handler)


def block(node: Node, source: Source) -> Run:
    """Compile the `{ }` of a statement."""
    braces = node if node.type == "statement_block" else child(node, "statement_block")
    if braces is None:
        raise ScriptError("a statement without its block", node.start_byte)
    return statement_list(child(braces, "statement_list"), source)


@run_of("pipeline")
def _pipeline(node: Node, source: Source) -> Run:
    from agent.lab.powershell.compiling.commands import chain

    if node.child_count != 1:
        raise ScriptError("&& and || are not in PowerShell 2.0", node.start_byte)
    inner = unwrap(node.children[0])
    if inner.type in ("pipeline_chain", "command"):
        return chain(inner, source)
    return _expression(inner, source)


def _expression(node: Node, source: Source) -> Run:
    inner = gathering(node, source)
    if inner is not None:
        return _gathered(inner)
    compute = value(node, source)
    kind = node.type
    if kind == "assignment_expression":

        def assign(context: Context, write: Write) -> None:
            compute(context)

        return assign
    silent = kind in _SILENT or _is_silent_unary(node, source)
    void = kind == "invokation_expression"

    def run_expression(context: Context, write: Write) -> None:
        held = compute(context)
        context.engine.ok = True
        if silent or (held is None and void):
            return
        emit(held, write)

    return run_expression


def _gathered(inner: Run) -> Run:
    def run_gathered(context: Context, write: Write) -> None:
        items = items_of(inner, context)
        context.engine.ok = True
        if items:
            emit(gathered(items), write)

    return run_gathered


def _is_silent_unary(node: Node, source: Source) -> bool:
    """++$i and [void] casts write nothing."""
    if node.type == "parenthesized_expression":
        return False
    inner = unwrap(node)
    if inner.type in ("pre_increment_expression", "pre_decrement_expression"):
        return True
    return inner.type == "cast_expression" and type_text(inner.children[0], source).lower() in ("void", "system.void")


@run_of("if_statement")
def _if(node: Node, source: Source) -> Run:
    arms: list[tuple[Value, Run]] = [(_condition(node, source), block(node, source))]
    clauses = child(node, "elseif_clauses")
    for each in clauses.children if clauses else ():
        arms.append((_condition(each, source), block(each, source)))
    last = child(node, "else_clause")
    otherwise = block(last, source) if last else None

    def run_if(context: Context, write: Write) -> None:
        for condition, body in arms:
            if to_bool(condition(context)):
                body(context, write)
                return
        if otherwise is not None:
            otherwise(context, write)

    return run_if


def _condition(node: Node, source: Source) -> Value:
    pipeline = child(node, "pipeline")
    if pipeline is None:
        raise ScriptError("an if without a condition", node.start_byte)
    return pipeline_value(pipeline, source)


@run_of("flow_control_statement")
def _flow(node: Node, source: Source) -> Run:
    word = node.children[0].type.lower()
    pipeline = child(node, "pipeline")
    if word in ("break", "continue"):
        return _leave_loop(word, node, source)
    if word == "return":
        return _return(run(pipeline, source) if pipeline else None)
    held = pipeline_value(pipeline, source) if pipeline else None
    return _exit(held) if word == "exit" else _throw(held, source.line(node.start_byte), source)


def _leave_loop(word: str, node: Node, source: Source) -> Run:
    label = child(node, "label_expression")
    name = source.of(label).strip().lower() if label else None
    if name is not None and not name.isidentifier():
        raise ScriptError(f"{word} with a computed label", node.start_byte)
    flow = BreakFlow if word == "break" else ContinueFlow

    def leave(context: Context, write: Write) -> None:
        raise flow(name)

    return leave


def _return(body: Run | None) -> Run:
    def leave(context: Context, write: Write) -> None:
        if body is not None:
            body(context, write)
        raise ReturnFlow

    return leave


def _exit(held: Value | None) -> Run:
    def leave(context: Context, write: Write) -> None:
        code = held(context) if held else 0
        raise ExitFlow(int(convert(context.engine, code, "System.Int32")))

    return leave


def _throw(held: Value | None, line: int, source: Source) -> Run:
    text = source.line_text(line)

    def throw(context: Context, write: Write) -> None:
        record = thrown_record(held(context) if held else None, context, explicit=True)
        if record.where.line_number == 0:
            record.where.line_number, record.where.text = line, text
        raise Terminate(record, thrown=True)

    return throw


@run_of("try_statement")
def _try(node: Node, source: Source) -> Run:
    from agent.lab.powershell.compiling.catching import try_statement

    return try_statement(node, source)


@run_of("function_statement")
def _function(node: Node, source: Source) -> Run:
    from agent.lab.powershell.compiling.blocks import function_statement

    return function_statement(node, source)


def condition_value(node: Node, source: Source) -> Value:
    """The condition of a loop."""
    inner: Any = node
    while inner.type != "pipeline":
        inner = inner.children[0]
    return pipeline_value(inner, source)
