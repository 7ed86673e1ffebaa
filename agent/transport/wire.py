"""Owns the one HTTP connection of a visit: no proxies, no redirects, nothing sent after a break, no endless answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

from agent.model import Winrm
from agent.transport.waits import WAITS, Waits

_PIECE = 65536
GRACE = 5.0  # seconds for an answer to come after the server stopped waiting


# These do not derive from OSError or requests' errors: urllib3 would wrap them, and the reason would be lost.
class Lost(Exception):  # noqa: N818 - a fact about the wire, translated at the door
    """The connection that was logged on is gone. What was to be sent now has not been sent."""


class ConnectTimeout(TimeoutError):  # noqa: N818 - the name requests has for it, so one row of the table fits both
    """Nobody took the connection. Where an answer does not come it is a plain TimeoutError."""


class Elsewhere(Exception):  # noqa: N818 - as above
    """The server sends us to another address."""


class Oversized(Exception):  # noqa: N818 - as above
    """An answer is larger than any that a script of ours gives."""


class Overdue(Exception):  # noqa: N818 - as above
    """The time for a script, or for a session to open, is over."""


@dataclass(slots=True)
class Line:
    """One connection, its limits and what passed over it. Sizes in bytes, times in seconds of `monotonic`."""

    monotonic: Callable[[], float]
    waits: Waits = WAITS
    most_bytes: int = 64 * 1024 * 1024  # of all answers to one script
    largest: int = 2 * 1024 * 1024  # of one answer; we ask for envelopes of 150 KB, a newer server gives 500
    deadline: float = float("inf")
    received: int = 0
    sent: int = 0  # requests
    is_connected: bool = False
    certificate: bytes | None = field(default=None, repr=False)  # of the server, over TLS
    session: requests.Session | None = field(default=None, repr=False)
    connection: Any = field(default=None, repr=False)  # the one that was made: a Connection, or urllib3's

    def begin(self, seconds: float) -> None:
        """A script, or the opening of a session, starts now and may take so long."""
        self.deadline = self.monotonic() + seconds
        self.received = 0

    def close(self) -> None:
        """Drop the connection; the next session connects anew."""
        if self.session is not None:
            self.session.close()
        if self.connection is not None:
            self.connection.close()
        self.session = None
        self.is_connected = False
        self.certificate = None
        self.connection = None

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; Overdue when there are none."""
        left = self.deadline - self.monotonic()
        if left <= 0:
            raise Overdue("the time is over")
        return left


class Timely(RawIOBase):
    """What comes in on a line until its time is over: also from who goes on for ever, a byte at a time."""

    def __init__(self, line: Line, opened: socket.socket) -> None:
        self._line = line
        self._socket = opened
        self._raw = opened.makefile("rb", buffering=0)
        self.is_over = False  # nothing more is taken from the network

    def readable(self) -> bool:
        """It is all that it can do."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for more; TimeoutError where none comes, Overdue where nobody waits any longer."""
        if self.is_over:
            return 0
        # Longer than the server may hold the request, which is never longer than what remained when it was sent.
        left = self._line.deadline + GRACE - self._line.monotonic()
        if left <= 0:
            raise Overdue("the answer did not end within the time")
        self._socket.settimeout(min(self._line.waits.read, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """The socket may be closed now."""
        self._raw.close()
        super().close()


class Connection:
    """A connection in clear, for messages that are sealed one by one."""

    def __init__(self, opened: socket.socket) -> None:
        self.sock: socket.socket | None = opened

    def close(self) -> None:
        """Hang up."""
        if self.sock is not None:
            self.sock.close()
        self.sock = None


def connect(address: str, port: int, seconds: float) -> Connection:
    """Connect to a server; ConnectTimeout where nobody answers, else the system's OSError."""
    try:
        opened = socket.create_connection((address, port), seconds)
    except TimeoutError as error:
        raise ConnectTimeout(str(error)) from error
    except UnicodeError as error:  # of the name: a part of it is too long, or empty
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(opened)


def common_headers(winrm: Winrm, fqdn: str) -> dict[str, str]:
    """What every request says."""
    return {"Host": f"{fqdn}:{winrm.port}", "User-Agent": "easfix", "Accept-Encoding": "identity", "Accept": "*/*"}


def session(line: Line, winrm: Winrm, fqdn: str, logon: requests.auth.AuthBase) -> requests.Session:
    """A session that talks over this line only, to a server that goes by this name."""
    made = requests.Session()
    made.trust_env = False  # no proxies and no netrc from the environment; and it costs a tenth of the CPU
    made.max_redirects = 0  # a WinRM service never redirects, and a logon must not follow
    made.verify = winrm.ca or True
    made.auth = logon
    made.headers.update(common_headers(winrm, fqdn))
    adapter = _Adapter(line, fqdn)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    line.session = made
    return made


class _Adapter(HTTPAdapter):
    """Sends over the line and reads each answer whole, within the limits."""

    def __init__(self, line: Line, fqdn: str) -> None:
        self._line = line
        self._fqdn = fqdn
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": lambda *a, **k: _Pool(self._line, *a, **k),
            "https": lambda *a, **k: _TlsPool(
                self._line, *a, **k, assert_hostname=self._fqdn, server_hostname=self._fqdn
            ),
        }

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        remaining = self._line.remaining
        # Longer than the server may hold the request, which is never longer than what remains.
        limits = (min(self._line.waits.connect, remaining), min(self._line.waits.read, remaining + GRACE))
        self._line.sent += 1
        response = super().send(request, stream=True, timeout=limits, verify=verify, cert=cert, proxies={})
        response._content = self._read(response.raw)  # what Response.content would set, without a limit
        return response

    def _read(self, raw: BaseHTTPResponse) -> bytes:
        pieces = []
        size = 0
        while piece := raw.read1(_PIECE):
            size += len(piece)
            self._line.received += len(piece)
            if size > self._line.largest or self._line.received > self._line.most_bytes:
                raw.close()
                raise Oversized(f"the answer is larger than {min(size, self._line.most_bytes):,} bytes")
            pieces.append(piece)
        raw.release_conn()
        return b"".join(pieces)


class _Response(HTTPResponse):
    """An answer that comes in time, its headers too."""

    def __init__(self, line: Line, opened: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(opened, *args, **kwargs)
        whole, self.fp = self.fp, BufferedReader(Timely(line, opened))
        whole.close()


class _Once:
    """A connection that connects once: a second one would not be logged on, and would be sent what it cannot read."""

    line: Line
    response_class: Any  # of http.client, which calls it with the socket

    def connect(self) -> None:
        """Connect, or say that the line is lost."""
        if self.line.is_connected:
            raise Lost("the server had closed the connection")
        super().connect()  # type: ignore[misc]  # of the connection class this is mixed into
        self.line.is_connected = True
        self.line.connection = self
        self.response_class = partial(_Response, self.line)
        get = getattr(getattr(self, "sock", None), "getpeercert", None)
        self.line.certificate = get(True) if get else None


class _Connection(_Once, HTTPConnection):
    pass


class _TlsConnection(_Once, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def __init__(self, line: Line, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ConnectionCls = cast(type[_Connection], type("_Connection", (_Connection,), {"line": line}))


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    def __init__(self, line: Line, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ConnectionCls = cast(type[_TlsConnection], type("_TlsConnection", (_TlsConnection,), {"line": line}))
