"""Owns the first look at a script: where its strings and comments are, so that the grammar never sees inside them.

Every string becomes 'xxx' of the same length and every comment blanks, so offsets stay true. The grammar's own string
and comment tokens lose track in places (`"$x # y"`); here they cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SMART = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2013\u2014\u2015"


class ScriptError(Exception):
    """The text is not PowerShell 2.0, or is a spelling the lab's grammar cannot be trusted with."""

    def __init__(self, reason: str, offset: int) -> None:
        """`offset` is a character offset into the text."""
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Literal:
    """One string: its raw body, where the body starts, and whether variables expand in it."""

    start: int
    end: int
    body: str
    body_start: int
    expandable: bool
    here: bool = False
    bare: bool = False  # a word of a list of arguments, such as the two of `Name, Status`


@dataclass(slots=True)
class Masked:
    """The text the grammar reads, and the strings that were taken out of it, by start offset."""

    text: str
    strings: dict[int, Literal] = field(default_factory=dict)


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.out = list(text)
        self.strings: dict[int, Literal] = {}

    def code(self, position: int, closing: str = "") -> int:
        """Walk code up to the matching `closing` parenthesis (or the end); the offset behind it."""
        depth, text = 0, self.text
        while position < len(text):
            char = text[position]
            if closing and char == ")":
                if depth == 0:
                    return position + 1
                depth -= 1
            elif char == "(":
                depth += 1
            position = self.step(position, char)
        if closing:
            raise ScriptError("Missing closing ')' in subexpression", len(text) - 1)
        return position

    def step(self, position: int, char: str) -> int:
        text = self.text
        after = text[position + 1 : position + 2]
        if char in "'\"":
            return self.quoted(position, char)
        if char == "@" and after and after in "'\"":
            return self.here(position, after)
        if char == "`":
            return self.escape(position, after)
        if char == "#" and self.starts_token(position):
            return self.blank(position, self.line_end(position))
        if char == "<" and after == "#":
            end = text.find("#>", position + 2)
            if end < 0:
                raise ScriptError("Missing #> at the end of a block comment", position)
            return self.blank(position, end + 2)
        if char == "$" and after == "{":
            return self.braced(position)
        if ord(char) > 126:
            kind = "a typographic quote or dash" if char in SMART else "a character outside ASCII"
            raise ScriptError(f"{kind} ({char!r}) outside a string", position)
        return position + 1

    def starts_token(self, position: int) -> bool:
        return position == 0 or self.text[position - 1] in " \t\r\n(){}[];,|&="

    def line_end(self, position: int) -> int:
        end = self.text.find("\n", position)
        return len(self.text) if end < 0 else end

    def blank(self, start: int, end: int) -> int:
        for position in range(start, end):
            if self.out[position] not in "\r\n":
                self.out[position] = " "
        return end

    def escape(self, position: int, after: str) -> int:
        width = 3 if self.text[position + 1 : position + 3] == "\r\n" else 2
        if width == 3 or after == "\n":
            self.out[position : position + width] = " " * width
            return position + width
        if not after or after in " \t\r'\"#":
            raise ScriptError("a backtick before a blank or a quote", position)
        return position + 2

    def braced(self, position: int) -> int:
        end = self.text.find("}", position)
        if end < 0 or not re.fullmatch(r"[ -~]+", self.text[position : end + 1]):
            raise ScriptError("a braced variable that does not end, or is not ASCII", position)
        self.out[position + 2 : end] = "x" * (end - position - 2)
        return end + 1

    def keep(self, literal: Literal) -> int:
        self.strings[literal.start] = literal
        self.out[literal.start : literal.end] = "'" + "x" * (literal.end - literal.start - 2) + "'"
        return literal.end

    def quoted(self, start: int, quote: str) -> int:
        if start and re.match(r"[\w\\/*?%~^)}'\"$]", self.text[start - 1]):
            raise ScriptError("a quote that is joined to the text before it", start)
        position, text = start + 1, self.text
        while position < len(text):
            char = text[position]
            if char == quote:
                if text[position + 1 : position + 2] != quote:
                    body = text[start + 1 : position]
                    return self.keep(Literal(start, position + 1, body, start + 1, quote == '"'))
                position += 2
            elif quote == '"':
                position = self.inside(position, char)
            else:
                position += self.plain(position, char, "\u2018\u2019\u201a\u201b")
        raise ScriptError(f"The string is missing the terminator: {quote}", start)

    def inside(self, position: int, char: str) -> int:
        if char == "`":
            return position + 2
        if char == "$" and self.text[position + 1 : position + 2] == "(":
            return self.code(position + 2, ")")
        if char == "$" and self.text[position + 1 : position + 2] == "{":
            return self.braced(position)
        return position + self.plain(position, char, "\u201c\u201d\u201e")

    def plain(self, position: int, char: str, ends: str) -> int:
        if char in ends:
            raise ScriptError("a typographic quote inside a string ends it in PowerShell", position)
        return 1

    def here(self, start: int, quote: str) -> int:
        head = re.compile(r"[ \t]*\r?\n").match(self.text, start + 2)
        if head is None:
            raise ScriptError("text behind the opening of a here-string", start)
        body_start = head.end()
        tail = re.compile(r"(?:\r?\n|(?<=\n))" + quote + "@").search(self.text, body_start - 1)
        while tail is not None and tail.start() < body_start - 1:
            tail = None
        if tail is None:
            raise ScriptError(f"The string is missing the terminator: {quote}@", start)
        body = self.text[body_start : max(body_start, tail.start())]
        return self.keep(Literal(start, tail.end(), body, body_start, quote == '"', here=True))


def mask(text: str) -> Masked:
    """Find strings and comments; ScriptError where the text cannot be told apart safely."""
    lexer = _Lexer(text)
    lexer.code(0)
    masked = "".join(" " if char in "\t\f\v\r" else char for char in lexer.out)
    masked = _quote_paths(masked, text, lexer.strings)
    return Masked(_normalise(_quote_words(masked, lexer.strings)), lexer.strings)


_PATH = re.compile(r"(?<=[ ,:])\$(?:[A-Za-z]\w*:)?\w+\\[^\s'\"(){};,|&<>]*(?=[\s;|,)}]|$)")


def _quote_paths(masked: str, text: str, strings: dict[int, Literal]) -> str:
    """`$env:TEMP\\x` is one word of a command line; the grammar sees a division there."""
    out = list(masked)
    for found in _PATH.finditer(masked):
        start, end = found.span()
        out[start:end] = "'" + "x" * (end - start - 2) + "'"
        strings[start] = Literal(start, end, text[start:end], start, True, True, True)
    return "".join(out)


_WORD = re.compile(r"(?<![\w$@:.\-'\[{(=\\*/?])[A-Za-z_][\w.\\*?:/-]*(?!['\w.\\*?:/\-(])")


def _quote_words(text: str, strings: dict[int, Literal]) -> str:
    """The grammar knows no list of bare words as an argument: respell each as a string (or a digit)."""
    out = list(text)
    for found in _WORD.finditer(text):
        before, behind = text[: found.start()].rstrip(" \n")[-1:], text[found.end() :].lstrip(" ")
        if (before != "," and not behind.startswith(",")) or behind[:1] in ("=", "]"):
            continue
        width = found.end() - found.start()
        out[found.start() : found.end()] = "'" + "x" * (width - 2) + "'" if width > 1 else "1"
        strings[found.start()] = Literal(found.start(), found.end(), found.group(), found.start(), False, True, True)
    return "".join(out)


def literal_at_start(text: str) -> int:
    """The offset behind the code of a `$(`; `text` starts just behind it."""
    return _Lexer(text).code(0, ")")


def _normalise(text: str) -> str:
    """Respell, at the same length, what PowerShell allows and the grammar does not."""
    joined = re.search(r"\d?>{1,2}(?![>&\s])", text)
    if joined and not re.match(r"\d?>{1,2}&", joined.group() + text[joined.end() : joined.end() + 1]):
        raise ScriptError("a redirection without a space before its target", joined.start())
    text = re.sub(
        r"(?<![\w.$-])(\d[\d.]*|0[xX][0-9a-fA-F]+?)([dDlL]?(?:[kKmMgGtTpP][bB])|[dDlL])(?![\w])",
        lambda match: match.group().lower(),
        text,
    )
    text = re.sub(r"(?<![\w$.-])((?:break|continue) +)([A-Za-z_]\w*)", _digits, text, flags=re.IGNORECASE)
    text = re.sub(
        r"(?<![\w$.:-])()(foreach|for|do|data|begin|process|end|in|param|switch|if|while|until|sequence|"
        r"inlinescript|dynamicparam)(?=-[A-Za-z])",
        _letters,
        text,
        flags=re.IGNORECASE,
    )
    return _switches(_params(text))


def _digits(match: re.Match[str]) -> str:
    """The grammar knows no bare label; the compiler reads it from the source."""
    return match.group(1) + "1" * len(match.group(2))


def _letters(match: re.Match[str]) -> str:
    """The grammar takes the head of ForEach-Object for the keyword."""
    return match.group(1) + "q" * len(match.group(2))


def matching(text: str, start: int) -> int:
    """The offset of the bracket that closes the one at `start`, -1 where there is none."""
    pairs = {"(": ")", "{": "}"}
    opening, closing, depth = text[start], pairs[text[start]], 0
    for position in range(start, len(text)):
        if text[position] == opening:
            depth += 1
        elif text[position] == closing:
            depth -= 1
            if depth == 0:
                return position
    return -1


def _separate(text: str, behind: int) -> str:
    """Turn the blank behind `behind` into a semicolon where more follows on the line."""
    rest = re.compile(r" +(?=[^\s;}|)])").match(text, behind + 1)
    return text if rest is None else text[: behind + 1] + ";" + text[behind + 2 :]


def _params(text: str) -> str:
    for found in re.finditer(r"(?<![\w$.-])param\s*\(", text, flags=re.IGNORECASE):
        end = matching(text, found.end() - 1)
        if end >= 0:
            text = _separate(text, end)
    return text


def _switches(text: str) -> str:
    for found in re.finditer(r"(?<![\w$.-])switch\b[^({;\n]*\(", text, flags=re.IGNORECASE):
        closing = matching(text, found.end() - 1)
        body = re.compile(r"\s*\{").match(text, closing + 1) if closing >= 0 else None
        end = matching(text, body.end() - 1) if body else -1
        if body is None or end < 0:
            continue
        text = _clauses(text, body.end(), end)
    return text


def _clauses(text: str, position: int, end: int) -> str:
    """Put a terminator behind each clause of one switch body; a block without a condition before it is a condition."""
    condition = False
    while position < end:
        char = text[position]
        if char in "({":
            closing = matching(text, position)
            if closing < 0:
                return text
            if char == "{" and condition:
                text, condition = _separate(text, closing), False
            else:
                condition = True
            position = closing
        elif char not in " \n;":
            condition = True
        position += 1
    return text
