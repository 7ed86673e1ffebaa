"""Owns the rules of the house: a script that an administrator reviews in five minutes and trusts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from agent.lint.objection import Objection, Rule, at
from agent.lint.tree import Script, bare, block_of, child, command_name, invoked, literal, member, static_type, words

HEADER = ("What it does:", "Arguments:", "Answers:", "Undo:")
PREFERENCE = "$erroractionpreference"


def header(script: Script) -> Iterator[Objection]:
    """The first line says whether the script reads or writes; the header says what it takes, answers and undoes."""
    first, *_ = script.text.splitlines() or [""]
    if not re.fullmatch(r"# \S+\.ps1 - (READS|WRITES)\b.*", first):
        yield at(script.root, "header", "the first line does not say", "write `# name.ps1 - READS.` or `- WRITES ...`")
    comments = " ".join(words(node) for node in script.of("comment"))
    for part in HEADER:
        if part not in comments:
            yield at(script.root, "header", f"the header lacks `{part}`", "write it")


def stops_at_errors(script: Script) -> Iterator[Objection]:
    """The first statement makes every error end the script: what goes on after one proves nothing."""
    statements = child(script.root, "statement_list")
    first = words(statements.children[0]) if statements is not None and statements.children else ""
    if first.replace(" ", "").lower().rstrip(";") != f"{PREFERENCE}='stop'":
        yield at(
            statements or script.root,
            "stop",
            "errors do not end the script",
            "begin with $ErrorActionPreference = 'Stop'",
        )


def programs(script: Script) -> Iterator[Objection]:
    """A native program runs under Continue: one line on its error stream would end the script (domain 6.5)."""
    for command in script.of("command"):
        if program(command) is not None and _preference(script, command) != "Continue":
            advice = "set $ErrorActionPreference = 'Continue' before it"
            yield at(command, "program", "a line on the program's error stream would end the script", advice)


def hidden_calls(script: Script) -> Iterator[Objection]:
    """What is run must stand in the script."""
    for command in script.of("command"):
        name, called = command_name(command).lower(), invoked(command)
        if name == "invoke-expression":
            yield at(command, "hidden", "Invoke-Expression hides what is run", "write the command itself")
        elif called is not None and program(command) is None and not _is_block(called):
            yield at(command, "hidden", f"{words(called)} hides what is run", "name a program ending in .exe")
    for node in script.of("invokation_expression"):
        if (static_type(node), member(node)) == ("scriptblock", "create") or member(node) == "invokescript":
            yield at(node, "hidden", f".{member(node)} hides what is run", "write the block itself")


def plain_answers(script: Script) -> Iterator[Objection]:
    """A script answers with objects and ends by itself or by an error."""
    for command in script.of("command"):
        if command_name(command).lower() in ("write-host", "out-host", "read-host"):
            yield at(command, "answer", f"{command_name(command)} answers to nobody", "answer with New-Object PSObject")
    for node in script.of("flow_control_statement"):
        if words(node).lower().startswith("exit"):
            yield at(node, "answer", "exit ends the host of a remote session", "answer with an object, or throw")


def literal_ranges(script: Script) -> Iterator[Objection]:
    """`1..3` is read differently at different places."""
    for node in script.of("range_expression"):
        if node.child_count == 3:
            yield at(node, "range", f"the range {words(node)}", "write the numbers, or a loop")


RULES: tuple[Rule, ...] = (header, stops_at_errors, programs, hidden_calls, plain_answers, literal_ranges)


def program(command: Node) -> str | None:
    """The file name of the native program that a command runs, lower-case; None where it runs none."""
    called = invoked(command)
    path = command_name(command) if called is None else literal(called.children[0])
    if not path or not path.lower().endswith((".exe", ".cmd", ".bat", ".com", ".vbs")):
        return None
    return re.split(r"[\\/]", path)[-1].lower()


def _is_block(called: Node) -> bool:
    return bare(called.children[0]).type == "script_block_expression"


def _preference(script: Script, command: Node) -> str | None:
    """The $ErrorActionPreference last assigned before the command, in the block that the command belongs to."""
    home, found = _function_of(command), None
    for node in script.of("assignment_expression"):
        target = bare(node.children[0])
        if node.start_byte < command.start_byte and words(target).lower() == PREFERENCE:
            found = literal(node.children[-1]) if _function_of(node) == home else found
    return found


def _function_of(node: Node) -> Node:
    """The function, worker block or script around a node; blocks that cmdlets run share their caller's variables."""
    block = block_of(node)
    while block.type == "script_block" and child(block, "param_block") is None and not _is_body(block):
        block = block_of(block.parent) if block.parent is not None else block
    return block


def _is_body(block: Node) -> bool:
    return block.parent is not None and block.parent.type == "function_statement"
