"""Owns TcpClient, Dns and IPGlobalProperties."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.net.connecting import address_of, connect
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_CONNECT_SECONDS = 21.0  # three SYNs of Windows: 3 + 6 + 12 seconds


class TcpClient(ClrObject):
    """System.Net.Sockets.TcpClient, as far as asking whether somebody listens."""

    TYPE = "System.Net.Sockets.TcpClient"

    def __init__(self, engine: Engine, host: Any = None, port: Any = None) -> None:
        """Connects at once when host and port are given."""
        self.engine = engine
        self.socket: socket.socket | None = None
        if host is not None:
            self.connect(host, port)

    @prop("Connected")
    def connected(self) -> bool:
        """Whether it is connected."""
        return self.socket is not None

    @method("Connect")
    def connect(self, host: Any, port: Any) -> None:
        """Connect; SocketException where that fails."""
        number = int(self.engine.convert(port, "System.Int32"))
        self.socket = connect(self.engine, self.engine.to_string(host), number, _CONNECT_SECONDS)

    @method("BeginConnect")
    def begin_connect(self, host: Any, port: Any, _callback: Any = None, _state: Any = None) -> Attempt:
        """Connect in the background; the attempt is made when somebody waits for it."""
        return Attempt(self, self.engine.to_string(host), int(self.engine.convert(port, "System.Int32")))

    @method("EndConnect")
    def end_connect(self, attempt: Attempt) -> None:
        """The outcome of the attempt."""
        attempt.settle(_CONNECT_SECONDS)
        if attempt.error is not None:
            raise attempt.error

    @method("GetStream")
    def stream(self) -> Any:
        """Refused: scripts speak HTTP through HttpWebRequest."""
        raise Refused("TcpClient.GetStream()")

    @method("Close")
    def close(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    @method("Dispose")
    def dispose(self) -> None:
        """The same."""
        self.close()


class Attempt(ClrObject):
    """The IAsyncResult of BeginConnect, its own wait handle."""

    TYPE = "System.Net.Sockets.Socket+MultipleAddressConnectAsyncResult"
    BASES = ("System.IAsyncResult",)

    def __init__(self, client: TcpClient, host: str, port: int) -> None:
        """A connection to be made."""
        self.client, self.host, self.port = client, host, port
        self.error: ClrError | None = None
        self.done = False

    @prop("AsyncWaitHandle")
    def wait_handle(self) -> Attempt:
        """What WaitOne is called on."""
        return self

    @prop("IsCompleted")
    def is_completed(self) -> bool:
        """Whether there is an outcome."""
        return self.done

    @method("WaitOne")
    def wait_one(self, milliseconds: Any = -1, _exit: Any = False) -> bool:
        """Whether there is an outcome within the time."""
        number = int(self.client.engine.convert(milliseconds, "System.Int32"))
        return self.settle(_CONNECT_SECONDS if number < 0 else number / 1000)

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    def settle(self, seconds: float) -> bool:
        """Make the attempt; False when it got no answer in time."""
        if self.done:
            return True
        try:
            self.client.socket = connect(self.client.engine, self.host, self.port, seconds)
        except ClrError as error:
            if error.hresult == 10060 and seconds < _CONNECT_SECONDS:
                return False
            self.error = error
        self.done = True
        return True


class HostEntry(ClrObject):
    """System.Net.IPHostEntry."""

    TYPE = "System.Net.IPHostEntry"

    def __init__(self, name: str, address: str) -> None:
        """A name with its address."""
        self.name, self.address = name, address

    @prop("HostName")
    def host_name(self) -> str:
        """The full name."""
        return self.name

    @prop("Aliases")
    def aliases(self) -> list[str]:
        """None here."""
        return []

    @prop("AddressList")
    def address_list(self) -> list[Address]:
        """The addresses."""
        return [Address(self.address)]


class Address(ClrObject):
    """System.Net.IPAddress."""

    TYPE = "System.Net.IPAddress"

    def __init__(self, text: str) -> None:
        """An IPv4 address."""
        self.text = text

    @prop("AddressFamily")
    def family(self) -> str:
        """IPv4 only."""
        return "InterNetwork"

    @prop("IPAddressToString")
    def as_text(self) -> str:
        """In dots."""
        return self.text

    @method("ToString")
    def to_text(self) -> str:
        """In dots."""
        return self.text

    def ps_string(self) -> str:
        """In dots."""
        return self.text


class GlobalProperties(ClrObject):
    """System.Net.NetworkInformation.IPGlobalProperties."""

    TYPE = "System.Net.NetworkInformation.IPGlobalProperties"

    def __init__(self, engine: Engine) -> None:
        """Of the session's machine."""
        self.engine = engine

    @prop("DomainName")
    def domain_name(self) -> str:
        """The DNS domain."""
        return self.engine.machine.fqdn.partition(".")[2]

    @prop("HostName")
    def host_name(self) -> str:
        """The host's name."""
        return self.engine.machine.name.lower()


def _entry(engine: Engine, host: Any) -> HostEntry:
    name = engine.to_string(host)
    if name.lower() in ("", "localhost", "127.0.0.1"):
        return HostEntry(engine.machine.fqdn, engine.machine.address)
    address = address_of(engine, name)
    full = name if "." in name else f"{name}.{engine.machine.forest.dns}"
    return HostEntry(full.lower(), address)


register(
    ClrType(
        "System.Net.Dns",
        static={
            "GetHostEntry": _entry,
            "GetHostByName": _entry,
            "GetHostName": lambda engine: engine.machine.name.lower(),
            "GetHostAddresses": lambda engine, host: _entry(engine, host).address_list(),
        },
    )
)
register(ClrType("System.Net.Sockets.TcpClient", construct=TcpClient))
register(
    ClrType(
        "System.Net.NetworkInformation.IPGlobalProperties",
        static={"GetIPGlobalProperties": GlobalProperties},
    )
)
