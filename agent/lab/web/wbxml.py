"""WBXML as ActiveSync 2.5 speaks it: bytes to a tree of elements and back, for the code pages the lab answers with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# [MS-ASWBXML] 2.1.2.1: the code pages used here, each name with its tag token.
AIR_SYNC: Mapping[str, int] = {
    "Sync": 0x05,
    "Responses": 0x06,
    "Add": 0x07,
    "Change": 0x08,
    "Delete": 0x09,
    "Fetch": 0x0A,
    "SyncKey": 0x0B,
    "ClientId": 0x0C,
    "ServerId": 0x0D,
    "Status": 0x0E,
    "Collection": 0x0F,
    "Class": 0x10,
    "Version": 0x11,
    "CollectionId": 0x12,
    "GetChanges": 0x13,
    "MoreAvailable": 0x14,
    "WindowSize": 0x15,
    "Commands": 0x16,
    "Options": 0x17,
    "FilterType": 0x18,
    "Truncation": 0x19,
    "RtfTruncation": 0x1A,
    "Conflict": 0x1B,
    "Collections": 0x1C,
    "ApplicationData": 0x1D,
    "DeletesAsMoves": 0x1E,
    "NotifyGuid": 0x1F,
    "Supported": 0x20,
    "SoftDelete": 0x21,
    "MIMESupport": 0x22,
    "MIMETruncation": 0x23,
}
FOLDER_HIERARCHY: Mapping[str, int] = {
    "Folders": 0x05,
    "Folder": 0x06,
    "DisplayName": 0x07,
    "ServerId": 0x08,
    "ParentId": 0x09,
    "Type": 0x0A,
    "Response": 0x0B,
    "Status": 0x0C,
    "ContentClass": 0x0D,
    "Changes": 0x0E,
    "Add": 0x0F,
    "Delete": 0x10,
    "Update": 0x11,
    "SyncKey": 0x12,
    "FolderCreate": 0x13,
    "FolderDelete": 0x14,
    "FolderUpdate": 0x15,
    "FolderSync": 0x16,
    "Count": 0x17,
    "Version": 0x18,
}
PING: Mapping[str, int] = {
    "Ping": 0x05,
    "AutdState": 0x06,
    "Status": 0x07,
    "HeartbeatInterval": 0x08,
    "Folders": 0x09,
    "Folder": 0x0A,
    "Id": 0x0B,
    "Class": 0x0C,
    "MaxFolders": 0x0D,
}
PAGES: Mapping[int, tuple[str, Mapping[str, int]]] = {
    0: ("AirSync", AIR_SYNC),
    7: ("FolderHierarchy", FOLDER_HIERARCHY),
    13: ("Ping", PING),
}
_PAGE_OF = {name: (number, tags) for number, (name, tags) in PAGES.items()}
_NAMES = {number: {token: tag for tag, token in tags.items()} for number, (_, tags) in PAGES.items()}

# [WAP-192-WBXML] 5.4 and 5.8: version 1.3, unknown public identifier, UTF-8, no string table; global tokens.
HEADER = b"\x03\x01\x6a\x00"
_VERSIONS = (0x01, 0x02, 0x03)
_SWITCH_PAGE, _END, _STR_I, _OPAQUE = 0x00, 0x01, 0x03, 0xC3
_HAS_ATTRIBUTES, _HAS_CONTENT, _TAG = 0x80, 0x40, 0x3F

MAX_DEPTH = 64
MAX_ELEMENTS = 10_000


class WbxmlError(ValueError):
    """The bytes are not WBXML that an ActiveSync 2.5 device sends."""


@dataclass(slots=True)
class Element:
    """One tag: its code page by name, its text and its children."""

    page: str
    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, *names: str) -> Element | None:
        """The first descendant along this path of names, or None."""
        found: Element | None = self
        for name in names:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def value(self, *names: str) -> str:
        """The text of the element at this path, empty when there is none."""
        found = self.find(*names)
        return found.text if found else ""


def element(page: str, name: str, *content: str | Element) -> Element:
    """Build one element from text and children."""
    made = Element(page, name)
    for item in content:
        if isinstance(item, Element):
            made.children.append(item)
        else:
            made.text += item
    return made


def encode(root: Element) -> bytes:
    """The WBXML document of this tree; raises WbxmlError for a tag no code page here has."""
    out = bytearray(HEADER)
    _write(root, out, 0)
    return bytes(out)


def _write(item: Element, out: bytearray, page: int) -> int:
    try:
        number, tags = _PAGE_OF[item.page]
        token = tags[item.name]
    except KeyError:
        raise WbxmlError(f"no token for {item.page}:{item.name}") from None
    if number != page:
        out += bytes((_SWITCH_PAGE, number))
        page = number
    if not item.children and not item.text:
        out.append(token)
        return page
    out.append(token | _HAS_CONTENT)
    if item.text:
        out += bytes((_STR_I,)) + item.text.encode() + b"\x00"
    for child in item.children:
        page = _write(child, out, page)
    out.append(_END)
    return page


def decode(document: bytes) -> Element:
    """The tree of this document; raises WbxmlError with the place where it stops making sense."""
    cursor = _Cursor(document)
    _skip_header(cursor)
    above = Element("", "")
    stack, page = [above], 0
    for count, token in enumerate(cursor):
        if count > MAX_ELEMENTS or len(stack) > MAX_DEPTH:
            raise WbxmlError("document too large")
        if token == _SWITCH_PAGE:
            page = cursor.byte()
        elif token == _END:
            _inside(stack, cursor)
            stack.pop()
        elif token in (_STR_I, _OPAQUE):
            _inside(stack, cursor).text += cursor.string() if token == _STR_I else cursor.opaque()
        else:
            made = _tag(token, page, cursor)
            stack[-1].children.append(made)
            if token & _HAS_CONTENT:
                stack.append(made)
    if len(above.children) != 1 or len(stack) > 1:
        raise WbxmlError("not one whole element")
    return above.children[0]


def _skip_header(cursor: _Cursor) -> None:
    if cursor.byte() not in _VERSIONS:
        raise WbxmlError("not WBXML 1.1 to 1.3")
    cursor.number()
    cursor.number()
    cursor.skip(cursor.number())


def _inside(stack: list[Element], cursor: _Cursor) -> Element:
    if len(stack) == 1:
        raise WbxmlError(f"content outside an element at byte {cursor.at}")
    return stack[-1]


def _tag(token: int, page: int, cursor: _Cursor) -> Element:
    if token & _HAS_ATTRIBUTES:
        raise WbxmlError(f"attributes are not used by ActiveSync, at byte {cursor.at}")
    name = _NAMES.get(page, {}).get(token & _TAG)
    if name is None:
        # A device may send tags of pages the lab has no use for: they keep their number.
        return Element(f"page{page}", f"tag{token & _TAG:02x}")
    return Element(PAGES[page][0], name)


class _Cursor:
    def __init__(self, document: bytes) -> None:
        self._document = document
        self.at = 0

    def __iter__(self) -> Iterator[int]:
        while self.at < len(self._document):
            yield self.byte()

    def byte(self) -> int:
        if self.at >= len(self._document):
            raise WbxmlError("document ends too early")
        self.at += 1
        return self._document[self.at - 1]

    def number(self) -> int:
        """A multi-byte integer, seven bits a byte."""
        value = 0
        for _ in range(5):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        raise WbxmlError(f"number too long at byte {self.at}")

    def skip(self, count: int) -> bytes:
        if self.at + count > len(self._document):
            raise WbxmlError("document ends too early")
        self.at += count
        return self._document[self.at - count : self.at]

    def string(self) -> str:
        end = self._document.find(b"\x00", self.at)
        if end < 0:
            raise WbxmlError("string without an end")
        return _text(self.skip(end - self.at + 1)[:-1])

    def opaque(self) -> str:
        return _text(self.skip(self.number()))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise WbxmlError("text is not UTF-8") from error
