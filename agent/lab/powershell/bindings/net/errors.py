"""Owns System.Net.WebException: which status and text each failure of a web request has."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind

STATUS = register_enum(
    EnumKind(
        "System.Net.WebExceptionStatus",
        {
            "Success": 0,
            "NameResolutionFailure": 1,
            "ConnectFailure": 2,
            "ReceiveFailure": 3,
            "SendFailure": 4,
            "RequestCanceled": 6,
            "ProtocolError": 7,
            "ConnectionClosed": 8,
            "TrustFailure": 9,
            "SecureChannelFailure": 10,
            "ServerProtocolViolation": 11,
            "KeepAliveFailure": 12,
            "Timeout": 14,
        },
    )
)


def web_error(status: str, message: str, response: Any = None, inner: ClrError | None = None) -> ClrError:
    """A WebException with its Status and Response."""
    error = ClrError(message, "System.Net.WebException", bases=("System.InvalidOperationException",), inner=inner)
    error.members = {"status": STATUS(status), "response": response}  # type: ignore[attr-defined] # read by ExceptionObject
    return error


def socket_error(message: str, code: int) -> ClrError:
    """A SocketException with its Winsock code."""
    error = ClrError(
        message,
        "System.Net.Sockets.SocketException",
        bases=("System.ComponentModel.Win32Exception", "System.Runtime.InteropServices.ExternalException"),
        hresult=code,
    )
    error.members = {"nativeerrorcode": code}  # type: ignore[attr-defined] # read by ExceptionObject
    return error


def no_such_host() -> ClrError:
    """WSAHOST_NOT_FOUND."""
    return socket_error("No such host is known", 11001)


def refused(address: str, port: int) -> ClrError:
    """WSAECONNREFUSED."""
    return socket_error(
        f"No connection could be made because the target machine actively refused it {address}:{port}", 10061
    )


def timed_out(address: str, port: int) -> ClrError:
    """WSAETIMEDOUT."""
    return socket_error(
        "A connection attempt failed because the connected party did not properly respond after a period of time, or "
        f"established connection failed because connected host has failed to respond {address}:{port}",
        10060,
    )
