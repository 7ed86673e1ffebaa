"""Owns WQL: the SELECT statement of WMI, parsed and matched; what is not understood is an invalid query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.lab.powershell.clr import ClrError

Row = Mapping[str, Any]
Condition = Callable[[Row], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<operator><>|!=|<=|>=|=|<|>|\(|\)|,|\*)|(?P<word>[A-Za-z_][\w.]*))"""
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


def wmi_error(status: str, message: str, code: int = 0) -> ClrError:
    """A System.Management.ManagementException, as WMI reports every failure."""
    del status  # the ErrorCode name; kept at the call for the reader
    return ClrError(message, "System.Management.ManagementException", hresult=code)


def invalid_query() -> ClrError:
    """WBEM_E_INVALID_QUERY."""
    return wmi_error("InvalidQuery", "Invalid query ", -2147217385)


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT: the columns (none = all), the class, the condition on each row."""

    columns: tuple[str, ...]
    class_name: str
    matches: Condition


def parse_query(text: str) -> Query:
    """Parse `SELECT ... FROM class [WHERE ...]`; raises the error WMI gives for a bad query."""
    parser = _Parser(text)
    parser.expect("select")
    columns = parser.columns()
    parser.expect("from")
    class_name = parser.word()
    condition: Condition = _everything
    if parser.accept("where"):
        condition = parser.disjunction()
    parser.finish()
    return Query(columns, class_name, condition)


def parse_filter(text: str) -> Condition:
    """Parse what follows WHERE, as Get-WmiObject -Filter takes it."""
    parser = _Parser(text)
    condition = parser.disjunction()
    parser.finish()
    return condition


def _everything(_: Row) -> bool:
    return True


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise invalid_query()
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0

    def accept(self, word: str) -> bool:
        if self._peek()[1].lower() == word and self._peek()[0] in ("word", "operator"):
            self._position += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise invalid_query()

    def word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise invalid_query()
        return text

    def finish(self) -> None:
        if self._position != len(self._tokens):
            raise invalid_query()

    def columns(self) -> tuple[str, ...]:
        if self.accept("*"):
            return ()
        names = [self.word()]
        while self.accept(","):
            names.append(self.word())
        return tuple(names)

    def disjunction(self) -> Condition:
        terms = [self._conjunction()]
        while self.accept("or"):
            terms.append(self._conjunction())
        return lambda row: any(term(row) for term in terms)

    def _conjunction(self) -> Condition:
        terms = [self._factor()]
        while self.accept("and"):
            terms.append(self._factor())
        return lambda row: all(term(row) for term in terms)

    def _factor(self) -> Condition:
        if self.accept("not"):
            inner = self._factor()
            return lambda row: not inner(row)
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        kind, text = self._next()
        if kind in ("string", "number"):  # a constant on the left: `4 = DriveType`
            operator = self._operator()
            return _comparison(self.word(), _MIRROR.get(operator, operator), _constant(kind, text))
        if kind != "word":
            raise invalid_query()
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return lambda row: (_column(row, text) is None) != negated
        operator = self._operator()
        return _comparison(text, operator, _constant(*self._next()))

    def _operator(self) -> str:
        text = self._next()[1].lower()
        if text not in _COMPARE and text != "like":
            raise invalid_query()
        return text

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        if token[0] == "end":
            raise invalid_query()
        return token


_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _constant(kind: str, text: str) -> Any:
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "number":
        return float(text) if "." in text else int(text)
    words = {"true": True, "false": False, "null": None}
    if kind == "word" and text.lower() in words:
        return words[text.lower()]
    raise invalid_query()


def _column(row: Row, name: str) -> Any:
    for key, value in row.items():
        if key.lower() == name.lower():
            return value
    raise invalid_query()


def _comparison(name: str, operator: str, constant: Any) -> Condition:
    def matches(row: Row) -> bool:
        value = _column(row, name)
        if value is None or constant is None:
            return operator in ("=", "<>", "!=") and ((value is None) == (constant is None)) == (operator == "=")
        if operator == "like":
            return _like(str(constant)).fullmatch(str(value)) is not None
        return _compare(operator, value, constant)

    return matches


def _compare(operator: str, value: Any, constant: Any) -> bool:
    if isinstance(value, bool) or isinstance(constant, bool):
        return _COMPARE[operator](_truth(value), _truth(constant))
    if isinstance(value, (int, float)) and not isinstance(constant, str):
        return _COMPARE[operator](value, constant)
    if isinstance(value, (int, float)):
        try:
            return _COMPARE[operator](value, float(constant))
        except ValueError:
            raise invalid_query() from None
    return _COMPARE[operator](str(value).lower(), str(constant).lower())


def _truth(value: Any) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def _like(pattern: str) -> re.Pattern[str]:
    """`%` any text, `_` one character, `[a-z]` a set, as WQL's LIKE has it."""
    parts = []
    for piece in re.findall(r"\[[^\]]*\]|.", pattern, re.DOTALL):
        if piece == "%":
            parts.append(".*")
        elif piece == "_":
            parts.append(".")
        elif piece.startswith("[") and len(piece) > 1:
            parts.append(piece)
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
