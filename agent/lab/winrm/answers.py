"""Owns SOAP answers: the skeletons of WinRM 2.0, attribute for attribute as a real host sends them."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from agent.lab.winrm.soap import ANONYMOUS, RSP, WSMID, A, Envelope, P, S, W, X
from agent.lab.winrm.wsmanfault import WsmanFault

_NAMESPACES = {"s": S, "a": A, "x": X, "w": W, "rsp": RSP, "p": P, "e": "", "n": "", "cfg": ""}
_NAMESPACES["e"] = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
_NAMESPACES["n"] = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_NAMESPACES["cfg"] = "http://schemas.microsoft.com/wbem/wsman/1/config"
_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
_STATE = f"{RSP}/CommandState/"
# Which prefixes the root declares, in this order, depends on the operation: taken from the recorded host.
_WITH_TRANSFER = ("s", "a", "x", "w", "rsp", "p")
_RECEIVE = ("s", "a", "w", "rsp", "p")
_DELETE = ("s", "a", "w", "p")
_FAULTS = ("s", "a", "x", "e", "n", "w", "p")
# The longest ReceiveResponse without its streams.
RECEIVE_OVERHEAD = 1600


@dataclass(frozen=True, slots=True)
class Piece:
    """Output of one stream."""

    stream: str
    content: bytes
    end: bool = False

    @property
    def cost(self) -> int:
        """The bytes it takes in an envelope."""
        return (len(self.content) + 2) // 3 * 4 + 120


def _message_id() -> str:
    # Not uuid4: nobody guesses the ids of a practice lab, and to ask the system for each costs as much as an answer.
    return f"uuid:{str(uuid.UUID(int=random.getrandbits(128), version=4)).upper()}"


def _envelope(prefixes: Sequence[str], action: str, relates_to: str, body: str) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{_NAMESPACES[prefix]}"' for prefix in prefixes)
    related = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xml:lang="en-US" {spaces}><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>{_message_id()}</a:MessageID><a:To>{ANONYMOUS}</a:To>{related}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def created(request: Envelope, shell_id: str) -> bytes:
    """CreateResponse: the reference to the new shell."""
    body = (
        f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(request.resource)}</w:ResourceURI>"
        f'<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters></x:ResourceCreated>"
    )
    return _envelope(_WITH_TRANSFER, f"{X}/CreateResponse", request.message_id, body)


def command(request: Envelope, command_id: str) -> bytes:
    """CommandResponse: the service's own id of the command, whatever id the client proposed."""
    body = f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
    return _envelope(_WITH_TRANSFER, f"{RSP}/CommandResponse", request.message_id, body)


def sent(request: Envelope) -> bytes:
    """SendResponse."""
    return _envelope(_WITH_TRANSFER, f"{RSP}/SendResponse", request.message_id, "<rsp:SendResponse/>")


def signalled(request: Envelope) -> bytes:
    """SignalResponse."""
    return _envelope(_WITH_TRANSFER, f"{RSP}/SignalResponse", request.message_id, "<rsp:SignalResponse/>")


def deleted(request: Envelope) -> bytes:
    """DeleteResponse."""
    return _envelope(_DELETE, f"{X}/DeleteResponse", request.message_id, "")


def received(
    request: Envelope, pieces: Iterable[Piece], command_id: str | None, state: str | None, exit_code: int | None
) -> bytes:
    """ReceiveResponse; `state` is Running or Done (None for the shell's own streams)."""
    named = f' CommandId="{command_id}"' if command_id else ""
    body = "".join(
        f"<rsp:Stream Name={quoteattr(piece.stream)}{named}{_end(piece)}>"
        f"{base64.b64encode(piece.content).decode()}</rsp:Stream>"
        for piece in pieces
    )
    if state is not None:
        code = f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>" if exit_code is not None else ""
        tail = f">{code}</rsp:CommandState>" if code else "/>"
        body += f'<rsp:CommandState{named} State="{_STATE}{state}"{tail}'
    answer = f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>"
    return _envelope(_RECEIVE, f"{RSP}/ReceiveResponse", request.message_id, answer)


def _end(piece: Piece) -> str:
    return ' End="true"' if piece.end else ""


def got(request: Envelope, prefix: str, body: str) -> bytes:
    """GetResponse; `body` is the representation, whose namespace is `prefix`."""
    return _envelope(("s", "a", "x", "w", prefix, "p"), f"{X}/GetResponse", request.message_id, body)


def identified(version: str) -> bytes:
    """IdentifyResponse, which has no addressing. [MS-WSMV] 3.1.4.1.23"""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{S}"><s:Header/><s:Body>'
        f'<wsmid:IdentifyResponse xmlns:wsmid="{WSMID}">'
        f"<wsmid:ProtocolVersion>{W}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{escape(version)}</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse></s:Body></s:Envelope>"
    ).encode()


def fault(error: WsmanFault, relates_to: str, machine: str) -> bytes:
    """The envelope of a fault, sent with HTTP 500."""
    value = "s:Sender" if error.sender else "s:Receiver"
    detail = f"<w:FaultDetail>{error.detail_uri}</w:FaultDetail>" if error.detail else ""
    body = (
        f"<s:Fault><s:Code><s:Value>{value}</s:Value><s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(error.reason)}</s:Text></s:Reason><s:Detail>{detail}'
        f'<f:WSManFault xmlns:f="{_FAULT}" Code="{error.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{escape(error.message)}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope(_FAULTS, error.action, relates_to or error.relates_to, body)
