"""Owns what becomes of a script's answer: records, or the error that the script reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import cast

from agent import errors
from agent.model import Record, Script
from agent.printable import in_line, printable, shortly
from agent.transport.clixml import DEEPEST, MOST, BadClixml, Plain
from agent.transport.position import unplaced

# System.Management.Automation.ErrorCategory, in the order of its numbers.
_CATEGORIES = (
    "NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData",
    "InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled",
    "ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied",
    "ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr", "SecurityError",
)  # fmt: skip


LOOK = "Look at the server again: what the script did before the error stays done."


def records(server: str, script: Script, output: Sequence[Plain]) -> list[Record]:
    """The objects of the output, their texts `in_line`: they end on a terminal, or in a report.

    BadAnswer for anything else: a script of ours answers with objects only.
    """
    for value in output:
        if not isinstance(value, Mapping):
            raise errors.BadAnswer(
                server,
                f"{script.id} answered with {_kind(value)} instead of an object: {shortly(value)}",
                "Look at what the script writes to its output.",
            )
    copy = _Copy()
    try:
        return cast(list[Record], [copy.of(value) for value in output])
    except BadClixml as error:
        raise errors.BadAnswer(server, f"{script.id} answered with {error}", LOOK) from error


_LONGEST = 32 * 1024
"""Letters of one text; the longest that a script of ours answers with is a page of a web site, or an event."""

_WORD = 2**63
"""No script of ours has a larger number to tell, and no journal can hold one."""


class _Copy:
    """Of all objects of an answer, with nothing in it that cannot be stored, told, or reckoned with.

    References make many of a few, in each document anew, and may lead back to where they stand.
    """

    def __init__(self) -> None:
        self._left = MOST

    def of(self, value: Plain, depth: int = 0) -> Plain:
        """The value with harmless texts; BadClixml where it has no end, or a number makes no sense."""
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise BadClixml(f"more than {MOST:,} values, or more than {DEEPEST} inside each other")
        match value:
            case str():
                return in_line(value[:_LONGEST])
            case bool():
                return value
            case int() if not -_WORD <= value < _WORD:
                raise BadClixml("a number of more than 64 bits")
            case float() if not isfinite(value):
                raise BadClixml("a number without an end")
            case list():
                return [self.of(item, depth + 1) for item in value]
            case dict():
                return {in_line(name[:_LONGEST]): self.of(item, depth + 1) for name, item in value.items()}
        return value


def failed(server: str, script: Script, found: Mapping[str, Plain]) -> errors.ScriptFailed:
    """The error for a serialized ErrorRecord ([MS-PSRP] 2.2.3.15)."""
    exception = found.get("Exception")
    own = exception.get("Message") if isinstance(exception, dict) else None
    message = found.get("ErrorDetails_Message") or own or found.get("ErrorCategory_Message")
    record = errors.ErrorRecord(
        exception=_member(exception, "Type") or _text(found.get("ErrorCategory_Reason")),
        error_id=_text(found.get("FullyQualifiedErrorId")),
        category=_category(found.get("ErrorCategory_Category")),
        target=_text(found.get("ErrorCategory_TargetName")),
        position=_position(found),
    )
    words = message if isinstance(message, str) else _text(message)
    said = _text(unplaced(words)) or record.error_id or "failed without a message"
    return errors.ScriptFailed(server, f"{script.id}: {said}", LOOK, record)


def _position(found: Mapping[str, Plain]) -> str:
    info = found.get("InvocationInfo")
    line = _text(found.get("InvocationInfo_ScriptLineNumber")) or _member(info, "ScriptLineNumber")
    words = _text(found.get("InvocationInfo_PositionMessage")) or _member(info, "PositionMessage")
    return words or (f"line {line}" if line not in ("", "0") else "")


def _category(value: Plain) -> str:
    if isinstance(value, int) and 0 <= value < len(_CATEGORIES):
        return _CATEGORIES[value]
    return _text(value)


def _member(value: Plain, name: str) -> str:
    return _text(value.get(name)) if isinstance(value, dict) else ""


def _text(value: Plain) -> str:
    """One line; of what is no text by itself, as much as tells what it is."""
    whole = shortly(value) if isinstance(value, list | dict) else "" if value is None else str(value)
    return " ".join(printable(whole).split())


def _kind(value: Plain) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
