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
    PSString,
    serialize_clixml,
)

HEADER = "#< CLIXML\r\n"
_OBJECTS = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
_STREAM = re.compile(r' S="(\w+)"')
_CASE = {"output": "Output", "error": "Error"}  # the two that the host names itself; the others are lower case


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
