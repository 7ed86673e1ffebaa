"""Owns the text operators: -like, -match, -replace, -split, -join, and .NET patterns in Python's `re`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.comparison import split_case
from agent.lab.powershell.conversion import convert, iterate
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.text import to_string
from agent.lab.powershell.values import Hashtable, TypedArray

ARGUMENT = "System.ArgumentException"


@lru_cache(maxsize=2048)
def wildcard(pattern: str, case: bool = False) -> re.Pattern[str]:
    """A wildcard pattern (`*`, `?`, `[a-z]`, backtick escapes) as a compiled expression for fullmatch."""
    out, position = [], 0
    while position < len(pattern):
        char = pattern[position]
        if char == "`" and position + 1 < len(pattern):
            position += 1
            out.append(re.escape(pattern[position]))
        elif char in "*?":
            out.append(".*" if char == "*" else ".")
        elif char == "[":
            end = pattern.find("]", position + 2)
            if end < 0:
                raise ClrError(
                    f"The specified wildcard pattern is not valid: {pattern}",
                    "System.Management.Automation.WildcardPatternException",
                    bases=("System.Management.Automation.RuntimeException",),
                )
            body = pattern[position + 1 : end]
            out.append("[" + body.replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[") + "]")
            position = end
        else:
            out.append(re.escape(char))
        position += 1
    return re.compile("".join(out), re.DOTALL | (0 if case else re.IGNORECASE))


def like(text: str, pattern: str, case: bool = False) -> bool:
    """Whether the whole text fits the wildcard pattern."""
    return wildcard(pattern, case).fullmatch(text) is not None


_REFUSED = re.compile(
    r"\(\?<[^=!>]*-|\{,\d|(?<!\\)[*+?}]\+|\\[eG]|\\[pPGkX]|\(\?\(|\[[^\]]*-\[|\(\?[a-z]*-[a-z]*[:)]|(?<!^)\(\?[a-z]+\)|\(\?[a-z]*n[a-z]*[:)]"
)


@lru_cache(maxsize=2048)
def expression(pattern: str, options: int = re.IGNORECASE) -> re.Pattern[str]:
    """A .NET regular expression as Python's; what the two read differently is refused."""
    if found := _REFUSED.search(pattern.replace("\\\\", "..")):
        raise Refused(f"the regular expression construct {found.group()!r}")
    translated = _TOKEN.sub(_translated, pattern)
    try:
        compiled = re.compile(translated, options)
        if compiled.groupindex and compiled.groups > len(compiled.groupindex):
            raise Refused("named and unnamed groups in one pattern, which .NET numbers differently")
        return compiled
    except (re.error, OverflowError) as error:
        raise ClrError(f'parsing "{pattern}" - {error}.', ARGUMENT) from error


_TOKEN = re.compile(r"\\(.)|\(\?<([A-Za-z_]\w*)>", re.DOTALL)
_ANCHORS = {"z": r"\Z", "Z": r"(?=\n?\Z)"}


def _translated(token: re.Match[str]) -> str:
    """.NET's spelling of one token in Python's."""
    return f"(?P<{token[2]}>" if token[2] else _ANCHORS.get(token[1], token[0])


def matcher(name: str) -> Callable[[Any, Any, Any], Any]:
    """The function `(context, left, right)` of -match, -notmatch, -like, -notlike and variants."""
    base, case = split_case(name)
    negative = base.startswith("not")

    def test(context: Any, text: Any, pattern: Any, record: bool) -> bool:
        if base.endswith("like"):
            return like(to_string(text), to_string(pattern), case) is not negative
        found = expression(_pattern_of(pattern), 0 if case else re.IGNORECASE).search(to_string(text))
        if found and record:
            context.scope.values["matches"] = groups(found)
        return (found is not None) is not negative

    def apply(context: Any, left: Any, right: Any) -> Any:
        items = None if isinstance(left, (str, Hashtable)) else iterate(left)
        if items is None:
            return test(context, left, right, True)
        return [item for item in items if test(context, item, right, False)]

    return apply


def _pattern_of(pattern: Any) -> str:
    source = getattr(pattern, "pattern_text", None)
    return source if isinstance(source, str) else to_string(pattern)


def groups(found: re.Match[str]) -> Hashtable:
    """$matches: groups that took part, by number, named ones by name."""
    names = {number: name for name, number in found.re.groupindex.items()}
    table = Hashtable({0: found.group(0)})
    for number in range(1, found.re.groups + 1):
        if found.group(number) is not None:
            table.put(names.get(number, number), found.group(number))
    return table


_SUBSTITUTION = re.compile(r"\$(?:\$|(\d+)|\{(\w+)\}|(&)|(`|'|\+|_))")


def expand(template: str, found: re.Match[str]) -> str:
    """A .NET replacement text: `$1`, `${name}`, `$&`, `$$`."""

    def one(token: re.Match[str]) -> str:
        number, name, whole, other = token.groups()
        if other:
            raise Refused(f"the replacement ${other}")
        if whole:
            return found.group(0)
        if number is not None:
            return (found.group(int(number)) or "") if int(number) <= found.re.groups else token.group()
        if name is not None:
            key: int | str = int(name) if name.isdigit() else name
            return (found.group(key) or "") if _has_group(found, key) else token.group()
        return "$"

    return _SUBSTITUTION.sub(one, template)


def _has_group(found: re.Match[str], key: int | str) -> bool:
    return key in found.re.groupindex if isinstance(key, str) else key <= found.re.groups


def replace(name: str) -> Callable[[Any, Any], Any]:
    """The function of -replace and variants."""
    _, case = split_case(name)

    def one(text: Any, pattern: str, template: str) -> str:
        compiled = expression(pattern, 0 if case else re.IGNORECASE)
        return compiled.sub(lambda found: expand(template, found), to_string(text))

    def apply(left: Any, right: Any) -> Any:
        parts = list(right) if isinstance(right, (list, tuple)) else [right]
        if len(parts) > 2:
            raise ClrError(
                f"The -ireplace operator allows only two elements to follow it, not {len(parts)}.",
                "System.Management.Automation.RuntimeException",
            )
        pattern, template = _pattern_of(parts[0]) if parts else "", to_string(parts[1]) if len(parts) > 1 else ""
        items = None if isinstance(left, str) else iterate(left)
        if items is None:
            return one(left, pattern, template)
        return [one(item, pattern, template) for item in items]

    return apply


def join(left: Any, right: Any = "") -> str:
    """`left -join right`."""
    items = None if isinstance(left, str) else iterate(left)
    return to_string(right).join(to_string(item) for item in ([left] if items is None else items))


def split(name: str) -> Callable[[Any, Any, Any], Any]:
    """The function `(engine, left, right)` of binary -split and variants: pattern, limit, options."""
    _, case = split_case(name)

    def apply(engine: Any, left: Any, right: Any) -> list[Any]:
        parts = list(right) if isinstance(right, (list, tuple)) else [right]
        if not isinstance(parts[0], str) and parts[0] is not None and not isinstance(parts[0], (int, float)):
            raise Refused("-split with a script block")
        limit = int(convert(engine, parts[1], "System.Int32")) if len(parts) > 1 else 0
        pattern, options = _split_options(to_string(parts[0]), parts[2:], case)
        items = None if isinstance(left, str) else iterate(left)
        texts = [to_string(item) for item in ([left] if items is None else items)]
        return TypedArray([part for text in texts for part in _pieces(text, pattern, options, limit)], "System.String")

    return apply


def _split_options(pattern: str, options: Sequence[Any], case: bool) -> tuple[str, int]:
    words = {word.strip().lower() for option in options for word in to_string(option).split(",") if word.strip()}
    unknown = words - {"simplematch", "regexmatch", "ignorecase"}
    if unknown:
        raise Refused(f"the -split option {', '.join(sorted(unknown))}")
    flags = re.IGNORECASE if not case or "ignorecase" in words else 0
    return (re.escape(pattern) if "simplematch" in words else pattern), flags


def _pieces(text: str, pattern: str, options: int, limit: int) -> list[str]:
    if limit < 0:
        raise Refused("-split with a negative limit")
    if pattern == "":
        raise Refused("-split by an empty pattern")
    compiled = expression(pattern, options)
    out: list[str] = []
    start = 0
    for found in compiled.finditer(text):
        if limit and len(out) + 1 >= limit:
            break
        if found.end() == found.start():
            raise Refused("-split by a pattern that matches nothing")
        out.append(text[start : found.start()])
        if compiled.groups:
            if limit:
                raise Refused("-split with groups and a limit")
            out += [group for group in found.groups() if group is not None]
        start = found.end()
    return [*out, text[start:]]


def words(left: Any) -> list[Any]:
    """Unary -split: by white space, the ends trimmed."""
    items = None if isinstance(left, str) else iterate(left)
    texts = [to_string(item) for item in ([left] if items is None else items)]
    return TypedArray([word for text in texts for word in text.split()], "System.String")
