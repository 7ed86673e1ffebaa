"""Owns how a script's connection reaches the real loopback endpoint that stands for a machine of the world."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.net.errors import no_such_host, refused, timed_out

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_SELF = ("localhost", "127.0.0.1", "::1")


def address_of(engine: Engine, host: str) -> str:
    """The address DNS gives; SocketException for a name nobody has."""
    if host.lower() in _SELF:
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        found = engine.machine.network.address_of(host)
    if found is None:
        raise no_such_host()
    return found


def connect(engine: Engine, host: str, port: int, seconds: float) -> socket.socket:
    """A connected socket; SocketException: no such host, refused, or no answer within `seconds`."""
    address = address_of(engine, host)
    machine = engine.machine
    name = machine.fqdn if host.lower() in _SELF else host
    if machine.network.is_blocked(name, port):
        machine.clock.sleep(seconds, engine.process.killed.is_set)
        engine.check()
        raise timed_out(address, port)
    endpoint = machine.resolve(host, port)
    if endpoint is None:
        raise refused(address, port)
    try:
        made = socket.create_connection(endpoint, timeout=seconds)
    except TimeoutError as error:
        raise timed_out(address, port) from error
    except OSError as error:
        raise refused(address, port) from error
    machine.network.note_origin(made.getsockname()[1], endpoint[1], machine.address)
    return made
