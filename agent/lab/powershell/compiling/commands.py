"""Owns pipelines of commands: their arguments, redirections, and running the stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell.binding import Flag
from agent.lab.powershell.compiling import variables
from agent.lab.powershell.compiling.dispatch import Run, Value, Write, child, emit, gathered, unwrap, value
from agent.lab.powershell.compiling.literals import bare_word, gathering, items_of
from agent.lab.powershell.compiling.redirecting import Redirection, redirection
from agent.lab.powershell.conversion import iterate
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.piping import Command, run_pipeline
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source
from agent.lab.powershell.stages import flags_of
from agent.lab.powershell.values import Hashtable

Gather = Callable[[Context, list[Any]], None]


def chain(node: Node, source: Source) -> Run:
    """Compile `expression | command | command` or a single command."""
    parts = [node] if node.type == "command" else [each for each in node.children if each.type != "|"]
    first = parts[0]
    redirected = next((each for each in parts[1:] if each.type == "redirections"), None)
    commands = [command(each, source) for each in parts if each.type == "command"]
    if first.type == "command":
        return lambda context, write: run_pipeline(context, commands, write, None)
    inner = gathering(unwrap(first), source)
    if inner is not None and redirected is None:
        return _piped(inner, commands)
    head = value(first, source)
    if redirected is not None:
        return _redirected(head, [redirection(each, source) for each in redirected.children], commands)
    void = unwrap(first).type == "invokation_expression"

    def run(context: Context, write: Write) -> None:
        held = head(context)
        items: list[Any] = []
        if held is not None or not void:
            emit(held, items.append)
        run_pipeline(context, commands, write, items)

    return run


def _piped(inner: Run, commands: list[Command]) -> Run:
    def run(context: Context, write: Write) -> None:
        kept = items_of(inner, context)
        items: list[Any] = []
        if kept:
            emit(gathered(kept), items.append)
        run_pipeline(context, commands, write, items)

    return run


def _redirected(head: Value, redirections: list[Redirection], commands: list[Command]) -> Run:
    if commands:
        raise ScriptError("a redirected expression that is piped on", 0)

    def run(context: Context, write: Write) -> None:
        with_target = redirections[0].open(context, write)
        emit(head(with_target.context), with_target.write)
        with_target.close()

    return run


def command(node: Node, source: Source) -> Command:
    """Compile one command."""
    operator = child(node, "command_invokation_operator")
    named = node.child_by_field_name("command_name")
    if named is None:
        raise ScriptError("a command without a name", node.start_byte)
    head = _name(named, source) if operator is None else _invoked(named, source)
    elements = child(node, "command_elements")
    gathers: list[Gather] = []
    redirections: list[Redirection] = []
    if elements is not None:
        _elements(elements, source, gathers, redirections, named.end_byte)
    dotted = operator is not None and source.of(operator).strip() == "."
    return Command(head, tuple(gathers), tuple(redirections), dotted, source.line(named.start_byte))


def _name(node: Node, source: Source) -> Value:
    text = source.of(node).strip()
    if text[:1].isdigit() or (text.startswith(".") and text[1:2].isdigit()):
        raise ScriptError(f"'{text}' at the start of an expression, where it reads as a command", node.start_byte)
    if any(char in text for char in "'\"$`=") or text.startswith("::"):
        raise ScriptError(f"the command name {text}", node.start_byte)
    return lambda context: text


def _invoked(node: Node, source: Source) -> Value:
    inner = unwrap(node.children[0])
    if inner.type == "command_name":
        return _name(inner, source)
    if inner.type == "path_command_name":
        parts = inner.children
        if len(parts) == 1 and parts[0].type == "variable":
            return value(parts[0], source)
        return bare_word(source.of(inner).strip(), source.line(inner.start_byte))
    return value(inner, source)


def _elements(node: Node, source: Source, gathers: list[Gather], redirections: list[Redirection], start: int) -> None:
    """Compile the arguments in order; `-Name:value` keeps its value."""
    pending: list[str] = []
    separated, colon = False, False
    for each in node.children:
        if each.type == "command_argument_sep":
            colon = ":" in source.of(each)
            separated = True
            if colon and not pending:
                raise ScriptError("a colon that belongs to no parameter", each.start_byte)
            continue
        joined = not separated and each.type not in ("script_block_expression", "parenthesized_expression")
        if joined or each.type == "argument_list":
            raise ScriptError(f"'{source.of(each)[:30]}' joined to the argument before it", each.start_byte)
        if not colon:
            _settle(pending, gathers)
        separated = False
        if each.type == "redirection":
            redirections.append(redirection(each, source))
        elif each.type == "command_parameter":
            pending.append(_parameter(each, source))
        elif each.type == "stop_parsing":
            raise ScriptError("--% is not in PowerShell 2.0", each.start_byte)
        else:
            gathers.append(_argument(each, source, pending.pop() if colon and pending else None))
        colon = False
    _settle(pending, gathers)


def _settle(pending: list[str], gathers: list[Gather]) -> None:
    if pending:
        name = pending.pop()
        gathers.append(lambda context, into: into.append(Flag(name)))


def _parameter(node: Node, source: Source) -> str:
    text = source.of(node).strip()
    behind = source.text[node.end_byte : node.end_byte + 1]
    if text.startswith("--") or "`" in text or not text[1:] or text[1:2] == "?":
        raise ScriptError(f"the argument {text}", node.start_byte)
    if behind and behind not in " \t\r\n:;|)}":
        raise ScriptError(f"the parameter {text}{behind}: joined to the text behind it", node.start_byte)
    return text[1:]


def _argument(node: Node, source: Source, name: str | None) -> Gather:
    held = _argument_value(node, source)
    if held is None:
        if name is not None:
            raise ScriptError("splatting as the value of a parameter", node.start_byte)
        return _splat(variables.name_of(unwrap(node), source))
    found: Value = held
    if name is not None:
        return lambda context, into: into.append(Flag(name, found(context)))
    return lambda context, into: into.append(found(context))


def _argument_value(node: Node, source: Source) -> Value | None:
    """The value of an argument; None for a splatted variable."""
    if node.type == "generic_token":
        text = source.of(node).strip()
        if "'" in text or '"' in text:
            raise ScriptError(f"the argument {text}: quotes inside a word", node.start_byte)
        if text[0] in ",!=" or "<" in text or (text[0] == "+" and text[1:2].isdigit()):
            raise ScriptError(f"the argument {text}", node.start_byte)
        return bare_word(text, source.line(node.start_byte))
    inner = unwrap(node)
    if inner.type == "variable" and source.of(inner).strip().startswith("@"):
        return None
    text = source.of(inner).strip()
    if text.startswith("["):
        if any(char in text for char in " ('\"$"):
            raise ScriptError(f"the argument {text[:30]}: write it in parentheses", inner.start_byte)
        return lambda context: text  # in argument mode [int]::MaxValue is the text
    if inner.type in ("post_increment_expression", "post_decrement_expression"):
        raise ScriptError(f"the argument {text[:30]}", inner.start_byte)
    if inner.type == "expression_with_unary_operator" and inner.children[0].type not in ("-", "+"):
        raise ScriptError(f"the argument {source.of(inner)[:30]}", inner.start_byte)
    if inner.type == "cast_expression":
        raise ScriptError("a cast as an argument: write it in parentheses", inner.start_byte)
    return value(inner, source)


def _splat(name: str) -> Gather:
    read = variables.read(name)

    def gather(context: Context, into: list[Any]) -> None:
        held = read(context)
        if isinstance(held, Hashtable):
            into.extend(flags_of(held))
            return
        items = None if isinstance(held, str) else iterate(held)
        into.extend([held] if items is None else items)

    return gather
