"""Owns the sealing of messages, with the context of our own logon ([MS-WSMV] 2.2.9.1)."""

from __future__ import annotations

import re
import struct

import requests

from agent.transport.envelope import plainly
from agent.transport.logon import SEALED, Logon

_BOUNDARY = b"--Encrypted Boundary"
_PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"

_PART = re.compile(rb"--\s*Encrypted Boundary\r\n")
_END = re.compile(rb"--\s*Encrypted Boundary--(?:\r\n)?\Z")
_KIND = re.compile(rb"\A\s*Content-Type:\s*application/octet-stream\r\n", re.IGNORECASE)
"""Exchange's own services write a space after the dashes (pypsrp's encryption.py, which takes it, as pywinrm does)."""

_PADDING = 16  # the most that a block cipher adds, which [MS-KILE] 3.4.5.4.1 seals too, and the length may count


class Sealing:
    """Stands in for pywinrm's Encryption, which knows NTLM by requests-ntlm and Kerberos by pykerberos only."""

    def __init__(self, logon: Logon) -> None:
        self._logon = logon

    @classmethod
    def after_logon(cls, session: requests.Session, url: str) -> Sealing:
        """Log the session on with an empty message, as WinRM wants it, and seal with what came of it."""
        response = session.post(url, data=None)
        response.raise_for_status()
        return cls(session.auth)  # type: ignore[arg-type]  # a Logon

    def prepare_encrypted_request(
        self, session: requests.Session, endpoint: str, message: bytes
    ) -> requests.PreparedRequest:
        """A request that carries the message sealed."""
        kind, body = self.seal(message)
        request = session.prepare_request(requests.Request("POST", endpoint, data=body))
        request.headers["Content-Type"] = kind
        return request

    def seal(self, message: bytes) -> tuple[str, bytes]:
        """What to say of the sealed message in Content-Type, and the message."""
        header, sealed, padding = self._logon.context.wrap_winrm(message)
        original = f"type=application/soap+xml;charset=UTF-8;Length={len(message) + padding}"
        body = b"\r\n".join(
            (
                _BOUNDARY,
                f"\tContent-Type: {_PROTOCOL}".encode(),
                f"\tOriginalContent: {original}".encode(),
                _BOUNDARY,
                _OCTETS + struct.pack("<i", len(header)) + header + sealed + _BOUNDARY + b"--\r\n",
            )
        )
        return f'{SEALED};protocol="{_PROTOCOL}";boundary="Encrypted Boundary"', body

    def parse_encrypted_response(self, response: requests.Response) -> bytes:
        """The message of an answer; ValueError where it is not sealed as it should be."""
        return self.message(response.headers.get("Content-Type", ""), response.content)

    def message(self, content_type: str, content: bytes) -> bytes:
        """What the server said, or nothing: words without a seal are anybody's."""
        return self.unseal(content) if content_type.lower().startswith(SEALED) else b""

    def unseal(self, content: bytes) -> bytes:
        """The message; ValueError where it is not sealed as it should be."""
        _, head, body = _PART.split(content, 2)
        expected = int(head.partition(b"Length=")[2].split(b"\r\n", 1)[0])
        sealed = _END.sub(b"", _KIND.sub(b"", body, count=1))
        size = struct.unpack("<i", sealed[:4])[0]
        message: bytes = self._logon.context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
        if not len(message) <= expected <= len(message) + _PADDING:
            raise ValueError(f"an answer of {len(message)} bytes that says it has {expected}")
        self._logon.prove()
        return plainly(message)
