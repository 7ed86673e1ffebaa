"""Owns redirections: to $null, to a file, errors into output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.lab.powershell.compiling.dispatch import Value, Write, child, need, unwrap, value
from agent.lab.powershell.compiling.literals import bare_word
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.scope import Context
from agent.lab.powershell.source import Node, Source


@dataclass(slots=True)
class Opened:
    """A redirection in force: the context to run in, where output goes, and what to do at the end."""

    context: Context
    write: Write
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Redirection:
    """One redirection as written; `target` is None for `2>&1`."""

    stream: str  # "1" or "2"
    append: bool
    target: Value | None

    def open(self, context: Context, write: Write) -> Opened:
        """Put it in force; a file is written when the command is done."""
        if self.target is None:
            return Opened(context.with_errors(write), write, _nothing)
        target = self.target(context)
        if target is None:
            if self.stream == "2":
                return Opened(context.with_errors(_drop), write, _nothing)
            return Opened(context, _drop, _nothing)
        kept: list[Any] = []
        if self.stream == "2":
            return Opened(context.with_errors(kept.append), write, lambda: self._save(context, kept, target))
        return Opened(context, kept.append, lambda: self._save(context, kept, target))

    def _save(self, context: Context, kept: list[Any], target: Any) -> None:
        from agent.lab.powershell.binding import Flag
        from agent.lab.powershell.piping import feed
        from agent.lab.powershell.resolution import stage

        arguments = [Flag("FilePath", target), *([Flag("Append")] if self.append else [])]
        feed(stage(context, "Out-File", arguments, _drop), [_as_text(item) for item in kept])


def _as_text(item: Any) -> Any:
    return item.message if isinstance(item, ErrorRecord) else item


def _drop(held: Any) -> None:
    """Output that nobody wants."""


def _nothing() -> None:
    """Nothing to close."""


def redirection(node: Node, source: Source) -> Redirection:
    """Compile one redirection."""
    merging = child(node, "merging_redirection_operator")
    if merging is not None:
        text = source.of(merging).strip()
        if text != "2>&1":
            raise ScriptError(f"the redirection {text} is not in PowerShell 2.0", node.start_byte)
        return Redirection("2", False, None)
    operator = source.of(need(node, "file_redirection_operator")).strip()
    if operator not in (">", ">>", "2>", "2>>"):
        raise ScriptError(f"the redirection {operator} is not in PowerShell 2.0", node.start_byte)
    return Redirection("2" if operator[0] == "2" else "1", operator.endswith(">>"), _target(node, source))


def _target(node: Node, source: Source) -> Value:
    named = need(node, "redirected_file_name")
    inner = unwrap(next(each for each in named.children if each.type != "command_argument_sep"))
    if inner.type == "generic_token":
        return bare_word(source.of(inner).strip(), source.line(inner.start_byte))
    return value(inner, source)
