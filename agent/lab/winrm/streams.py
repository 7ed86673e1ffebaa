"""Owns the base64 of streams in envelopes."""

from __future__ import annotations

import base64
import binascii
from xml.etree import ElementTree as ET

from agent.lab.winrm import wsmanfault as faults


def decode(text: str, element: str) -> bytes:
    """The bytes of a base64 text, white space allowed; WsmanFault naming the element when it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise faults.schema(element) from None


def decode_stream(element: ET.Element) -> bytes:
    """The bytes of an rsp:Stream."""
    return decode(element.text or "", "rsp:Stream")
