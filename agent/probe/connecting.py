"""Owns how a connection comes about: the name resolved and the socket opened within a deadline, TLS where asked for."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask: the address to connect to, and the name it goes by there; TLS where there is a context."""

    address: str
    port: int
    host: str
    trust: ssl.SSLContext | None = None


class Deadline:
    """A moment on a clock that was given; `left` raises TimeoutError once it has come."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end within the time")
        return left


def connect(place: Place, deadline: Deadline) -> socket.socket:
    """A connection; raises OSError, of which ssl.SSLError and socket.gaierror are kinds."""
    refused: OSError | None = None
    for family, address in _resolve(place.address, place.port, deadline):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(deadline.left)
            made.connect(address)
            return made if place.trust is None else _secured(made, place, place.trust, deadline)
        except ssl.SSLError:
            made.close()
            raise  # somebody is there: another address would be no better
        except OSError as error:
            made.close()
            refused = error
    raise refused or OSError(f"{place.address} has no address")


def trust(ca: str) -> ssl.SSLContext:
    """What a server's certificate is verified against: this PEM file, or the system's own list. OSError, SSLError."""
    stamp = Path(ca).stat().st_mtime_ns if ca else 0
    return _context(ca, stamp)


@lru_cache(maxsize=32)
def _context(ca: str, _: int) -> ssl.SSLContext:
    """Loading the system's list takes a while; the time stamp lets a file that was changed be read again."""
    return ssl.create_default_context(cafile=ca or None)


def _secured(made: socket.socket, place: Place, context: ssl.SSLContext, deadline: Deadline) -> socket.socket:
    made.settimeout(deadline.left)
    return context.wrap_socket(made, server_hostname=place.host)


def _resolve(address: str, port: int, deadline: Deadline) -> list[tuple[Any, Any]]:
    """Families and socket addresses. A resolver knows no deadline, so it is left behind when the time is over."""
    if _is_number(address):
        return [(found[0], found[4]) for found in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)]
    found: list[tuple[Any, Any]] = []
    errors: list[OSError] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
            found.extend((answer[0], answer[4]) for answer in answers)
        except (OSError, UnicodeError) as error:  # a label that is too long is a UnicodeError
            errors.append(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(deadline.left)
    if errors:
        raise errors[0]
    if not found:
        raise socket.gaierror(f"the name {address} was not resolved within the time")
    return list(found)


def _is_number(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
