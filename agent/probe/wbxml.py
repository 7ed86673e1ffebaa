"""Owns as much of WBXML as a proof needs: the first FolderSync of a phone, and the status of what comes back."""

from __future__ import annotations

from collections.abc import Iterator

CONTENT_TYPE = "application/vnd.ms-sync.wbxml"

# [WAP-192-WBXML] 5.4, 5.8: version 1.3, unknown public identifier, UTF-8, no string table; global tokens.
_HEADER = b"\x03\x01\x6a\x00"
_VERSIONS = (1, 2, 3)
_SWITCH_PAGE, _END, _TEXT, _OPAQUE = 0x00, 0x01, 0x03, 0xC3
_HAS_ATTRIBUTES, _HAS_CONTENT, _TAG = 0x80, 0x40, 0x3F
# [MS-ASWBXML] 2.1.2.1.8: code page 7, FolderHierarchy.
_PAGE = 7
_FOLDER_SYNC, _SYNC_KEY, _STATUS = 0x16, 0x12, 0x0C

MOST_DEPTH = 16
MOST_TOKENS = 4096
SUCCESS = 1  # [MS-ASCMD] 2.2.3.177.4: FolderSync Status

FIRST_FOLDER_SYNC = (
    _HEADER
    + bytes((_SWITCH_PAGE, _PAGE, _FOLDER_SYNC | _HAS_CONTENT, _SYNC_KEY | _HAS_CONTENT, _TEXT))
    + b"0\x00"
    + bytes((_END, _END))
)
"""FolderSync with SyncKey 0: tell me every folder. It changes nothing in the mailbox."""


class BrokenWbxml(ValueError):  # noqa: N818 - what the bytes are
    """The bytes are not the WBXML of an answer to FolderSync."""


def folder_status(document: bytes) -> int:
    """The Status of a FolderSync answer. What follows it is not looked at, so a cut body will do; BrokenWbxml."""
    tags: list[int] = []
    for tag, text in _elements(document):
        if tag is None:
            tags.pop()
        elif text is None:
            if not tags and tag != (_PAGE << 8 | _FOLDER_SYNC):
                raise BrokenWbxml(f"it begins with tag {tag & 0xFF:#04x} of page {tag >> 8}, not with FolderSync")
            tags.append(tag)
        elif tags == [_PAGE << 8 | _FOLDER_SYNC, _PAGE << 8 | _STATUS]:
            return _number(text)
    raise BrokenWbxml("it ends without a Status")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BrokenWbxml(f"Status is {text[:20]!r}")
    return int(text)


def _elements(document: bytes) -> Iterator[tuple[int | None, str | None]]:
    """(tag, None) where an element with content begins, (0, text) for text, (None, None) where one ends."""
    cursor = _Cursor(document)
    if cursor.byte() not in _VERSIONS:
        raise BrokenWbxml("it is not WBXML 1.1 to 1.3")
    cursor.number()
    cursor.number()
    cursor.skip(cursor.number())
    page, depth = 0, 0
    for _ in range(MOST_TOKENS):
        token = cursor.byte()
        if token == _SWITCH_PAGE:
            page = cursor.byte()
        elif token == _END:
            depth -= 1
            if depth < 0:
                raise BrokenWbxml("an element ends that has not begun")
            yield None, None
        elif token in (_TEXT, _OPAQUE):
            yield 0, cursor.text() if token == _TEXT else cursor.opaque()
        elif token & _HAS_ATTRIBUTES:
            raise BrokenWbxml("attributes, which ActiveSync does not use")
        elif token & _HAS_CONTENT:
            depth += 1
            if depth > MOST_DEPTH:
                raise BrokenWbxml("elements within elements without end")
            yield page << 8 | token & _TAG, None
    raise BrokenWbxml("no Status among its first elements")


class _Cursor:
    """A place in the document; reading past the end is BrokenWbxml."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._at = 0

    def byte(self) -> int:
        return self.skip(1)[0]

    def skip(self, count: int) -> bytes:
        if self._at + count > len(self._document):
            raise BrokenWbxml("it ends too early")
        self._at += count
        return self._document[self._at - count : self._at]

    def number(self) -> int:
        """A multi-byte integer, seven bits a byte."""
        value = 0
        for _ in range(5):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        raise BrokenWbxml("a number without an end")

    def text(self) -> str:
        end = self._document.find(b"\x00", self._at)
        if end < 0:
            raise BrokenWbxml("text without an end")
        return self.skip(end - self._at + 1)[:-1].decode("utf-8", "replace")

    def opaque(self) -> str:
        return self.skip(self.number()).decode("utf-8", "replace")
