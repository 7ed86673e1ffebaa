"""Owns the real ways out of this machine: name resolution with an end to its patience, TCP, TLS."""

from __future__ import annotations

import queue
import socket
import ssl
import threading

from agent.doctor.network import Network
from agent.model import Https


def real(seconds: float) -> Network:
    """The network, waiting so long for each thing."""

    def knock(host: str, port: int) -> None:
        socket.create_connection((host, port), seconds).close()

    return Network(
        lambda host: resolve(host, seconds), knock, lambda host, https, name: shake(host, https, name, seconds)
    )


def resolve(host: str, seconds: float) -> tuple[str, ...]:
    """The addresses of a name, none where it has none; TimeoutError where nobody answered in time."""
    # getaddrinfo knows no time-out: whoever waits for it is left behind.
    answer: queue.SimpleQueue[tuple[str, ...] | OSError] = queue.SimpleQueue()
    threading.Thread(target=lambda: answer.put(_addresses(host)), name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"{host}: no answer from a name server") from None
    if isinstance(found, OSError):
        raise TimeoutError(str(found)) from found
    return found


def _addresses(host: str) -> tuple[str, ...] | OSError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return error if error.errno == socket.EAI_AGAIN else ()
    except UnicodeError:  # a label that is too long for a name
        return ()
    return tuple(sorted({str(each[4][0]) for each in found}))


def shake(host: str, https: Https, name: str, seconds: float) -> str:
    """Make a TLS connection, verify the certificate for the name, and end it; nothing is sent over it."""
    context = ssl.create_default_context(cafile=https.ca or None)
    with (
        socket.create_connection((host, https.port), seconds) as plain,
        context.wrap_socket(plain, server_hostname=name) as made,
    ):
        return f"{made.version()}, certificate trusted for {name}"
