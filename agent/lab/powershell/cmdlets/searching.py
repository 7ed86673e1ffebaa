"""Owns Select-String over pipeline text."""

from __future__ import annotations

import re
from typing import Any

from agent.lab.powershell.bcl.miscellany import Capture
from agent.lab.powershell.clr import ClrObject, prop
from agent.lab.powershell.command import Parameter
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.matching import expression
from agent.lab.powershell.registering import staged
from agent.lab.powershell.text import to_string


class MatchInfo(ClrObject):
    """One line that fits."""

    TYPE = "Microsoft.PowerShell.Commands.MatchInfo"

    def __init__(self, line: str, number: int, pattern: str, found: list[Any]) -> None:
        """The line, its number in the input, and what fitted."""
        self.line_text, self.number, self.pattern_text, self.found = line, number, pattern, found

    @prop("Line")
    def line(self) -> str:
        """The text."""
        return self.line_text

    @prop("LineNumber")
    def line_number(self) -> int:
        """1-based."""
        return self.number

    @prop("Pattern")
    def pattern(self) -> str:
        """What was looked for."""
        return self.pattern_text

    @prop("Matches")
    def matches(self) -> list[Any]:
        """The first occurrence, or all with -AllMatches."""
        return self.found

    @prop("Filename")
    def file_name(self) -> str:
        """Pipeline text has no file."""
        return "InputStream"

    @prop("Path")
    def path(self) -> str:
        """Pipeline text has no file."""
        return "InputStream"

    def ps_string(self) -> str:
        """The line."""
        return self.line_text


def _begin(invocation: Invocation) -> None:
    if "Path" in invocation:
        raise Refused("Select-String -Path; pipe Get-Content into it")
    invocation.state["number"] = 0


@staged(
    "Select-String",
    [
        Parameter("Pattern", "String[]", position=0, mandatory=True),
        Parameter("Path", "String[]", position=1),
        Parameter("InputObject", by_value=True),
        *(Parameter(name, "Switch") for name in ("SimpleMatch", "CaseSensitive", "Quiet", "NotMatch", "AllMatches")),
    ],
    begin=_begin,
)
def select_string(invocation: Invocation) -> None:
    """Pass on what fits one of the patterns."""
    text = to_string(invocation["InputObject"])
    invocation.state["number"] += 1
    flags = 0 if invocation.switch("CaseSensitive") else re.IGNORECASE
    for pattern in invocation["Pattern"]:
        compiled = expression(re.escape(pattern) if invocation.switch("SimpleMatch") else pattern, flags)
        found = [Capture(each) for each in compiled.finditer(text)]
        if bool(found) is invocation.switch("NotMatch"):
            continue
        if invocation.switch("Quiet"):
            raise Refused("Select-String -Quiet")
        kept = found if invocation.switch("AllMatches") else found[:1]
        invocation.write(MatchInfo(text, invocation.state["number"], pattern, kept))
        return
