"""Owns SOAP requests: what an envelope asks for, checked before anything acts on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from agent.lab.winrm import wsmanfault as faults

S = "http://www.w3.org/2003/05/soap-envelope"
A = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
X = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
P = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WSMID = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# The headers WinRM understands; another one with mustUnderstand is refused.
UNDERSTOOD = frozenset(
    {f"{{{A}}}{name}" for name in ("Action", "To", "MessageID", "ReplyTo", "From", "FaultTo", "RelatesTo")}
    | {
        f"{{{W}}}{name}"
        for name in ("ResourceURI", "SelectorSet", "OptionSet", "MaxEnvelopeSize", "OperationTimeout", "Locale")
    }
    | {f"{{{P}}}{name}" for name in ("DataLocale", "SessionId", "ActivityId", "OperationID", "SequenceId")}
)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request, as its headers say; `body` is the child of s:Body, None when empty."""

    action: str
    message_id: str
    to: str
    resource: str
    selectors: dict[str, str]
    options: dict[str, str]
    max_envelope: int | None
    timeout: float | None
    body: ET.Element | None = field(compare=False)

    @property
    def verb(self) -> str:
        """The last part of the action, such as `Receive`."""
        return self.action.rpartition("/")[2]

    @property
    def shell_id(self) -> str | None:
        """The ShellId selector, upper-case as the service writes it."""
        for name, value in self.selectors.items():
            if name.lower() == "shellid":
                return value.upper()
        return None


def parse(message: bytes, charset: str = "utf-8") -> Envelope:
    """Read an envelope; WsmanFault when it is not one, or asks for what cannot be understood."""
    root = _root(message, charset)
    header = root.find(f"{{{S}}}Header")
    body = root.find(f"{{{S}}}Body")
    if root.tag != f"{{{S}}}Envelope" or body is None:
        raise faults.invalid_xml()
    children = list(body)
    if children and children[0].tag == f"{{{WSMID}}}Identify":
        return Envelope(f"{WSMID}/Identify", "", "", "", {}, {}, None, None, children[0])
    if header is None:
        raise faults.missing_header("wsa:Action")
    return _envelope(header, children[0] if children else None)


def _root(message: bytes, charset: str) -> ET.Element:
    try:
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8"):
            message = message.decode(charset).encode("utf-8")
        if b"<!DOCTYPE" in message or b"<!ENTITY" in message:
            raise faults.invalid_xml()
        return ET.fromstring(message)
    except (ET.ParseError, UnicodeError, LookupError):
        raise faults.invalid_xml() from None


def _envelope(header: ET.Element, body: ET.Element | None) -> Envelope:
    message_id = _text(header, A, "MessageID")
    for child in header:
        if child.get(f"{{{S}}}mustUnderstand", "").lower() in ("true", "1") and child.tag not in UNDERSTOOD:
            raise faults.not_understood(child.tag, message_id)
    action = _text(header, A, "Action")
    if not action or not message_id:
        raise faults.missing_header("wsa:MessageID" if action else "wsa:Action", message_id)
    return Envelope(
        action,
        message_id,
        _text(header, A, "To"),
        _text(header, W, "ResourceURI"),
        _pairs(header, "SelectorSet", "Selector"),
        _pairs(header, "OptionSet", "Option"),
        _size(_text(header, W, "MaxEnvelopeSize"), message_id),
        duration(_text(header, W, "OperationTimeout"), message_id),
        body,
    )


def _text(header: ET.Element, namespace: str, name: str) -> str:
    return (header.findtext(f"{{{namespace}}}{name}") or "").strip()


def _pairs(header: ET.Element, group: str, item: str) -> dict[str, str]:
    found = header.iterfind(f"{{{W}}}{group}/{{{W}}}{item}")
    return {child.get("Name", ""): (child.text or "").strip() for child in found}


def _size(text: str, message_id: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise faults.invalid_header("wsman:MaxEnvelopeSize", message_id)
    return int(text)


def duration(text: str, message_id: str = "") -> float | None:
    """Seconds of an xs:duration such as `PT20S`; None when there is none."""
    if not text:
        return None
    found = _DURATION.match(text)
    if not found or text in ("P", "PT"):
        raise faults.invalid_header("wsman:OperationTimeout", message_id)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
