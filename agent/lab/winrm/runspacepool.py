"""Owns the PSRP conversation of one shell: psrpcore's server end, dressed as PowerShell 2.0. [MS-PSRP]"""

from __future__ import annotations

import functools
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from psrpcore import PowerShell, PSRPEvent, PSRPPayload, ServerRunspacePool, StreamType
from psrpcore._crypto import PSRemotingCrypto
from psrpcore._payload import PSRPMessage, create_message
from psrpcore.types import (
    ApplicationPrivateData,
    PSList,
    PSObject,
    PSPrimitiveDictionary,
    PSRPMessageType,
    PSVersion,
    RunspacePoolState,
    RunspacePoolStateMsg,
    SessionCapability,
    add_note_property,
    deserialize,
)

BOM = b"\xef\xbb\xbf"  # the host of 2.0 starts the XML of every message with it
PROTOCOL = PSVersion("2.1")  # domain 6.1
_FRAGMENT_HEADER, _MESSAGE_HEADER = 21, 40
# PowerShell 2.0 of KB968930 on Server 2003, as $PSVersionTable shows it there.
_VERSIONS = {
    "CLRVersion": "2.0.50727.3053",
    "BuildVersion": "6.0.6002.18111",
    "PSVersion": "2.0",
    "WSManStackVersion": "2.0",
    "SerializationVersion": "1.1.0.1",
    "PSRemotingProtocolVersion": "2.1",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A message whose CLIXML is written already."""

    text: bytes


_NIL = Written(b"<Nil />")  # $null, which psrpcore would leave out
_ALIKE: dict[type, PSRPMessageType] = {
    SessionCapability: PSRPMessageType.SessionCapability,
    ApplicationPrivateData: PSRPMessageType.ApplicationPrivateData,
}
"""What every pool says of itself: the same each time."""

_REPEATED = (
    PSRPMessageType.SessionCapability,
    PSRPMessageType.InitRunspacePool,
    PSRPMessageType.CreatePipeline,
)
"""What clients send to one machine after the other, word for word."""

_said: dict[type, Written] = {}


class PoolConversation(ServerRunspacePool):
    """psrpcore's pool with the version, the private data and the byte order mark of a 2.0 host."""

    def __init__(self) -> None:
        super().__init__()
        self.our_capability, self.application_private_data = _identity()

    def prepare_message(
        self,
        message: PSObject | Written | None,
        message_type: PSRPMessageType | None = None,
        pipeline_id: uuid.UUID | None = None,
        stream_type: StreamType = StreamType.default,
    ) -> None:
        """Queue a message; one that has been written before, here or by the caller, is not written again."""
        kind = _ALIKE.get(type(message))
        if type(message) is RunspacePoolStateMsg and self.state == RunspacePoolState.Opened:
            kind = PSRPMessageType.RunspacePoolState  # a pool that is open has nothing more to say of it
        if isinstance(message, Written) or message is None:
            self._put(message or _NIL, message_type or PSRPMessageType.PipelineOutput, pipeline_id, stream_type)
        elif kind is not None and type(message) in _said:
            self._put(_said[type(message)], kind, pipeline_id, stream_type)
        else:
            super().prepare_message(message, message_type, pipeline_id, stream_type)
            queued = self._send_buffer[-1]._data
            queued[_MESSAGE_HEADER:_MESSAGE_HEADER] = BOM
            if kind is not None:
                _said[type(message)] = Written(bytes(queued[_MESSAGE_HEADER + len(BOM) :]))

    def _put(self, message: Written, kind: PSRPMessageType, pipeline_id: uuid.UUID | None, stream: StreamType) -> None:
        whole = bytearray(create_message(False, kind, BOM + message.text, self.runspace_pool_id, pipeline_id))
        number = self._fragment_counter
        self._send_buffer.append(PSRPMessage(kind, whole, self.runspace_pool_id, pipeline_id, number, stream))

    def _process_message(self, message: PSRPMessage) -> PSRPEvent[Any, Any]:
        if message.message_type not in _REPEATED:
            return super()._process_message(message)
        text = bytes(message.data)
        event = PSRPEvent.create(message.message_type, _read(text), message.runspace_pool_id, message.pipeline_id)
        if message.message_type == PSRPMessageType.CreatePipeline and message.pipeline_id in self.pipeline_table:
            self.pipeline_table[message.pipeline_id].metadata = _described(text)
        else:
            getattr(self, f"_process_{message.message_type.name}")(event)
        return event

    def _process_SetMaxRunspaces(self, event: Any) -> None:  # noqa: N802 - psrpcore calls it by the message's name
        super()._process_SetMaxRunspaces(_with_ci(event))

    def _process_SetMinRunspaces(self, event: Any) -> None:  # noqa: N802 - likewise
        super()._process_SetMinRunspaces(_with_ci(event))

    def feed(self, fragments: bytes) -> Iterator[Any]:
        """Take fragments and give the events they complete."""
        self.receive_data(PSRPPayload(fragments, StreamType.default, None))
        while (event := self.next_event()) is not None:
            yield event

    def drain(self, fragment_bytes: int) -> Iterator[tuple[uuid.UUID | None, bytes, bool]]:
        """Queued fragments: the pipeline they are for, the bytes, and whether a pool state begins there."""
        while self._send_buffer:
            # No more than the rest of one message at a time: the host sends each message in streams of its own.
            payload = self.data_to_send(min(fragment_bytes, len(self._send_buffer[0]) + _FRAGMENT_HEADER))
            assert payload is not None
            yield payload.pipeline_id, payload.data, _kind(payload.data) == PSRPMessageType.RunspacePoolState


def _with_ci(event: Any) -> Any:
    """pypsrp spells the call id CI, which .NET takes as well; psrpcore knows only ci."""
    asked = event._ps_object
    if not hasattr(asked, "ci"):
        add_note_property(asked, "ci", asked.CI)
    return event


@functools.lru_cache(maxsize=128)
def _read(text: bytes) -> Any:
    """A message that nobody changes, without the pool's key: a secure string as an argument is refused anyhow."""
    return deserialize(ET.fromstring(text), cipher=PSRemotingCrypto())


@functools.lru_cache(maxsize=128)
def _described(text: bytes) -> PowerShell:
    """The pipeline that a message asks for, which nobody changes."""
    return PowerShell.FromPSObjectForRemoting(_read(text))


@functools.cache
def _identity() -> tuple[SessionCapability, PSPrimitiveDictionary]:
    """What a pool says of itself, which nobody changes."""
    capability = SessionCapability(
        PSVersion=PSVersion("2.0"), protocolversion=PROTOCOL, SerializationVersion=PSVersion("1.1.0.1")
    )
    return capability, PSPrimitiveDictionary({"PSVersionTable": _version_table()})


def _version_table() -> PSPrimitiveDictionary:
    table = PSPrimitiveDictionary({name: PSVersion(text) for name, text in _VERSIONS.items()})
    compatible = PSList([PSVersion("1.0"), PSVersion("2.0")])
    compatible.PSObject.type_names = ["System.Version[]", "System.Array", "System.Object"]
    table["PSCompatibleVersions"] = compatible
    return table


def pipeline_of(fragments: bytes) -> uuid.UUID | None:
    """The pipeline id in the first message of these fragments; None when it is cut off or for the pool."""
    if len(fragments) < _FRAGMENT_HEADER + _MESSAGE_HEADER:
        return None
    start = _FRAGMENT_HEADER + _MESSAGE_HEADER - 16
    found = uuid.UUID(bytes_le=fragments[start : start + 16])
    return found if found.int else None


def _kind(fragments: bytes) -> int:
    if len(fragments) < _FRAGMENT_HEADER + 8 or not fragments[16] & 1:
        return 0
    return int(struct.unpack_from("<I", fragments, _FRAGMENT_HEADER + 4)[0])
