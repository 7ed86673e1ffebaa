"""What two conversations must have in common: envelopes without their ids, PSRP messages without their values."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator
from xml.etree import ElementTree as ET

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_STREAM = re.compile(r"(<rsp:Stream [^>]*>)([^<]*)(</rsp:Stream>)")
# [MS-PSRP] 2.2.1
KINDS = {
    0x00010002: "SessionCapability",
    0x00021009: "ApplicationPrivateData",
    0x00021005: "RunspacePoolState",
    0x00041004: "PipelineOutput",
    0x00041005: "ErrorRecord",
    0x00041006: "PipelineState",
    0x00041007: "DebugRecord",
}


def envelope(answer: str) -> str:
    """The answer with ids and addresses struck out, and the kind of message in place of each stream."""
    text = _STREAM.sub(lambda found: found[1] + ",".join(kind for kind, _ in _of(found[2])) + found[3], answer)
    text = re.sub(_GUID, "GUID", text)
    return re.sub(r"<a:Address>[^<]*</a:Address>", "<a:Address>ADDRESS</a:Address>", text)


def messages(answer: str) -> Iterator[tuple[str, str]]:
    """Kind and XML of each PSRP message in an answer."""
    for stream in _STREAM.findall(answer):
        yield from _of(stream[1])


def _of(stream: str) -> Iterator[tuple[str, str]]:
    rest = base64.b64decode(stream)
    while rest:
        size = struct.unpack_from(">I", rest, 17)[0]
        message, rest = rest[21 : 21 + size], rest[21 + size :]
        yield KINDS[struct.unpack_from("<I", message, 4)[0]], message[40:].decode("utf-8-sig")


def shape(xml: str) -> list[str]:
    """The names, wire types and .NET types in a message, without values, sorted."""
    return sorted(_shape(ET.fromstring(xml), "", {}))


def _shape(element: ET.Element, path: str, types: dict[str, str]) -> Iterator[str]:
    here = f"{path}/{element.get('N', '')}:{element.tag}"
    children = [child for child in element if child.tag not in ("TN", "TNRef")]
    names = element.find("TN")
    if names is not None:
        # The engine keeps no mark of what came in over the wire, so "Deserialized." is left out of the comparison.
        types[names.get("RefId", "")] = "<".join((child.text or "").removeprefix("Deserialized.") for child in names)
    reference = element.find("TNRef")
    known = types[reference.get("RefId", "")] if reference is not None else ""
    yield here + (f" {types[names.get('RefId', '')]}" if names is not None else f" {known}" if known else "")
    for child in children:
        yield from _shape(child, here, types)
