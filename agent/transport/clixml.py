"""Owns CLIXML, the form PowerShell gives its objects on the wire: to plain values, and scalars back ([MS-PSRP] 2.2.5).

word of the protocol        here
primitive (S, I32, B ...)   str, int, bool, float, datetime, None
LST, IE, QUE, STK           list
DCT                         dict
Obj with Props and MS       dict, extended properties (MS) before adapted ones (Props)
enum                        its name
Ref                         the object it points to
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from datetime import datetime

from agent.model import Scalar

Plain = Scalar | datetime | list["Plain"] | dict[str, "Plain"]
"""What an object becomes."""

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
DEEPEST = 64  # a host serializes a handful of levels; more than this is no answer of PowerShell
MOST = 100_000  # values in one answer: references to references to references make many of a few
_MOST_TAGS = 4 * MOST  # of one document: a tree of empty elements takes thirty times the room of its text


class BadClixml(ValueError):  # noqa: N818 - named like BadAnswer, which it becomes
    """The text is not CLIXML."""


def parse(text: str) -> Plain:
    """One serialized object."""
    return Reader().read(document(text))


def document(text: str) -> ET.Element:
    """The root element; BadClixml for anything that is not XML or wants entities of its own."""
    if "<!DOCTYPE" in text:
        raise BadClixml("a document type has no place in CLIXML")
    if text.count("<") > _MOST_TAGS:
        raise BadClixml(f"more than {MOST:,} values")
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise BadClixml(f"not XML: {error}") from error


def scalar(value: Scalar) -> ET.Element:
    """A value as an argument. ValueError for what PowerShell has no room for."""
    tag, text = _tagged(value)
    element = ET.Element(tag)
    element.text = text
    return element


def _tagged(value: Scalar) -> tuple[str, str | None]:
    if value is None:
        return "Nil", None
    if isinstance(value, bool):
        return "B", "true" if value else "false"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit a 64-bit integer")
        return ("I32" if -(2**31) <= value < 2**31 else "I64"), str(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is no number for an argument")
        return "Db", repr(value)
    return "S", escape(value)


# Outside XML's Char production, or mangled by a parser (line ends), or able to be read as an escape.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=[xX])")
_ESCAPED = re.compile(r"(?:_[xX][0-9A-Fa-f]{4}_)+")


def escape(text: str) -> str:
    """A string as the protocol writes it ([MS-PSRP] 2.2.5.3.2): _xHHHH_ for each UTF-16 unit that XML cannot carry."""
    return _UNSAFE.sub(lambda match: f"_x{ord(match.group()):04X}_", text)


def unescape(text: str) -> str:
    """A string as it was before it was written."""
    return _ESCAPED.sub(_units, text) if "_x" in text or "_X" in text else text


def _units(match: re.Match[str]) -> str:
    found = match.group()
    units = b"".join(int(found[at + 2 : at + 6], 16).to_bytes(2, "little") for at in range(0, len(found), 7))
    return units.decode("utf-16-le", "replace")


def _real(text: str) -> float:
    # XmlConvert writes INF where Python reads inf.
    return float(text.replace("INF", "inf"))


_INTEGERS: Mapping[str, Callable[[str], Plain]] = dict.fromkeys(
    ("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int
)
_PRIMITIVES: Mapping[str, Callable[[str], Plain]] = {
    **_INTEGERS,
    "S": unescape,
    "ToString": unescape,
    "URI": unescape,
    "XD": unescape,
    "SBK": unescape,
    "Version": str,
    "G": str,
    "TS": str,
    "BA": str,
    "SS": lambda _: None,  # a SecureString: never wanted, never kept
    "Nil": lambda _: None,
    "B": lambda text: text.strip().lower() == "true",
    "C": lambda text: chr(int(text)),
    "DT": datetime.fromisoformat,
    "D": _real,
    "Sg": _real,
    "Db": _real,
}
_LISTS = ("LST", "IE", "QUE", "STK")


class Reader:
    """Reads the objects of one document; references and type names are shared among them."""

    def __init__(self) -> None:
        self._objects: dict[str, Plain] = {}
        self._types: dict[str, tuple[str, ...]] = {}
        self._sizes: dict[str, int] = {}  # of objects, in values
        self._count = 0

    def read(self, element: ET.Element, depth: int = 0) -> Plain:
        """The element as a plain value; BadClixml where it makes no sense."""
        tag = element.tag.rpartition("}")[2]
        self._add(1)
        if depth > DEEPEST:
            raise BadClixml(f"nested more than {DEEPEST} deep")
        if tag == "Obj":
            return self._object(element, depth)
        if tag == "Ref":
            return self._reference(element)
        if (convert := _PRIMITIVES.get(tag)) is None:
            raise BadClixml(f"unknown element {tag}")
        try:
            return convert(element.text or "")
        except (ValueError, OverflowError) as error:
            raise BadClixml(f"{tag} with the text {(element.text or '')[:60]!r}") from error

    def types(self, element: ET.Element) -> tuple[str, ...]:
        """The .NET type names of an object, the most derived first."""
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag == "TN":
                names = tuple(name.text or "" for name in child)
                self._types[child.get("RefId", "")] = names
                return names
            if tag == "TNRef":
                return self._types.get(child.get("RefId", ""), ())
        return ()

    def _reference(self, element: ET.Element) -> Plain:
        try:
            found = self._objects[element.get("RefId", "")]
            self._add(self._sizes.get(element.get("RefId", ""), 0))
            return found
        except KeyError:
            raise BadClixml(f"reference to {element.get('RefId')!r}, which was never there") from None

    def _object(self, element: ET.Element, depth: int) -> Plain:
        types = self.types(element)
        reference = element.get("RefId", "")
        bag: dict[str, Plain] = {}
        begun = self._count
        self._objects[reference] = bag  # before its members are read: they may point back
        value = self._value(element, types, bag, depth)
        self._objects[reference] = value
        self._sizes[reference] = self._count - begun
        return value

    def _add(self, values: int) -> None:
        self._count += values
        if self._count > MOST:
            raise BadClixml(f"more than {MOST:,} values")

    def _value(self, element: ET.Element, types: tuple[str, ...], bag: dict[str, Plain], depth: int) -> Plain:
        parts = {child.tag.rpartition("}")[2]: child for child in element}
        for tag in _LISTS:
            if tag in parts:
                return [self.read(item, depth + 1) for item in parts[tag]]
        if "DCT" in parts:
            return self._dictionary(parts["DCT"], depth)
        primitive = next((child for tag, child in parts.items() if tag in _PRIMITIVES and tag != "ToString"), None)
        if primitive is not None and not ("System.Enum" in types and "ToString" in parts):
            return self.read(primitive, depth + 1)
        if "Props" in parts or "MS" in parts:
            for tag in ("Props", "MS"):
                bag.update(self._members(parts.get(tag), depth))
            if any(name.endswith("System.Exception") for name in types):
                bag.setdefault("Type", types[0].removeprefix("Deserialized."))
            return bag
        return self.read(parts["ToString"], depth + 1) if "ToString" in parts else bag

    def _members(self, element: ET.Element | None, depth: int) -> dict[str, Plain]:
        if element is None:
            return {}
        return {unescape(child.get("N", "")): self.read(child, depth + 1) for child in element}

    def _dictionary(self, element: ET.Element, depth: int) -> dict[str, Plain]:
        entries: dict[str, Plain] = {}
        for entry in element:
            named = {child.get("N"): child for child in entry}
            if "Key" not in named or "Value" not in named:
                raise BadClixml("a dictionary entry without key or value")
            entries[str(self.read(named["Key"], depth + 1))] = self.read(named["Value"], depth + 1)
        return entries
