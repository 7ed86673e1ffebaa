"""Owns how text becomes bytes in files: .NET's default (UTF-8), an Encoding object, the names of -Encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
ANSI = "cp1252"  # the code page of an English Server 2003; what -Encoding Default means
# Values of -Encoding of Set-Content, Add-Content, Out-File: codec and byte order mark.
NAMED: dict[str, tuple[str, bytes]] = {
    "ascii": ("ascii", b""),
    "default": (ANSI, b""),
    "oem": ("cp437", b""),
    "utf8": ("utf-8", codecs.BOM_UTF8),
    "unicode": ("utf-16-le", codecs.BOM_UTF16_LE),
    "string": ("utf-16-le", codecs.BOM_UTF16_LE),
    "bigendianunicode": ("utf-16-be", codecs.BOM_UTF16_BE),
    "utf32": ("utf-32-le", codecs.BOM_UTF32_LE),
    "utf7": ("utf-7", b""),
}


def bytes_of(value: Any) -> bytes:
    """`byte[]`, or any list of numbers, as bytes."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return bytes(int(unit) & 0xFF for unit in value)
    raise ClrError(
        f'Cannot convert argument "{value}" to type "System.Byte[]".', "System.Management.Automation.MethodException"
    )


def preamble(encoding: ClrObject | None) -> bytes:
    """The byte order mark a new file begins with; none by .NET's default."""
    if encoding is None:
        return b""
    try:
        return bytes_of(encoding.ps_call("GetPreamble", []))
    except MissingMember:
        return b""


def encode(text: str, encoding: ClrObject | None) -> bytes:
    """The text's bytes, without a mark."""
    if encoding is None:
        return text.encode("utf-8", "replace")
    return bytes_of(encoding.ps_call("GetBytes", [text]))


def decode(content: bytes, encoding: ClrObject | None = None) -> str:
    """The text; a byte order mark wins over the encoding, as StreamReader has it."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace")
    if encoding is None:
        return content.decode("utf-8", "replace")
    return str(encoding.ps_call("GetString", [list(content)]))


def decode_named(content: bytes, name: str | None) -> str:
    """What Get-Content reads: a mark wins; without one the ANSI code page unless -Encoding says otherwise."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace")
    codec = NAMED[name.lower()][0] if name else ANSI
    return content.decode(codec, "replace")
