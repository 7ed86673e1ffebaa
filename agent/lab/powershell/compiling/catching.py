"""Owns try, catch and finally."""

from __future__ import annotations

from dataclasses import dataclass

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.compiling.dispatch import Run, Write, child
from agent.lab.powershell.compiling.literals import type_text
from agent.lab.powershell.compiling.statements import block
from agent.lab.powershell.errors import ErrorRecord, Terminate, let_go
from agent.lab.powershell.failures import thrown_record
from agent.lab.powershell.scope import MISSING, Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.traps import full_name, matched


@dataclass(frozen=True, slots=True)
class _Catch:
    kinds: tuple[str, ...]
    body: Run


def try_statement(node: Node, source: Source) -> Run:
    """Compile a try statement."""
    body = block(node, source)
    clauses = child(node, "catch_clauses")
    catches = [_catch(each, source) for each in clauses.children] if clauses else []
    last = child(node, "finally_clause")
    finish = block(last, source) if last else None
    guarded = _guarded(body, catches) if catches else body
    return _finally(guarded, finish) if finish else guarded


def _catch(node: Node, source: Source) -> _Catch:
    listed = child(node, "catch_type_list")
    kinds = [type_text(each, source) for each in listed.children if each.type == "type_literal"] if listed else []
    return _Catch(tuple(full_name(kind) for kind in kinds), block(node, source))


def _finally(body: Run, finish: Run) -> Run:
    def run(context: Context, write: Write) -> None:
        try:
            body(context, write)
        finally:
            context.engine.shielded(lambda: finish(context, write))

    return run


def _guarded(body: Run, catches: list[_Catch]) -> Run:
    def run(context: Context, write: Write) -> None:
        engine = context.engine
        before = engine.propagating
        engine.propagating = True
        try:
            body(context, write)
            return
        except (ClrError, Terminate) as error:
            caught = error if isinstance(error, Terminate) else Terminate(thrown_record(error))
        finally:
            engine.propagating = before
        clause, record = _choose(catches, caught.record)
        if clause is None:
            raise caught
        engine.remember(caught, context)
        let_go(caught)
        _handle(context, clause, record, write)

    return run


def _choose(catches: list[_Catch], record: ErrorRecord) -> tuple[_Catch | None, ErrorRecord]:
    for clause in catches:
        if clause.kinds and (error := matched(record, clause.kinds)):
            return clause, (record if error is record.error else record.about(error))
    return next((clause for clause in catches if not clause.kinds), None), record


def _handle(context: Context, clause: _Catch, record: ErrorRecord, write: Write) -> None:
    values = context.scope.values
    before = values.get("_", MISSING)
    values["_"] = record
    try:
        clause.body(context, write)
    finally:
        if before is MISSING:
            values.pop("_", None)
        else:
            values["_"] = before
