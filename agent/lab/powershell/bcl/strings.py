"""Owns the methods of System.String and the static ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrType, register
from agent.lab.powershell.comparison import string_key
from agent.lab.powershell.conversion import convert, iterate
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.formatting import composite
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import type_name
from agent.lab.powershell.values import Char, EnumValue, TypedArray

_WHITE = " \t\n\r\v\f\u00a0\u2028\u2029\ufeff"
_IGNORE = {1, 3, 5}  # CurrentCultureIgnoreCase, InvariantCultureIgnoreCase, OrdinalIgnoreCase
_COMPARISONS = [
    "currentculture",
    "currentcultureignorecase",
    "invariantculture",
    "invariantcultureignorecase",
    "ordinal",
    "ordinalignorecase",
]


def _range(name: str) -> ClrError:
    return ClrError(
        f"Index and length must refer to a location within the string.\r\nParameter name: {name}"
        if name == "length"
        else f"StartIndex cannot be larger than length of string.\r\nParameter name: {name}",
        "System.ArgumentOutOfRangeException",
        bases=("System.ArgumentException",),
    )


def _null(name: str) -> ClrError:
    return ClrError(
        f"Value cannot be null.\r\nParameter name: {name}",
        "System.ArgumentNullException",
        bases=("System.ArgumentException",),
    )


def _number(value: Any) -> int:
    return int(convert(None, value, "System.Int32"))


def ignores_case(option: Any) -> bool:
    """Whether a StringComparison (by name or number) or a boolean ignoreCase ignores case."""
    if option is None or isinstance(option, bool):
        return bool(option)
    if isinstance(option, (int, EnumValue)):
        return int(option) in _IGNORE
    name = to_string(option).lower()
    if name not in _COMPARISONS:
        raise Refused(f"the comparison {to_string(option)}")
    return name.endswith("ignorecase")


def _substring(engine: Any, text: str, start: Any, length: Any = None) -> str:
    first = _number(start)
    if not 0 <= first <= len(text):
        raise _range("startIndex")
    if length is None:
        return text[first:]
    count = _number(length)
    if count < 0 or first + count > len(text):
        raise _range("length")
    return text[first : first + count]


def _separators(given: Sequence[Any]) -> tuple[list[str], int, bool]:
    """What Split() cuts at, the limit, and whether empty pieces go."""
    parts = list(given)
    empty = False
    if parts and (isinstance(parts[-1], EnumValue) or _is_option(parts[-1], len(parts))):
        option = to_string(parts.pop()).lower()
        empty = option in ("removeemptyentries", "1")
    limit = 0
    if len(parts) > 1 and isinstance(parts[-1], int) and not isinstance(parts[-1], bool):
        limit = parts.pop()
    if len(parts) > 1 and not all(isinstance(part, str) and len(part) == 1 for part in parts):
        raise Refused("Split() with these arguments")
    return _cutters(parts), limit, empty


def _is_option(part: Any, count: int) -> bool:
    return count > 1 and isinstance(part, str) and part.lower() in ("removeemptyentries", "none")


def _cutters(parts: list[Any]) -> list[str]:
    if len(parts) == 1:
        held = parts[0]
        if isinstance(held, TypedArray) and held.kind == "System.String":
            return [to_string(each) for each in held if each]
        items = None if isinstance(held, str) else iterate(held)
        return list(to_string(held)) if items is None else [char for each in items for char in to_string(each)]
    return [to_string(part) for part in parts]


def _split(engine: Any, text: str, *given: Any) -> TypedArray:
    cutters, limit, drop = _separators(given)
    cutters = cutters or list(_WHITE)
    out: list[str] = []
    start, position = 0, 0
    while position < len(text):
        hit = next((cut for cut in cutters if text.startswith(cut, position)), None)
        if hit is None or (limit and len(out) + 1 >= limit):
            position += 1
            continue
        if text[start:position] or not drop:
            out.append(text[start:position])
        position += len(hit)
        start = position
    if text[start:] or not drop:
        out.append(text[start:])
    return TypedArray(out, "System.String")


def _trim_set(given: Sequence[Any]) -> str:
    return (
        "".join(to_string(part) if not isinstance(part, list) else "".join(map(to_string, part)) for part in given)
        or _WHITE
    )


def _index(text: str, sought: Any, rest: Sequence[Any], *, last: bool) -> int:
    needle, start, fold = to_string(sought), None, False
    for part in rest:
        if isinstance(part, int) and not isinstance(part, (bool, EnumValue)) and start is None:
            start = part
        elif isinstance(part, (str, EnumValue)):
            fold = ignores_case(part)
        else:
            raise Refused("IndexOf() with these arguments")
    if fold:
        text, needle = text.lower(), needle.lower()
    if start is not None and not 0 <= start <= len(text):
        raise ClrError(
            "Index was out of range.", "System.ArgumentOutOfRangeException", bases=("System.ArgumentException",)
        )
    if last:
        return text.rfind(needle, 0, len(text) if start is None else start + 1)
    return text.find(needle, start or 0)


def _ends(text: str, sought: Any, rest: Sequence[Any], test: str) -> bool:
    needle = to_string(sought)
    if rest and ignores_case(rest[0]):
        text, needle = text.lower(), needle.lower()
    return bool(getattr(text, test)(needle))


def _insert(engine: Any, text: str, position: Any, piece: Any) -> str:
    at = _number(position)
    if not 0 <= at <= len(text):
        raise _range("startIndex")
    return text[:at] + to_string(piece) + text[at:]


def _remove(engine: Any, text: str, start: Any, count: Any = None) -> str:
    first = _number(start)
    if not 0 <= first <= len(text):
        raise _range("startIndex")
    if count is None:
        return text[:first]
    if first + _number(count) > len(text):
        raise _range("length")
    return text[:first] + text[first + _number(count) :]


def _replace(engine: Any, text: str, old: Any, new: Any) -> str:
    if not to_string(old):
        raise ClrError("String cannot be of zero length.\r\nParameter name: oldValue", "System.ArgumentException")
    return text.replace(to_string(old), to_string(new))


def _equals(engine: Any, text: str, other: Any, option: Any = None) -> bool:
    if not isinstance(other, str) or isinstance(other, Char):
        return False
    return text.lower() == other.lower() if ignores_case(option) else str(text) == other


def compare(first: Any, second: Any, fold: bool = False) -> int:
    """String.Compare in en-US."""
    left, right = string_key(to_string(first), not fold), string_key(to_string(second), not fold)
    return (left > right) - (left < right)


def _chars(engine: Any, text: str, *given: Any) -> TypedArray:
    return TypedArray((Char(char) for char in text), "System.Char")


def _pad(text: str, width: Any, fill: Any, left: bool) -> str:
    char = to_string(fill) if fill is not None else " "
    return text.rjust(_number(width), char) if left else text.ljust(_number(width), char)


METHODS: dict[str, Any] = {
    "substring": _substring,
    "split": _split,
    "trim": lambda engine, text, *chars: text.strip(_trim_set(chars)),
    "trimstart": lambda engine, text, *chars: text.lstrip(_trim_set(chars)),
    "trimend": lambda engine, text, *chars: text.rstrip(_trim_set(chars)),
    "tolower": lambda engine, text, *culture: text.lower(),
    "toupper": lambda engine, text, *culture: text.upper(),
    "tolowerinvariant": lambda engine, text: text.lower(),
    "toupperinvariant": lambda engine, text: text.upper(),
    "indexof": lambda engine, text, sought, *rest: _index(text, sought, rest, last=False),
    "lastindexof": lambda engine, text, sought, *rest: _index(text, sought, rest, last=True),
    "indexofany": lambda engine, text, chars: min(
        (text.find(c) for c in map(to_string, chars) if c in text), default=-1
    ),
    "startswith": lambda engine, text, sought, *rest: _ends(text, sought, rest, "startswith"),
    "endswith": lambda engine, text, sought, *rest: _ends(text, sought, rest, "endswith"),
    "contains": lambda engine, text, sought: to_string(sought) in text,
    "replace": _replace,
    "insert": _insert,
    "remove": _remove,
    "padleft": lambda engine, text, width, fill=None: _pad(text, width, fill, True),
    "padright": lambda engine, text, width, fill=None: _pad(text, width, fill, False),
    "tochararray": _chars,
    "getenumerator": _chars,
    "equals": _equals,
    "compareto": lambda engine, text, other: compare(text, other),
    "tostring": lambda engine, text, *provider: str(text),
    "clone": lambda engine, text: text,
    "chars": lambda engine, text, position: Char(text[_number(position)]),
    "normalize": lambda engine, text: text,
}


def _format(engine: Any, template: Any, *arguments: Any) -> str:
    given = list(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)
    return composite(to_string(template), given)


def _join(engine: Any, separator: Any, *parts: Any) -> str:
    items = iterate(parts[0]) if len(parts) == 1 and not isinstance(parts[0], str) else iter(parts)
    return to_string(separator).join(to_string(part) for part in (items or parts))


def _concat(engine: Any, *parts: Any) -> str:
    items = parts[0] if len(parts) == 1 and isinstance(parts[0], list) else parts
    return "".join(to_string(part) for part in items)


def _construct(engine: Any, source: Any, *rest: Any) -> str:
    if isinstance(source, Char) or (isinstance(source, str) and len(source) == 1 and rest):
        return source * _number(rest[0])
    if isinstance(source, list):
        return "".join(to_string(char) for char in source)
    raise Refused(f"New-Object String with a {type_name(source)}")


register(
    ClrType(
        "System.String",
        construct=_construct,
        static={
            "IsNullOrEmpty": lambda engine, text: text is None or to_string(text) == "",
            "Format": _format,
            "Join": _join,
            "Concat": _concat,
            "Compare": lambda engine, first, second, option=None: compare(first, second, ignores_case(option)),
            "CompareOrdinal": lambda engine, first, second: (first > second) - (first < second),
            "Equals": lambda engine, first, second, option=None: _equals(engine, first, second, option),
            "Copy": lambda engine, text: text,
        },
        constants={"Empty": lambda engine: ""},
    ),
    "string",
)
