"""Owns what happens inside double quotes: escapes, variables, subexpressions."""

from __future__ import annotations

import re
from typing import Any

from agent.lab.powershell.compiling.dispatch import Value, child
from agent.lab.powershell.masking import ScriptError, literal_at_start
from agent.lab.powershell.scope import MISSING, Context
from agent.lab.powershell.source import parse
from agent.lab.powershell.text import to_string

# about_Escape_Characters (2.0): `0 `a `b `f `n `r `t `v; any other character stands for itself.
_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_TOKEN = re.compile(
    r"`(?P<escape>\r\n|.)"
    r'|(?P<quotes>"")'
    r"|\$(?P<open>\()"
    r"|\$\{(?P<braced>[^}]+)\}"
    r"|\$(?P<name>(?:[A-Za-z_]\w*:)?(?:\w+|\?)|\$|\^|_)",
    re.DOTALL | re.ASCII,
)


def unescaped(text: str) -> str:
    """The text with its backtick escapes carried out."""
    return re.sub(r"`(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def expandable(body: str, line: int, here: bool) -> Value:
    """Compile the inside of an expandable string; `here` keeps doubled quotes."""
    parts: list[str | Value] = []
    position, start = 0, 0
    while found := _TOKEN.search(body, position):
        parts.append(_literal(body[start : found.start()], body, found.start()))
        position = found.end()
        if found["escape"] is not None:
            parts.append("" if "\n" in found["escape"] else _ESCAPES.get(found["escape"], found["escape"]))
        elif found["quotes"]:
            parts.append('""' if here else '"')
        elif found["open"]:
            width = literal_at_start(body[position:])
            inner = body[position : position + width - 1]
            parts.append(_subexpression(inner, line + body.count("\n", 0, position)))
            position += width
        else:
            parts.append(_variable(found["braced"] or found["name"], body, found))
        start = position
    parts.append(_literal(body[start:], body, len(body)))
    return _joined([part for part in parts if part != ""])


def _literal(text: str, body: str, end: int) -> str:
    if re.search(r"\$[^\x00-\x7f]", text):
        raise ScriptError("a variable name outside ASCII in a string", 0)
    return text


def _variable(name: str, body: str, found: re.Match[str]) -> Value:
    from agent.lab.powershell.compiling.variables import read

    behind = body[found.end() : found.end() + 1]
    if found["name"] and behind == ":" and ":" not in name:
        raise ScriptError(f"the variable ${name}: in a string (write ${{{name}}}:)", 0)
    return read(name)


def _subexpression(inner: str, line: int) -> Value:
    from agent.lab.powershell.compiling.dispatch import gathered
    from agent.lab.powershell.compiling.statements import statement_list

    source, root = parse(inner, line)
    if child(root, "param_block"):
        raise ScriptError("a param block inside a string", 0)
    body = statement_list(child(root, "statement_list"), source)

    def gather(context: Context) -> Any:
        items: list[Any] = []
        body(context, items.append)
        return gathered(items)

    return gather


def _joined(parts: list[str | Value]) -> Value:
    merged: list[str | Value] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if not merged or (len(merged) == 1 and isinstance(merged[0], str)):
        held = merged[0] if merged else ""
        return lambda context: held

    def build(context: Context) -> str:
        return "".join(part if isinstance(part, str) else as_text(context, part(context)) for part in merged)

    return build


def as_text(context: Context, held: Any) -> str:
    """A value inside a string; collections are joined by the nearest $OFS."""
    if isinstance(held, str):
        return held
    separator = context.scope.find("ofs")
    return to_string(held, " " if separator is MISSING else to_string(separator))
