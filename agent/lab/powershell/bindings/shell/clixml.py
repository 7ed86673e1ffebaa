"""Owns the CLIXML powershell.exe writes: a `#< CLIXML` line, then one document per stream, begun by the first object.

[PowerShell/PowerShell, host/msh/Serialization.cs: WrappedSerializer]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from psrpcore.types import (
    ClixmlStream,
    PSCryptoProvider,
    PSInt,
    PSObject,
    PSString,
    add_note_property,
    serialize_clixml,
)

from agent.lab.powershell.errors import ErrorRecord
from agent.lab.powershell.wire import to_wire

HEADER = "#< CLIXML\r\n"
_OBJECTS = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
_STREAM = re.compile(r' S="(\w+)"')
_CASE = {"output": "Output", "error": "Error"}  # the two that the host names itself; the others are lower case
# System.Management.Automation.ErrorCategory in the order of its numbers.
_NAMES = (
    "NotSpecified OpenError CloseError DeviceError DeadlockDetected InvalidArgument InvalidData InvalidOperation "
    "InvalidResult InvalidType MetadataError NotImplemented NotInstalled ObjectNotFound OperationStopped "
    "OperationTimeout SyntaxError ParserError PermissionDenied ResourceBusy ResourceExists ResourceUnavailable "
    "ReadError WriteError FromStdErr SecurityError"
)
_CATEGORIES = tuple(_NAMES.split())


class _NoSecrets(PSCryptoProvider):
    """No session key: a SecureString cannot leave the process."""

    def decrypt(self, value: str) -> str:
        """Never called."""
        raise NotImplementedError

    def encrypt(self, value: str) -> str:
        """Never called."""
        raise NotImplementedError

    def register_key(self, key: bytes) -> None:
        """Never called."""
        raise NotImplementedError


class ClixmlWriter:
    """One stream of objects."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """`write` takes the bytes as they come."""
        self._write = write
        self._begun = False

    def add(self, value: Any, stream: str) -> None:
        """Write one object; the first one brings the header."""
        if not self._begun:
            self._begun = True
            self._write((HEADER + _OBJECTS).encode("utf-8"))
        document = serialize_clixml([(value, ClixmlStream(stream))], _NoSecrets())
        inner = document[document.index(">") + 1 : document.rindex("</Objs>")]
        inner = _STREAM.sub(lambda found: f' S="{_CASE.get(found[1], found[1])}"', inner, count=1)
        self._write(inner.encode("utf-8"))

    def end(self) -> None:
        """Close the document, where one was begun."""
        if self._begun:
            self._write(b"</Objs>")


def text_line(text: str) -> PSString:
    """A line of text with its end, as the host writes lines into a stream of objects."""
    return PSString(text + "\r\n")


def error_object(record: ErrorRecord) -> PSObject:
    """An error record with what a reader at the other end needs. [MS-PSRP] 2.2.3.15"""
    made = PSObject()
    made.PSObject.type_names = ["System.Management.Automation.ErrorRecord", "System.Object"]
    made.PSObject.to_string = record.message
    texts = record.category_info().texts
    notes = {
        "Exception": _exception(record),
        "TargetObject": None if record.target is None else to_wire(record.target),
        "FullyQualifiedErrorId": record.error_id,
        "InvocationInfo": None,
        "ErrorCategory_Category": PSInt(_number(texts["Category"])),
        "ErrorCategory_Activity": texts["Activity"],
        "ErrorCategory_Reason": texts["Reason"],
        "ErrorCategory_TargetName": texts["TargetName"],
        "ErrorCategory_TargetType": texts["TargetType"],
        "ErrorCategory_Message": record.category_info().ps_string(),
        "SerializeExtendedInfo": False,
    }
    for name, value in notes.items():
        add_note_property(made, name, value)
    return made


def _number(category: str) -> int:
    return _CATEGORIES.index(category) if category in _CATEGORIES else 0


def _exception(record: ErrorRecord) -> PSObject:
    made = PSObject()
    made.PSObject.type_names = list(dict.fromkeys((record.error.type_name, *record.error.bases)))
    made.PSObject.to_string = f"{record.error.type_name}: {record.error.message}"
    add_note_property(made, "Message", record.error.message)
    return made
