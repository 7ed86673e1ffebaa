"""Owns the syntax tree of a script, and the few questions that rules ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser, Query, QueryCursor

KINDS = frozenset(
    {
        "assignment_expression",
        "attribute_argument",
        "class_statement",
        "command",
        "comment",
        "comparison_operator",
        "enum_statement",
        "file_redirection_operator",
        "flow_control_statement",
        "foreach_statement",
        "function_statement",
        "generic_token",
        "invokation_expression",
        "member_access",
        "merging_redirection_operator",
        "pipeline_chain_tail",
        "post_decrement_expression",
        "post_increment_expression",
        "pre_decrement_expression",
        "pre_increment_expression",
        "range_expression",
        "redirection",
        "script_parameter",
        "stop_parsing",
        "type_literal",
        "variable",
    }
)
"""What rules may ask for. All are found in one pass of the library's own, ten times as fast as a walk in Python."""


@lru_cache(maxsize=1)
def _language() -> Language:
    return Language(tree_sitter_powershell.language())


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(_language())


@lru_cache(maxsize=1)
def _query() -> Query:
    return Query(_language(), "\n".join(f"({kind}) @{kind}" for kind in sorted(KINDS)))


class Script:
    """A parsed script: its text and its tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parser().parse(text.encode("utf-8"))  # keeps the nodes alive
        self.root = self._tree.root_node

    @cached_property
    def _kinds(self) -> Mapping[str, list[Node]]:
        """The nodes that rules ask for, by their kind, each in the order of the text."""
        found = QueryCursor(_query()).captures(self.root)
        return {kind: sorted(nodes, key=_place) for kind, nodes in found.items()}

    @cached_property
    def broken(self) -> list[Node]:
        """The nodes that are not right, or that hold one that is not, in the order of the text."""
        return [node for node in walk(self.root) if node.has_error] if self.root.has_error else []

    def of(self, *kinds: str) -> Iterator[Node]:
        """The nodes of these KINDS, kind by kind, each in the order of the text."""
        assert KINDS.issuperset(kinds)
        return chain.from_iterable(self._kinds.get(kind, ()) for kind in kinds)

    @cached_property
    def functions(self) -> dict[str, tuple[str, ...]]:
        """The script's own functions by lower-case name, with their parameters."""
        return {
            words(name).lower(): tuple(_parameters(node))
            for node in self.of("function_statement")
            if (name := child(node, "function_name")) is not None
        }

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in the script's own param block."""
        return tuple(_parameters(self.root))

    @cached_property
    def assigned(self) -> dict[str, set[str]]:
        """For each variable by lower-case name, the kinds of value that it is ever given: see `kind_of`."""
        found: dict[str, set[str]] = {}
        for node in self.of("assignment_expression"):
            target = bare(node.children[0])
            if target.type == "variable" and words(node.children[1]) == "=":
                found.setdefault(words(target).lower(), set()).add(kind_of(node.children[-1]))
        for node in (*self.of("script_parameter"), *self.of("foreach_statement")):
            if (variable := child(node, "variable")) is not None:
                found.setdefault(words(variable).lower(), set()).add("foreign")
        return found


def _place(node: Node) -> tuple[int, int]:
    """Where it begins, and the outer before the inner."""
    return node.start_byte, -node.end_byte


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(found.children))


def words(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8")


def bare(node: Node) -> Node:
    """The node without the wrappers that the grammar puts around every expression."""
    while node.child_count == 1 and (node.type.endswith("_expression") or node.type in ("pipeline", "pipeline_chain")):
        node = node.children[0]
    return node


def child(node: Node, kind: str) -> Node | None:
    """The first direct child of this kind."""
    return next((found for found in node.children if found.type == kind), None)


def command_name(command: Node) -> str:
    """The name of a command as written; empty where it is not a plain word, as in `& $x`."""
    name = child(command, "command_name")
    return words(name) if name is not None else ""


def arguments(command: Node) -> list[Node]:
    """The parameters, arguments and redirections of a command."""
    elements = child(command, "command_elements")
    return [] if elements is None else [node for node in elements.children if node.type != "command_argument_sep"]


def invoked(command: Node) -> Node | None:
    """What stands behind `&` or `.`, or None for an ordinary command."""
    return child(command, "command_name_expr")


def literal(node: Node) -> str | None:
    """The text of a string without its quotes, or None for anything else."""
    node = bare(node)
    if node.type != "string_literal":
        return None
    return words(node).strip("@\r\n")[1:-1]


def kind_of(value: Node) -> str:
    """What an expression certainly is.

    "array", "hashtable", "object" (of New-Object), "command" (none, one or many objects) or "other".
    """
    node = bare(value)
    if node.type == "array_expression" or (node.type == "array_literal_expression" and node.child_count > 1):
        return "array"
    if node.type == "hash_literal_expression":
        return "hashtable"
    last = node.children[-1] if node.type == "pipeline_chain" else node
    if last.type != "command":
        return "other"
    return "object" if command_name(last).lower() == "new-object" else "command"


def block_of(node: Node) -> Node:
    """The script block, or the whole script, whose variables the node sees as its own."""
    while node.parent is not None and node.type not in ("script_block", "program"):
        node = node.parent
    return node


def member(node: Node) -> str:
    """The last member name of a member access or method call, lower-case; empty where it is computed."""
    name = next((found for found in reversed(node.children) if found.type == "member_name"), None)
    if name is None or name.children[0].type != "simple_name":
        return ""
    return words(name).lower()


def static_type(node: Node) -> str:
    """`x.y` of `[System.X.Y]::Member`, lower-case; empty for an instance member."""
    found = node.children[0]
    if found.type != "type_literal":
        return ""
    return words(found).strip("[]").lower().removeprefix("system.")


def _parameters(node: Node) -> Iterator[str]:
    """The parameters of the first param block that belongs to the script or function itself."""
    body = child(node, "script_block") or node
    block = child(body, "param_block")
    for found in walk(block) if block is not None else ():
        if found.type == "script_parameter" and (variable := child(found, "variable")) is not None:
            yield words(variable).lstrip("$")
