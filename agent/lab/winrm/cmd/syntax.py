"""Owns the grammar of a command line as cmd.exe reads it: chains, pipes, groups, `if`, redirections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias


class CmdSyntaxError(Exception):
    """cmd.exe prints the message and gives up the whole line."""


@dataclass(frozen=True, slots=True)
class Redirection:
    """`1>file`, `2>>file`, `2>&1`, `<file`; `stream` 0 is input."""

    stream: int
    target: str  # a file name, or "&1"
    append: bool = False


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments, quotes and blanks as they were written."""

    text: str
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`( ... )`."""

    body: Node
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """Two commands joined by `&`, `&&`, `||` or `|`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class If:
    """`if [not] exist|defined|errorlevel|a==b`, with `else` where the first branch was a group."""

    test: str  # exist, defined, errorlevel, equal
    operands: tuple[str, ...]
    negated: bool
    ignores_case: bool
    then: Node
    otherwise: Node | None = None


Node: TypeAlias = "Simple | Group | Chain | If"

_WORD = re.compile(r'(?:"[^"\n]*"?|[^\s"&|<>()])+')
_BREAK = "&|<>"


def parse(line: str) -> Node | None:
    """The tree of a line whose variables are already expanded; None for an empty one."""
    parser = _Parser(line)
    node = parser.sequence()
    if not parser.at_end:
        raise CmdSyntaxError(f"{parser.rest[0]} was unexpected at this time.")
    return node


class _Parser:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._depth = 0

    @property
    def rest(self) -> str:
        return self._line[self._at :]

    @property
    def at_end(self) -> bool:
        self._skip()
        return self._at >= len(self._line)

    def sequence(self) -> Node | None:
        """Lowest level: commands one after the other."""
        return self._joined(("&", "\n"), self._either)

    def _either(self) -> Node | None:
        return self._joined(("||",), self._both)

    def _both(self) -> Node | None:
        return self._joined(("&&",), self._piped)

    def _piped(self) -> Node | None:
        return self._joined(("|",), self._command)

    def _joined(self, operators: tuple[str, ...], part: object) -> Node | None:
        assert callable(part)
        node: Node | None = part()
        while (operator := self._operator()) in operators:
            self._at += len(operator)
            right = part()
            if right is None and operator not in ("&", "\n"):
                raise CmdSyntaxError("The syntax of the command is incorrect.")
            if node is None and operator != "\n":
                raise CmdSyntaxError(f"{operator} was unexpected at this time.")
            if right is not None:
                node = right if node is None else Chain("&" if operator == "\n" else operator, node, right)
        return node

    def _operator(self) -> str:
        self._skip()
        for operator in ("&&", "||", "&", "|", "\n"):
            if self.rest.startswith(operator):
                return operator
        return ""

    def _skip(self) -> None:
        while self._at < len(self._line) and self._line[self._at] in " \t\r,;=@"[: 7 if self._fresh() else 3]:
            self._at += 1

    def _fresh(self) -> bool:
        """Whether a command may begin here: then separators and @ are skipped too."""
        before = self._line[: self._at].rstrip(" \t\r,;=@")
        return not before or before[-1] in "&|(\n"

    # --- commands ----------------------------------------------------------------------------------------------

    def _command(self) -> Node | None:
        self._skip()
        if self._at >= len(self._line) or self.rest[0] in "&|\n" or (self.rest[0] == ")" and self._depth):
            return None
        if self.rest[0] == "(":
            return self._group()
        if self._takes("if"):
            return self._if()
        if re.match(r"rem(?=[\s.:;,=]|$)", self.rest, re.IGNORECASE):
            end = self.rest.find("\n")
            self._at = len(self._line) if end < 0 else self._at + end
            return Simple("rem")
        return self._simple()

    def _takes(self, word: str) -> bool:
        if re.match(rf"{word}(?=[\s(\"]|$)", self.rest, re.IGNORECASE):
            self._at += len(word)
            return True
        return False

    def _group(self) -> Node:
        self._at += 1
        self._depth += 1
        body = self.sequence()
        self._skip()
        if not self.rest.startswith(")") or body is None:
            raise CmdSyntaxError("The syntax of the command is incorrect.")
        self._at += 1
        self._depth -= 1
        return Group(body, self._redirections())

    def _redirections(self) -> tuple[Redirection, ...]:
        found: list[Redirection] = []
        while True:
            self._skip()
            redirection = self._redirection()
            if redirection is None:
                return tuple(found)
            found.append(redirection)

    def _redirection(self) -> Redirection | None:
        found = re.match(r"([0-9])?(>>|>|<)", self.rest)
        if not found:
            return None
        self._at += found.end()
        stream = int(found[1]) if found[1] else (0 if found[2] == "<" else 1)
        duplicate = re.match(r"\s*&([0-9])", self.rest)
        if duplicate:
            self._at += duplicate.end()
            return Redirection(stream, f"&{duplicate[1]}")
        return Redirection(stream, self._word(), found[2] == ">>")

    def _word(self) -> str:
        self._skip()
        found = _WORD.match(self.rest)
        if not found:
            raise CmdSyntaxError("The syntax of the command is incorrect.")
        self._at += found.end()
        return found[0].replace('"', "")

    def _simple(self) -> Simple:
        text: list[str] = []
        redirections: list[Redirection] = []
        quoted = False
        while self._at < len(self._line):
            here = self.rest[0]
            if here == "\n" or (not quoted and (here in "&|" or (here == ")" and self._depth))):
                break
            if not quoted and here == "^" and len(self.rest) > 1:
                text.append(self.rest[1])
                self._at += 2
                continue
            if not quoted and (redirection := self._inner_redirection(text)) is not None:
                redirections.append(redirection)
                continue
            quoted ^= here == '"'
            text.append(here)
            self._at += 1
        return Simple("".join(text).rstrip("\r"), tuple(redirections))

    def _inner_redirection(self, text: list[str]) -> Redirection | None:
        """A redirection here; a digit belongs to it only when it stands alone before the sign."""
        starts_alone = not text or text[-1] in " \t"
        if self.rest[0] in "<>" or (starts_alone and re.match(r"[0-9](?:>|<)", self.rest)):
            return self._redirection()
        return None

    # --- if ----------------------------------------------------------------------------------------------------

    def _if(self) -> If:
        ignores_case = negated = False
        while True:
            self._skip()
            if self._takes("/i"):
                ignores_case = True
            elif self._takes("not"):
                negated = True
            else:
                break
        test, operands = self._condition()
        self._skip()
        then = self._command()
        if then is None:
            raise CmdSyntaxError("The syntax of the command is incorrect.")
        otherwise = None
        self._skip()
        if isinstance(then, Group) and self._takes("else"):
            self._skip()
            otherwise = self._command()
        return If(test, operands, negated, ignores_case, then, otherwise)

    def _condition(self) -> tuple[str, tuple[str, ...]]:
        for test in ("exist", "defined", "errorlevel"):
            if self._takes(test):
                return test, (self._word(),)
        found = re.match(r'((?:"[^"\n]*"|[^\s"=])+)\s*==\s*((?:"[^"\n]*"|[^\s"&|<>()])+)', self.rest)
        if not found:
            raise CmdSyntaxError("The syntax of the command is incorrect.")
        self._at += found.end()
        return "equal", (found[1], found[2])
