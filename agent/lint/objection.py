"""Owns what the lint says: one objection with its place, and the form in which a rule is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from agent.lint.tree import Script


@dataclass(frozen=True, slots=True, order=True)
class Objection:
    """One thing that is wrong with a script: where (from 1), which rule, what, and what to do about it."""

    line: int
    column: int
    rule: str
    message: str
    advice: str

    def __str__(self) -> str:
        """As one line for the operator."""
        return f"line {self.line}, column {self.column}: {self.message}; {self.advice} [{self.rule}]"


def at(node: Node, rule: str, message: str, advice: str) -> Objection:
    """An objection to this place of the script."""
    row, column = node.start_point
    return Objection(row + 1, column + 1, rule, message, advice)


Rule = Callable[[Script], Iterator[Objection]]
"""Looks at a whole script and yields what it objects to."""
