"""Owns running a pipeline: begin in order, objects pushed from stage to stage, end in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord, Refused, Terminate
from agent.lab.powershell.failures import category_of, error_id
from agent.lab.powershell.resolution import Stage, stage
from agent.lab.powershell.scope import MISSING, Context

if TYPE_CHECKING:
    from agent.lab.powershell.compiling.redirecting import Redirection
    from agent.lab.powershell.engine import Engine

Write = Callable[[Any], None]
Value = Callable[[Context], Any]
MAXIMUM_DEPTH = 1000  # PowerShell 2.0 ends a script that nests deeper


@dataclass(frozen=True, slots=True)
class Command:
    """One compiled command: what to call, how to gather its arguments, its redirections."""

    head: Value
    gathers: tuple[Callable[[Context, list[Any]], None], ...]
    redirections: tuple[Redirection, ...] = ()
    dotted: bool = False
    line: int = 0


def run_pipeline(context: Context, commands: Sequence[Command], write: Write, items: Iterable[Any] | None) -> None:
    """Run the commands; `items` feed the first one, None lets it run once without input."""
    calls = [_call(context, command) for command in commands]
    closers: list[Callable[[], None]] = []
    stages: list[Stage] = []
    following = write
    for command, (head, arguments) in zip(reversed(commands), reversed(calls), strict=True):
        made = _stage(context, command, head, arguments, following, closers)
        stages.insert(0, made)
        following = made.process
    context.engine.check()
    drive(stages, items, context.engine)
    for close in closers:
        close()
    context.engine.ok = not any(getattr(each, "failed", False) for each in stages)


def _call(context: Context, command: Command) -> tuple[Any, list[Any]]:
    """The command's name or block and its arguments, evaluated before any command runs."""
    head = command.head(context)
    arguments: list[Any] = []
    for gather in command.gathers:
        gather(context, arguments)
    return head, arguments


def _stage(
    context: Context,
    command: Command,
    head: Any,
    arguments: list[Any],
    write: Write,
    closers: list[Callable[[], None]],
) -> Stage:
    redirected = False
    for redirection in command.redirections:
        opened = redirection.open(context, write)
        context, write = opened.context, opened.write
        closers.append(opened.close)
        redirected = redirected or redirection.stream == "2"
    try:
        return stage(context, head, arguments, write, dotted=command.dotted, line=command.line, redirected=redirected)
    except ClrError as error:
        raise Terminate(_record(error, command, context)) from error
    except Refused as refusal:
        refusal.line = refusal.line or command.line
        raise


def _record(error: ClrError, command: Command, context: Context) -> ErrorRecord:
    source = context.source
    text = source.line_text(command.line) if source is not None else ""
    return ErrorRecord(error, error_id(error), category_of(error), line=command.line, text=text)


def drive(stages: Sequence[Stage], items: Iterable[Any] | None, engine: Engine) -> None:
    """Begin all, feed the first, end all in order."""
    engine.depth += 1
    if engine.depth > MAXIMUM_DEPTH:
        raise Refused(f"calls nested deeper than {MAXIMUM_DEPTH}")
    try:
        _drive(stages, items)
    finally:
        engine.depth -= 1


def _drive(stages: Sequence[Stage], items: Iterable[Any] | None) -> None:
    for each in stages:
        each.begin()
    if items is None:
        stages[0].process(MISSING)
    else:
        for item in items:
            stages[0].process(item)
    for each in stages:
        each.end()


def feed(single: Stage, items: Iterable[Any]) -> None:
    """Run one stage over the items."""
    _drive([single], items)
