"""Owns the check of every script before it may be sent: PowerShell 2.0, plain, and honest about its effect.

`language` says what 2.0 lacks, `commands` which cmdlets and parameters it has, `style` how the house writes,
`effect` what a script that only reads may not contain. tree-sitter stays inside this package.
"""

from __future__ import annotations

from functools import lru_cache

from agent.lint import commands, effect, language, style
from agent.lint.objection import Objection
from agent.lint.tree import Script

__all__ = ["Objection", "lint", "parameters"]


def lint(text: str, *, reads: bool) -> tuple[Objection, ...]:
    """Everything that speaks against a script, in the order of its lines. `reads`: it is declared to change nothing."""
    script = _parsed(text)
    rules = (*language.RULES, *commands.RULES, *style.RULES, *(effect.RULES if reads else ()))
    found = {objection for rule in rules for objection in rule(script)}
    said = "READS" if reads else "WRITES"
    if f" - {said}" not in text.partition("\n")[0]:
        advice = f"write `# name.ps1 - {said}` or correct the playbook"
        found.add(Objection(1, 1, "header", f"the first line does not say {said}", advice))
    return tuple(sorted(found))


def parameters(text: str) -> tuple[str, ...]:
    """The names of the parameters that a script takes, in their order."""
    return _parsed(text).parameters


@lru_cache(maxsize=1)
def _parsed(text: str) -> Script:
    """One script is asked about twice in a row."""
    return Script(text)
