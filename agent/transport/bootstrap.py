"""Owns how a script travels through powershell.exe: the command line, its standard input, and its CLIXML output.

The command line carries a short bootstrap only: cmd.exe on Server 2003 takes 8,191 characters (KB830473). The script
comes through standard input as base64, so that no code page can change it and nothing is written on the server. It is
one block with its arguments behind it; every text among them is base64 too, so that none can be read as code.

The bootstrap puts errors among the output as objects and ends with an object that says how the script ended. Without
that object the answer is incomplete, whatever the exit code: nothing is read from the words on standard error.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.model import Scalar
from agent.transport.clixml import Plain, Reader, document, unescape
from agent.transport.position import unplaced

LONGEST_COMMAND_LINE = 8191  # KB830473: Windows XP and Server 2003
_LINE = 1024  # characters of base64 on a line of standard input
_MARK = "EasfixMark"
_HEADER = "#< CLIXML"

# `$input` is standard input line by line, which powershell.exe reads to its end before the script begins.
_BOOTSTRAP = """$ProgressPreference = 'SilentlyContinue'
$mark = '@MARK@'
function Report($ended, $record) {
    $bag = @{ EasfixMark = $mark; Ended = $ended }
    if ($record) {
        $bag['ErrorCategory_Category'] = [string]$record.CategoryInfo.Category
        $bag['ErrorCategory_TargetName'] = [string]$record.CategoryInfo.TargetName
        $bag['FullyQualifiedErrorId'] = [string]$record.FullyQualifiedErrorId
        $bag['Message'] = [string]$record.Exception.Message
        $bag['Type'] = $record.Exception.GetType().FullName
        $bag['InvocationInfo_PositionMessage'] = [string]$record.InvocationInfo.PositionMessage
        $bag['InvocationInfo_ScriptLineNumber'] = [int]$record.InvocationInfo.ScriptLineNumber
    }
    New-Object PSObject -Property $bag
}
$text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String((@($input) -join '')))
try {
    Invoke-Expression -Command $text 2>&1 | ForEach-Object {
        if ($_ -is [Management.Automation.ErrorRecord]) { Report '' $_ } else { $_ }
    }
    Report 'well'
} catch {
    Report 'badly' $_
}
"""


class Incomplete(ConnectionError):  # noqa: N818 - a fact, translated at the door
    """The answer stops before the script's end: powershell.exe was ended, or never began."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script said, as objects."""

    output: list[Plain]
    reported: list[Mapping[str, Plain]]  # error records


def command_line(mark: str) -> tuple[str, list[str]]:
    """The program and its arguments."""
    encoded = base64.b64encode(_compact(_BOOTSTRAP.replace("@MARK@", mark)).encode("utf-16-le")).decode("ascii")
    switches = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -OutputFormat XML"
    return "powershell.exe", [*switches.split(), "-EncodedCommand", encoded]


def standard_input(text: str, arguments: Mapping[str, Scalar | Sequence[Scalar]]) -> bytes:
    """The script and its arguments, as lines of base64."""
    given = " ".join(_parameter(name, value) for name, value in arguments.items())
    # The script begins on the first line, so that PowerShell counts its lines as its author does.
    whole = base64.b64encode(f"& {{ {text}\n}} {given}".encode()).decode("ascii")
    return "".join(f"{whole[at : at + _LINE]}\r\n" for at in range(0, len(whole), _LINE)).encode("ascii")


def answer(stdout: bytes, mark: str) -> Answer:
    """The objects on standard output; Incomplete without the one that says the script is over."""
    text = stdout.decode("utf-8", "replace").lstrip("\ufeff")
    start = text.find("<Objs")
    if start < 0 and _HEADER not in text:
        raise Incomplete(f"powershell.exe said {text[:200]!r}" if text.strip() else "powershell.exe said nothing")
    if "</Objs>" not in text:
        raise Incomplete("the answer stops in the middle")
    output: list[Plain] = []
    marks: list[dict[str, Plain]] = []
    for value in _values(text[start : text.rindex("</Objs>") + len("</Objs>")]):
        if isinstance(value, dict) and value.get(_MARK) == mark:
            marks.append(value)
        else:
            output.append(value)
    if not any(found["Ended"] for found in marks):
        raise Incomplete("the answer stops before the script's end")
    return Answer(
        output=output,
        reported=[_record(found) for found in marks if "FullyQualifiedErrorId" in found],
    )


def words(stderr: bytes) -> str:
    """What stands on standard error, without its markup and the places within the script, and cut short."""
    text = re.sub(r"<[^>]*>", " ", stderr.decode("utf-8", "replace").replace(_HEADER, " "))
    return " ".join(unplaced(unescape(text)).split())[:300]


def _values(xml: str) -> list[Plain]:
    reader = Reader()
    read = [(element, reader.read(element)) for element in document(xml)]
    return [value for element, value in read if (element.get("S") or "output").lower() == "output"]


def _record(found: Mapping[str, Plain]) -> Mapping[str, Plain]:
    return {**found, "Exception": {"Message": found.get("Message"), "Type": found.get("Type")}}


def _compact(script: str) -> str:
    return "\n".join(line.strip() for line in script.splitlines())


def _parameter(name: str, value: Scalar | Sequence[Scalar]) -> str:
    return f"-{name}{':' if isinstance(value, bool) else ' '}{_literal(value)}"  # a switch takes its value by a colon


def _literal(value: Scalar | Sequence[Scalar]) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"@({','.join(_one(item) for item in value)})"
    return _one(value)


def _one(value: Scalar) -> str:
    """One expression, of digits or of base64: there is no text in it that could end it early."""
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return f"({value})"
    if isinstance(value, float):
        return f"([double]({value!r}))"
    encoded = base64.b64encode(value.encode("utf-16-le", "surrogatepass")).decode("ascii")
    return f"([Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('{encoded}')))"
