"""Owns LDAP search filters (RFC 4515): text in, a test of attributes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agent.lab.world.errors import ErrorKind, WorldError

Value = str | int | bytes
Values = Callable[[str], Sequence[Value]]
Test = Callable[[Values], bool]

_ITEM = re.compile(r"^(?P<name>[\w;-]+)(?::(?P<rule>[\d.]+):)?(?P<sign>>=|<=|~=|=)(?P<value>.*)$", re.DOTALL)
_BIT_AND = "1.2.840.113556.1.4.803"  # [MS-ADTS] 3.1.1.3.4.4.1
_BIT_OR = "1.2.840.113556.1.4.804"  # [MS-ADTS] 3.1.1.3.4.4.2


def compile_filter(text: str) -> Test:
    """The test the filter describes; "The search filter is invalid." where it is not one."""
    text = text.strip()
    test, end = _filter(text if text.startswith("(") else f"({text})", 0)
    if end < len(text):
        raise WorldError(ErrorKind.BAD_FILTER, text)
    return test


def _filter(text: str, at: int) -> tuple[Test, int]:
    if text[at : at + 1] != "(":
        raise WorldError(ErrorKind.BAD_FILTER, text)
    match text[at + 1 : at + 2]:
        case "&":
            tests, at = _list(text, at + 2)
            return (lambda values: all(test(values) for test in tests)), at
        case "|":
            tests, at = _list(text, at + 2)
            return (lambda values: any(test(values) for test in tests)), at
        case "!":
            inner, at = _filter(text, at + 2)
            return (lambda values: not inner(values)), _close(text, at)
    end = text.find(")", at)
    if end < 0:
        raise WorldError(ErrorKind.BAD_FILTER, text)
    return _item(text[at + 1 : end]), end + 1


def _list(text: str, at: int) -> tuple[list[Test], int]:
    tests: list[Test] = []
    while text[at : at + 1] == "(":
        test, at = _filter(text, at)
        tests.append(test)
    return tests, _close(text, at)


def _close(text: str, at: int) -> int:
    if text[at : at + 1] != ")":
        raise WorldError(ErrorKind.BAD_FILTER, text)
    return at + 1


def _item(text: str) -> Test:
    if (found := _ITEM.match(text)) is None:
        raise WorldError(ErrorKind.BAD_FILTER, text)
    name, wanted = found["name"], found["value"]
    if found["rule"]:
        return _bits(name, found["rule"], wanted)
    if found["sign"] in (">=", "<="):
        return _compare(name, wanted, at_least=found["sign"] == ">=")
    if wanted == "*":
        return lambda values: bool(values(name))
    pattern = re.compile(".*".join(re.escape(_unescape(part)) for part in wanted.split("*")), re.IGNORECASE | re.DOTALL)
    return lambda values: any(pattern.fullmatch(_text(value)) for value in values(name))


def _bits(name: str, rule: str, wanted: str) -> Test:
    if rule not in (_BIT_AND, _BIT_OR) or not wanted.isdigit():
        raise WorldError(ErrorKind.BAD_FILTER, wanted)
    mask = int(wanted)
    if rule == _BIT_AND:
        return lambda values: any(isinstance(value, int) and value & mask == mask for value in values(name))
    return lambda values: any(isinstance(value, int) and value & mask != 0 for value in values(name))


def _compare(name: str, wanted: str, *, at_least: bool) -> Test:
    def holds(value: Value) -> bool:
        if isinstance(value, int) and wanted.lstrip("-").isdigit():
            return value >= int(wanted) if at_least else value <= int(wanted)
        left, right = _text(value).lower(), wanted.lower()
        return left >= right if at_least else left <= right

    return lambda values: any(holds(value) for value in values(name))


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)


def _text(value: Value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
