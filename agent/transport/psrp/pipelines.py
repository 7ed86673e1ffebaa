"""Owns what pypsrp sends and reads in a runspace pool: objects as plain values, and each thing written once only.

What opens a pool is always the same, and so is what starts a script, but for its arguments: pypsrp serializes it the
first time, and the text is kept.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pypsrp import exceptions, messages
from pypsrp.complex_objects import ObjectMeta
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan

from agent.model import Scalar
from agent.transport import clixml
from agent.transport.clixml import Plain

_OPERATION_TIMED_OUT = 2150858793  # wsmerror.h: nothing to receive yet


class Pool(RunspacePool):
    """A pool that reads objects as plain values, and waits on when there is nothing to receive yet."""

    def __init__(self, connection: WSMan) -> None:
        super().__init__(connection)
        self._serializer = _Plainly()
        self._fragmenter.serializer = self._serializer

    def _receive(self, id: str | None = None, timeout: int | None = None) -> Any:
        try:
            return super()._receive(id, timeout)
        except exceptions.WSManFaultError as error:
            if error.code != _OPERATION_TIMED_OUT:
                raise
            return []  # the line's deadline ends the waiting


class Pipeline(PowerShell):
    """One script; it is written down once for all servers, and its arguments put in each time."""

    def __init__(self, pool: Pool, text: str) -> None:
        super().__init__(pool)
        self._key = (pool.protocol_version or "", text)
        self._arguments = b""

    def start(self, arguments: Mapping[str, Scalar | Sequence[Scalar]]) -> None:
        """Start the script on the server, with its parameters bound by name."""
        self._arguments = _arguments(arguments)
        if self._key in _written:
            self._invoke(_written[self._key])
        else:
            self.add_script(self._key[1], use_local_scope=True)
            self.begin_invoke()

    def _invoke(self, msg: Any) -> None:
        if isinstance(msg, messages.CreatePipeline):
            text = _text(self.runspace_pool._serializer.serialize(msg))
            assert text.count(_NO_ARGUMENTS) == 1  # or arguments would be lost
            msg = _written[self._key] = Written(messages.CreatePipeline.MESSAGE_TYPE, text)
        super()._invoke(replace(msg, text=msg.text.replace(_NO_ARGUMENTS, self._arguments)))


@dataclass(frozen=True, slots=True)
class Written:
    """A message that is serialized already."""

    MESSAGE_TYPE: int
    text: bytes


_written: dict[tuple[str, str], Written] = {}
"""What starts a script without arguments, by the protocol's version and the script; as many as there are scripts."""

_NO_ARGUMENTS = b"<LST />"
"""The only empty list in the message: within texts the brackets are escaped."""

_FIRST = 1000
"""Number of the first object among the arguments: each has one of its own in the message ([MS-PSRP] 2.2.5.2.1)."""


def _arguments(given: Mapping[str, Scalar | Sequence[Scalar]]) -> bytes:
    """The list of parameters, of elements of our own making.

    pypsrp would send every integer as Int32 and every float as Single.
    """
    if not given:
        return _NO_ARGUMENTS
    found = ET.Element("LST")
    for number, (name, value) in enumerate(given.items()):
        members = ET.SubElement(ET.SubElement(found, "Obj", RefId=str(_FIRST + 2 * number)), "MS")
        ET.SubElement(members, "S", N="N").text = clixml.escape(name)
        element = _value(value, _FIRST + 2 * number + 1)
        element.set("N", "V")
        members.append(element)
    return _text(found)


def _value(value: Scalar | Sequence[Scalar], number: int) -> ET.Element:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return clixml.scalar(value)
    array = ET.Element("Obj", RefId=str(number))
    types = ET.SubElement(array, "TN", RefId=str(number))
    for name in ("System.Object[]", "System.Array", "System.Object"):
        ET.SubElement(types, "T").text = name
    ET.SubElement(array, "LST").extend(clixml.scalar(item) for item in value)
    return array


_openings: dict[type, bytes] = {}
"""What opens a pool: the same for every server."""


class Error(messages.ErrorRecordMessage):
    """An error record as a plain value."""

    def __init__(self, found: Mapping[str, Plain]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pypsrp
        self.found = found


class _Plainly(Serializer):
    """Reads what a server answers as plain values: one pass over the text, where pypsrp takes one a property."""

    def serialize(self, value: Any, metadata: ObjectMeta | None = None, parent: Any = None, clear: bool = True) -> Any:
        """As pypsrp does, but bytes for a message that was written before, which pypsrp sends as they are."""
        if isinstance(value, Written):
            return value.text
        if metadata is not None or type(value) not in (messages.SessionCapability, messages.InitRunspacePool):
            return super().serialize(value, metadata, parent, clear)
        if type(value) not in _openings:
            _openings[type(value)] = _text(super().serialize(value))
        return _openings[type(value)]

    def deserialize(self, element: Any, metadata: ObjectMeta | None = None, clear: bool = True) -> Any:
        """The object of a message, or a value of the output."""
        if not isinstance(element, str):
            return super().deserialize(element, metadata, clear)
        if metadata is None:
            return clixml.parse(element)
        kind: Any = metadata.object
        if kind in _UNREAD:
            return kind()
        if kind in _READ:
            return _READ[kind](_bag(clixml.parse(element)))
        return super().deserialize(element, metadata, clear)


def _text(element: Any) -> bytes:
    text: bytes = ET.tostring(element, encoding="utf-8")
    return text


def _capability(found: Mapping[str, Plain]) -> messages.SessionCapability:
    return messages.SessionCapability(
        str(found["protocolversion"]), str(found["PSVersion"]), str(found["SerializationVersion"])
    )


def _pool_state(found: Mapping[str, Plain]) -> messages.RunspacePoolStateMessage:
    reason = found.get("ExceptionAsErrorRecord")
    error = None if reason is None else Error(_bag(reason))
    return messages.RunspacePoolStateMessage(found["RunspaceState"], error)  # type: ignore[no-untyped-call]  # pypsrp


def _state(found: Mapping[str, Plain]) -> messages.PipelineState:
    reason = found.get("ExceptionAsErrorRecord")
    error = None if reason is None else Error(_bag(reason))
    return messages.PipelineState(found["PipelineState"], error)  # type: ignore[no-untyped-call]  # pypsrp


def _bag(value: Plain) -> Mapping[str, Plain]:
    if not isinstance(value, dict):
        raise clixml.BadClixml(f"a {type(value).__name__} where an object belongs")
    return value


_READ: Mapping[Any, Callable[[Mapping[str, Plain]], Any]] = {
    messages.SessionCapability: _capability,
    messages.RunspacePoolStateMessage: _pool_state,
    messages.ErrorRecordMessage: Error,
    messages.PipelineState: _state,
}

# Nobody reads these; pypsrp would, and stumble over a record that lacks a field.
_UNREAD = frozenset(
    {
        messages.ApplicationPrivateData,
        messages.DebugRecord,
        messages.InformationRecord,
        messages.ProgressRecord,
        messages.VerboseRecord,
        messages.WarningRecord,
    }
)
