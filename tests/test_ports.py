"""A number held for a server: the server may listen there, nobody else is given it, and without a server it refuses."""

from __future__ import annotations

import errno
import socket

import pytest
from ports import HeldPort


def test_the_server_that_is_told_the_number_listens_there() -> None:
    with HeldPort() as port, socket.create_server(("127.0.0.1", port.number)):
        socket.create_connection(("127.0.0.1", port.number), 30).close()


def test_without_a_server_it_refuses() -> None:
    with HeldPort() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number), 30)


def test_nobody_takes_it_by_chance() -> None:
    with HeldPort() as port, socket.socket() as other, pytest.raises(OSError) as refused:
        other.bind(("127.0.0.1", port.number))

    assert refused.value.errno == errno.EADDRINUSE
