"""Owns the comparison operators: -eq and its family, -contains, -is, -as; collections on the left filter."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.arithmetic import RUNTIME
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.conversion import convert, iterate, to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import TypeObject, resolve, type_chain, type_name
from agent.lab.powershell.values import Char, EnumValue, Hashtable


def string_key(text: str, case: bool) -> tuple[Any, ...]:
    """A sort key near .NET's word sort: punctuation, digits, letters; hyphen and apostrophe weigh least."""
    primary = tuple((_class(char), char.lower()) for char in text if char not in "-'")
    minor = tuple((position, char) for position, char in enumerate(text) if char in "-'")
    cases = tuple(char.isupper() for char in text) if case else ()
    return (primary, cases, minor)


def _class(char: str) -> int:
    return 2 if char.isalpha() else 1 if char.isdigit() else 0


def order(left: Any, right: Any, case: bool = False) -> int:
    """-1, 0 or 1 by the left operand's type; ClrError where they cannot be compared."""
    if left is None or right is None:
        return _order_null(left, right)
    if isinstance(left, str) and not isinstance(left, Char):
        first, second = string_key(left, case), string_key(to_string(right), case)
        return (first > second) - (first < second)
    left, right = _comparable(left, right)
    return int(left > right) - int(left < right)


def _order_null(left: Any, right: Any) -> int:
    if left is None and right is None:
        return 0
    other = right if left is None else left
    if isinstance(other, (int, float, decimal.Decimal)) and not isinstance(other, bool) and other < 0:
        raise Refused("ordering $null against a negative number")
    return -1 if left is None else 1


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Both in the left operand's type, widened where both are numbers."""
    if isinstance(left, (bool, Char)):
        return left, convert(None, right, type_name(left))
    if isinstance(left, EnumValue):
        return int(left), int(convert(None, right, left.kind.name))
    if isinstance(left, (int, float, decimal.Decimal)):
        return left, _number_like(left, right)
    if isinstance(left, (dt.datetime, dt.timedelta)):
        return _moments(left, convert(None, right, type_name(left)))
    if hasattr(left, "__lt__") and type(left) is type(right) and not isinstance(left, (list, Hashtable)):
        return left, right
    raise ClrError(f'Cannot compare "{to_string(left)}" because it is not IComparable.', RUNTIME)


def _number_like(left: Any, right: Any) -> Any:
    if isinstance(right, bool):
        return int(right)
    if isinstance(right, (int, float, decimal.Decimal)) and not isinstance(right, EnumValue):
        return right
    if isinstance(right, EnumValue):
        return int(right)
    if isinstance(right, str) and not isinstance(right, Char):
        # "10.5" against 10: the string becomes the left operand's type.
        return convert(None, right, type_name(left))
    return convert(None, right, type_name(left))


def _moments(left: Any, right: Any) -> tuple[Any, Any]:
    if isinstance(left, dt.datetime):
        return left.replace(tzinfo=None), right.replace(tzinfo=None)
    return left, right


def equal(left: Any, right: Any, case: bool = False) -> bool:
    """Scalar equality by the left operand's type; what cannot be converted is unequal."""
    if type(left) is str and type(right) is str:  # nearly always
        return left == right if case else left.lower() == right.lower()
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, str) and not isinstance(left, Char):
        text = to_string(right)
        return str(left) == text if case else left.lower() == text.lower()
    if isinstance(left, Char) and not case and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, (int, float, decimal.Decimal, Char, dt.datetime, dt.timedelta)):
        try:
            first, second = _comparable(left, right)
        except ClrError:
            return False
        return bool(first == second)
    return _equal_objects(left, right, case)


def _equal_objects(left: Any, right: Any, case: bool) -> bool:
    if left is right:
        return True
    if type(left) is type(right):
        return bool(left == right)
    try:
        converted = convert(None, right, type_name(left))
    except ClrError:
        return False
    return bool(converted == left)


def _error_of(left: Any, right: Any, error: ClrError) -> ClrError:
    return ClrError(f'Could not compare "{to_string(left)}" to "{to_string(right)}". Error: "{error.message}"', RUNTIME)


def _ordered(test: Callable[[int], bool]) -> Callable[[Any, Any, bool], bool]:
    def compare(left: Any, right: Any, case: bool) -> bool:
        if isinstance(right, (list, tuple)):
            right = _single(left, right)
        try:
            return test(order(left, right, case))
        except ClrError as error:
            raise _error_of(left, right, error) from error

    return compare


def _single(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        return right
    raise ClrError(f'Cannot convert the "{to_string(right)}" value to type "{type_name(left)}".', RUNTIME)


_TESTS: dict[str, Callable[[Any, Any, bool], bool]] = {
    "eq": equal,
    "ne": lambda left, right, case: not equal(left, right, case),
    "lt": _ordered(lambda sign: sign < 0),
    "le": _ordered(lambda sign: sign <= 0),
    "gt": _ordered(lambda sign: sign > 0),
    "ge": _ordered(lambda sign: sign >= 0),
}


def split_case(name: str) -> tuple[str, bool]:
    """`-ceq` gives ("eq", True), `-ieq` and `-eq` give ("eq", False)."""
    bare = name.lower().lstrip("-")
    for base in _FAMILY:
        if bare == base:
            return base, False
        if bare == "c" + base:
            return base, True
        if bare == "i" + base:
            return base, False
    return bare, False


_FAMILY = (
    "eq ne lt le gt ge like notlike match notmatch contains notcontains replace split".split()  # noqa: SIM905 - read as words
)


def ordering(name: str) -> Callable[[Any, Any], Any]:
    """The function of -eq, -ne, -lt, -le, -gt, -ge and their c and i variants."""
    base, case = split_case(name)
    test = _TESTS[base]

    def apply(left: Any, right: Any) -> Any:
        items = None if isinstance(left, (str, Hashtable)) else iterate(left)
        if items is None:
            return test(left, right, case)
        return [item for item in items if test(item, right, case)]

    return apply


def contains(name: str) -> Callable[[Any, Any], bool]:
    """The function of -contains, -notcontains and variants."""
    base, case = split_case(name)

    def apply(left: Any, right: Any) -> bool:
        items = None if isinstance(left, (str, Hashtable)) else iterate(left)
        found = any(equal(item, right, case) for item in ([left] if items is None else items))
        return found if base == "contains" else not found

    return apply


def is_type(left: Any, right: Any) -> bool:
    """`left -is right`."""
    name = right.full_name_text if isinstance(right, TypeObject) else resolve(to_string(right))
    if left is None:
        return False
    if name == "System.Management.Automation.PSObject":
        raise Refused("-is [psobject], which depends on how the object was wrapped")
    return name in type_chain(left)


def as_type(engine: Any, left: Any, right: Any) -> Any:
    """`left -as right`: the converted value or $null."""
    name = right.full_name_text if isinstance(right, TypeObject) else resolve(to_string(right))
    if left is None and name != "System.String":
        return None
    try:
        return convert(engine, left, name)
    except ClrError:
        return None


def truth(value: Any) -> bool:
    """The value as a condition."""
    return to_bool(value)
