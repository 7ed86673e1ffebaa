"""A reserved loopback port refuses, accepts and refuses again under one number."""

from __future__ import annotations

import socket

import pytest

from agent.lab.port import LoopbackPort


def test_a_port_refuses_until_it_listens() -> None:
    port = LoopbackPort()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((port.host, port.number), timeout=5)
    port.listen()
    with socket.create_connection((port.host, port.number), timeout=5) as opened:
        peer = opened.getpeername()
    port.release()

    assert peer == ("127.0.0.1", port.number)


def test_a_port_keeps_its_number_through_stops_and_starts() -> None:
    port = LoopbackPort()
    for _ in range(3):
        port.listen()
        socket.create_connection((port.host, port.number), timeout=5).close()
        port.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((port.host, port.number), timeout=5)
    held = port.number
    port.release()

    assert held == port.number and not port.listening


def test_a_stopped_port_is_not_given_to_another() -> None:
    port = LoopbackPort()
    port.listen()
    port.refuse()
    taken = socket.socket()
    with pytest.raises(OSError, match="in use"):
        taken.bind((port.host, port.number))
    taken.close()
    port.release()
