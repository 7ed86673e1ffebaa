"""Somebody between easfix and a practice server, who reads what passes and answers in the server's place."""

from __future__ import annotations

import base64
import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

RESET = b"reset"
"""An answer that is no answer: the connection is reset."""

Alter = Callable[[int, bytes, bytes], bytes]
"""The number of the request on its connection, from 1; the request; the server's answer; what becomes of it."""

_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


class Between:
    """Passes requests on to a server, and back what `alter` makes of the answers."""

    def __init__(self, port: int, alter: Alter) -> None:
        self.requests: list[bytes] = []
        self._to = port
        self._alter = alter
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self._begin(lambda client=client: self._serve(client))  # type: ignore[misc]  # bound at once

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._to), 10) as server:
            number = 0
            while request := _message(client):
                number += 1
                self.requests.append(request)
                server.sendall(request)
                answer = self._alter(number, request, _message(server))
                if answer == RESET:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                client.sendall(answer)
                if b"connection: close" in answer.lower():
                    return


def _message(source: socket.socket) -> bytes:
    """One message of HTTP with a length, as both sides here send them; nothing at the end."""
    found = b""
    while True:
        head, blank, body = found.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if blank and len(body) >= (int(length[1]) if length else 0):
            return found
        piece = source.recv(65536)
        if not piece:
            return b""
        found += piece


def token(message: bytes) -> bytes:
    """The token of a logon in a message; nothing where there is none."""
    match = re.search(rb"Negotiate ([A-Za-z0-9+/=]+)", message)
    return base64.b64decode(match[1]) if match else b""


def with_token(message: bytes, other: bytes) -> bytes:
    """The message with another token."""
    return re.sub(rb"Negotiate [A-Za-z0-9+/=]+", b"Negotiate " + base64.b64encode(other), message, count=1)


def is_password(request: bytes) -> bool:
    """The request carries NTLM's third message, the one that a wrong password is counted for."""
    return token(request)[8:12] == struct.pack("<I", 3)


def is_sealed(request: bytes) -> bool:
    """The request carries an envelope, sealed."""
    return b"multipart/encrypted" in request
