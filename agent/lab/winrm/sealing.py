"""Owns WinRM message encryption: the multipart/encrypted frame around a sealed envelope. [MS-WSMV] 2.2.9.1"""

from __future__ import annotations

import re
import struct
from typing import Any, Protocol

SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"
BOUNDARY = b"--Encrypted Boundary"
CONTENT_TYPE = 'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'

_FRAME = re.compile(
    rb"\A--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type:[^\r\n]*\r\n"
    rb"\s*OriginalContent:\s*type=([^;\r\n]+);charset=([^;\r\n]+);Length=(\d+)\r\n"
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: application/octet-stream\r\n"
    rb"(.*)"
    rb"--\s*Encrypted Boundary--(?:\r\n)?\Z",
    re.DOTALL,
)


class Unsealable(Exception):  # noqa: N818 - a verdict: the frame or its seal is not good
    """The body is no frame, or was sealed with another key; the service answers 400."""


class Sealer(Protocol):
    """The part of a security context that seals."""

    def wrap_winrm(self, data: bytes) -> Any: ...
    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes: ...


def is_sealed(content_type: str) -> bool:
    """Whether the request says that its body is encrypted."""
    return content_type.lower().startswith("multipart/encrypted")


def seal(context: Sealer, message: bytes, protocol: str) -> bytes:
    """The frame around `message`; `protocol` is SPNEGO or KERBEROS."""
    sealed = context.wrap_winrm(message)
    lines = (
        BOUNDARY,
        b"\tContent-Type: " + protocol.encode(),
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d"
        % (len(message) + sealed.padding_length),
        BOUNDARY,
        b"\tContent-Type: application/octet-stream",
        b"",
    )
    frame: bytes = b"\r\n".join(lines) + struct.pack("<i", len(sealed.header)) + sealed.header + sealed.data
    return frame + BOUNDARY + b"--\r\n"


def unseal(context: Sealer, body: bytes) -> bytes:
    """The message in the frame; Unsealable when it was sealed for another connection or is broken."""
    found = _FRAME.match(body)
    if not found:
        raise Unsealable("not a multipart/encrypted body")
    payload = found[4]
    size = int.from_bytes(payload[:4], "little", signed=True)
    if not 0 < size <= len(payload) - 4:
        raise Unsealable("the signature is longer than the body")
    message = _unwrap(context, payload[4 : 4 + size], payload[4 + size :])
    # Kerberos may pad: the announced length counts the padding.
    if len(message) > int(found[3]):
        raise Unsealable("the length does not match")
    return message


def _unwrap(context: Sealer, signature: bytes, sealed: bytes) -> bytes:
    from spnego.exceptions import SpnegoError

    try:
        message: bytes = context.unwrap_winrm(signature, sealed)
    except (SpnegoError, ValueError) as error:
        raise Unsealable(str(error)) from error
    return message
