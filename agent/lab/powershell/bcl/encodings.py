"""Owns System.Text.Encoding: the encodings scripts turn text into bytes with, and back."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from agent.lab.powershell.clr import ClrObject, ClrType, method, prop, register
from agent.lab.powershell.text import to_string
from agent.lab.powershell.values import TypedArray, byte_array


class Encoding(ClrObject):
    """One encoding; what it cannot write becomes a question mark, as .NET 2.0 has it."""

    TYPE = "System.Text.Encoding"

    def __init__(self, name: str, codec: str, mark: bytes = b"") -> None:
        """`name` is the web name, `mark` what files in it begin with."""
        self.name, self.codec, self.mark = name, codec, mark

    @prop("WebName")
    def web_name(self) -> str:
        """The name on the web."""
        return self.name

    @prop("BodyName")
    def body_name(self) -> str:
        """The name in mail."""
        return self.name

    @method("GetString")
    def get_string(self, content: Any, index: int = 0, count: int | None = None) -> str:
        """The text of some bytes; what makes no sense becomes U+FFFD. Surrogates without a partner stay."""
        raw = bytes(content)[index : None if count is None else index + count]
        return raw.decode(self.codec, "surrogatepass" if self.codec.startswith("utf-16") else "replace")

    @method("GetBytes")
    def get_bytes(self, text: Any) -> TypedArray:
        """The bytes of a text."""
        errors = "surrogatepass" if self.codec.startswith("utf-16") else "replace"
        return byte_array(to_string(text).encode(self.codec, errors))

    @method("GetByteCount")
    def get_byte_count(self, text: Any) -> int:
        """How many bytes a text takes."""
        return len(self.get_bytes(text))

    @method("GetPreamble")
    def get_preamble(self) -> TypedArray:
        """The byte order mark."""
        return byte_array(self.mark)


def _always(encoding: Encoding) -> Callable[[Any], Encoding]:
    return lambda engine: encoding


_UTF8 = Encoding("utf-8", "utf-8", codecs.BOM_UTF8)
_UNICODE = Encoding("utf-16", "utf-16-le", codecs.BOM_UTF16_LE)

register(
    ClrType(
        "System.Text.Encoding",
        constants={
            "UTF8": _always(_UTF8),
            "Unicode": _always(_UNICODE),
            "BigEndianUnicode": _always(Encoding("unicodeFFFE", "utf-16-be", codecs.BOM_UTF16_BE)),
            "ASCII": _always(Encoding("us-ascii", "ascii")),
            "Default": _always(Encoding("Windows-1252", "cp1252")),
        },
    )
)
