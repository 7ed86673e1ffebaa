"""Owns how envelopes go over the line: sealed with our own logon in clear, or plainly over TLS.

pypsrp's own transport makes a new request of requests for every message: half of a visit's time. What is sent is the
same, and so are the errors.
"""

from __future__ import annotations

from collections.abc import Mapping

import requests
from pypsrp import exceptions

from agent.model import Winrm
from agent.transport.envelope import plainly
from agent.transport.exchange import Answer, exchange
from agent.transport.logon import Logon, authorization
from agent.transport.sealing import Sealing
from agent.transport.wire import Line, common_headers, connect

_PLAIN = "application/soap+xml;charset=UTF-8"
_PATH = "/wsman"


class Sealed:
    """Over http: logged on by two empty requests, then one sealed message after the other."""

    def __init__(self, line: Line, address: str, winrm: Winrm, fqdn: str, logon: Logon) -> None:
        host = f"[{address}]" if ":" in address else address
        self.endpoint = f"http://{host}:{winrm.port}{_PATH}"
        self._line = line
        self._place = address, winrm.port
        self._logon = logon
        self._head = _head(_PATH, {**common_headers(winrm, fqdn), "Connection": "Keep-Alive"})
        self._sealing: Sealing | None = None

    def send(self, message: bytes) -> bytes:
        """The answer to a message; WinRMTransportError or AuthenticationError where there is none."""
        if self._sealing is None:
            self._log_on()
            self._sealing = Sealing(self._logon)
        kind, body = self._sealing.seal(message)
        answer = _post(self._line, self._head, kind, body)
        self._logon.check(answer.status, answer.content_type, answer.content)
        return _good(answer.status, self._sealing.message(answer.content_type, answer.content))

    def close(self) -> None:
        """Drop the connection."""
        self._line.close()

    def _log_on(self) -> None:
        """One attempt: a connection that broke in it is not made again, for the server may have counted it."""
        line = self._line
        line.connection = connect(*self._place, min(line.waits.connect, line.remaining))
        token: bytes | None = self._logon.begin()
        while token is not None:
            head = self._head + f"Authorization: {authorization(token)}\r\nContent-Length: 0\r\n\r\n".encode("ascii")
            answer = exchange(line, head, b"")
            token = self._logon.follow(answer.status, answer.headers.get("www-authenticate", ""))
        self._logon.check(answer.status, answer.content_type, answer.content)
        _good(answer.status, b"")


class OverTls:
    """Over https: requests checks the certificate and logs on with the first message; the others follow it."""

    def __init__(self, line: Line, session: requests.Session, url: str) -> None:
        self.endpoint = url
        self._line = line
        self._session = session
        self._head = b""

    def send(self, message: bytes) -> bytes:
        """The answer to a message; WinRMTransportError or AuthenticationError where there is none."""
        if self._head:
            answer = _post(self._line, self._head, _PLAIN, message)
            return _good(answer.status, plainly(answer.content))
        response = self._session.post(self.endpoint, message, headers={"Content-Type": _PLAIN})
        prepared = self._session.prepare_request(requests.Request("POST", self.endpoint))
        kept = {name: _text(value) for name, value in prepared.headers.items() if not name.startswith("Content-")}
        self._head = _head(prepared.path_url, kept)
        return _good(response.status_code, plainly(response.content))

    def close(self) -> None:
        """Drop the connection."""
        self._session.close()


def _head(path: str, headers: Mapping[str, str]) -> bytes:
    """What every request begins with."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{fields}".encode("ascii")


def _post(line: Line, head: bytes, kind: str, body: bytes) -> Answer:
    more = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
    return exchange(line, head + more, body)


def _good(status: int, content: bytes) -> bytes:
    if status == 401:
        raise exceptions.AuthenticationError("the server refused the logon")
    if status >= 400:
        raise exceptions.WinRMTransportError("http", status, content.decode("utf-8", "replace"))
    return content


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("ascii")
