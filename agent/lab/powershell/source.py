"""Owns a script's text while it is compiled: its tree, its strings, its lines."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_powershell

from agent.lab.powershell.masking import Literal, ScriptError, mask

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
Node = tree_sitter.Node


@dataclass(slots=True)
class Source:
    """One text with the offsets of its lines; `first_line` counts where it stands inside another."""

    text: str
    strings: dict[int, Literal]
    starts: list[int]
    first_line: int = 1
    name: str = ""

    def line(self, offset: int) -> int:
        """The 1-based line of an offset."""
        return bisect.bisect_right(self.starts, offset) - 1 + self.first_line

    def line_text(self, line: int) -> str:
        """The text of a 1-based line."""
        position = line - self.first_line
        if not 0 <= position < len(self.starts):
            return ""
        end = self.starts[position + 1] if position + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[position] : end].rstrip("\r\n")

    def of(self, node: Node) -> str:
        """The source text of a node."""
        return self.text[node.start_byte : node.end_byte]


def parse(text: str, first_line: int = 1) -> tuple[Source, Node]:
    """The tree of a script; ScriptError where it is not PowerShell 2.0, or the grammar cannot be trusted with it."""
    masked = mask(text)
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    source = Source(text, masked.strings, starts, first_line)
    tree = _PARSER.parse(masked.text.encode("ascii"))
    if tree.root_node.has_error:
        _refuse_errors(tree.root_node, source)
    _refuse_traps(tree.root_node, source)
    return source, tree.root_node


def walk(node: Node) -> Iterator[Node]:
    """Every node below, parents first."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _refuse_errors(root: Node, source: Source) -> None:
    for node in walk(root):
        if node.is_missing or node.type == "ERROR":
            shown = " ".join(source.of(node).split())[:60]
            raise ScriptError(f"Unexpected token '{shown}' in expression or statement", node.start_byte)
    raise ScriptError("The text does not parse", 0)


_KEYWORD = re.compile(r"-?[A-Za-z]+")
_NOT_2_0 = {
    "class_statement": "class",
    "enum_statement": "enum",
    "inlinescript_statement": "inlinescript",
    "parallel_statement": "parallel",
    "sequence_statement": "sequence",
    "pipeline_chain_tail": "&& and ||",
    "invokation_foreach_expression": ".foreach",
    "stop_parsing": "--%",
    "verbatim_command_argument": "--%",
    "data_statement": "a data section",
    "foreach_parameter": "foreach -parallel",
}
_NOT_2_0_WORDS = {"-in", "-notin", "-shl", "-shr", "-cin", "-iin"}


def _refuse_traps(root: Node, source: Source) -> None:
    """Spellings the grammar takes for something else, and constructs later than 2.0."""
    text = source.text
    for node in walk(root):
        kind = node.type
        if kind in _NOT_2_0:
            raise ScriptError(f"{_NOT_2_0[kind]} is not PowerShell 2.0, or not supported", node.start_byte)
        if kind == "comment":
            raise ScriptError("a # that is joined to the text before it", node.start_byte)
        if node.child_count == 0 and _KEYWORD.fullmatch(kind) and not node.is_named:
            _refuse_joined(node, text)
        elif kind in ("element_access", "invokation_expression", "member_access", "argument_list"):
            _refuse_gap(node, text)
        elif kind == "assignement_operator" and source.of(node) == "!=":
            raise ScriptError("!= is not an operator", node.start_byte)
        elif kind == "\\":
            raise ScriptError("\\ is not an operator", node.start_byte)


def _refuse_joined(node: Node, text: str) -> None:
    word, behind = text[node.start_byte : node.end_byte].strip(), text[node.end_byte : node.end_byte + 1]
    if behind and (behind.isalnum() or behind in "_-") and word[-1:].isalnum():
        raise ScriptError(f"'{word}' joined to the text behind it", node.start_byte)
    if word.lower() in _NOT_2_0_WORDS:
        raise ScriptError(f"the operator {word} is not in PowerShell 2.0", node.start_byte)


def _refuse_gap(node: Node, text: str) -> None:
    """`$x [0]`, `$x.M (1)` and `$x. M` are something else in PowerShell."""
    for child in node.children:
        if child.type in ("[", ".", "::", "argument_list", "("):
            before = text[child.start_byte - 1 : child.start_byte]
            if child.type != "(" and before.isspace():
                raise ScriptError("a blank before an index, a member or its arguments", child.start_byte)
        elif child.type == "member_name" and text[child.start_byte - 1 : child.start_byte].isspace():
            raise ScriptError("a blank before a member name", child.start_byte)
