"""Owns the PowerShell shell: a runspace pool behind one WinRM shell."""

from __future__ import annotations

import struct
import threading
import uuid
from typing import Any
from xml.etree import ElementTree as ET

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    InitRunspacePoolEvent,
    PipelineInputEvent,
    PSRPCoreError,
    ResetRunspaceStateEvent,
    ServerPipeline,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
)

from agent.lab.powershell.clr import ClrError
from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.answers import Piece
from agent.lab.winrm.pipeline import PipelineCommand
from agent.lab.winrm.runspacepool import PoolConversation, pipeline_of
from agent.lab.winrm.runspaces import Runspaces
from agent.lab.winrm.shell import Command, Host, Shell
from agent.lab.winrm.soap import RSP
from agent.lab.winrm.streams import decode
from agent.lab.world.accounts import User

POWERSHELL = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
CREATION = "{http://schemas.microsoft.com/powershell}creationXml"
# What psrpcore raises for bytes that are no PSRP.
_UNREADABLE = (
    PSRPCoreError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,
    struct.error,
    ET.ParseError,
)


class RunspaceShell(Shell):
    """`lock` guards the conversation: the loop feeds it, script threads write to it."""

    HOST = r"C:\WINDOWS\system32\wsmprovhost.exe -Embedding"
    INPUT = ("stdin", "pr")
    OUTPUT = ("stdout",)

    def __init__(self, host: Host, user: User, client: str, creation: str, room: int) -> None:
        """`creation` is the text of creationXml, the first fragments of the client; an answer has `room` bytes."""
        super().__init__(host, user, POWERSHELL, client)
        self.lock = threading.RLock()
        self.pool = PoolConversation()
        self.runspaces = Runspaces(host, self.process, user.qualified)
        self._pipelines: dict[uuid.UUID, PipelineCommand] = {}
        self._fragment_bytes = min(host.quotas.fragment_bytes, room * 3 // 4 - 256)
        self.feed(decode(creation, "creationXml"))

    def start(self, command: ET.Element, options: dict[str, str]) -> Command:
        """A pipeline; WinRM 2.0 gives it an id of its own."""
        fragments = decode("".join(each.text or "" for each in command.iterfind(f"{{{RSP}}}Arguments")), "Arguments")
        pipeline_id = pipeline_of(fragments)
        if pipeline_id is None or pipeline_id in self._pipelines:
            raise faults.schema("rsp:Arguments")
        with self.lock:
            made = PipelineCommand(self, ServerPipeline(self.pool, pipeline_id))
            self._pipelines[pipeline_id] = made
        self.feed(fragments)
        return made

    def send(self, stream: str, content: bytes) -> None:
        """Messages for the pool."""
        if stream not in ("stdin", "pr"):
            raise faults.bad_stream(stream)
        self.feed(content)

    def feed(self, fragments: bytes) -> None:
        """Take fragments, act on what they complete, and queue the answers; WsmanFault when they are garbage."""
        try:
            with self.lock:
                for event in self.pool.feed(fragments):
                    self._act(event)
                self.flush()
        except _UNREADABLE as error:
            raise faults.schema(f"PSRP fragment: {error}") from error

    def flush(self) -> None:
        """Move queued messages to the outboxes; call with the lock held."""
        for pipeline_id, fragments, is_state in self.pool.drain(self._fragment_bytes):
            box = self.outbox
            if pipeline_id is not None:
                if pipeline_id not in self._pipelines:
                    continue  # terminated: nobody will ask for it
                box = self._pipelines[pipeline_id].outbox
            if is_state:
                box.barrier()  # as recorded: the pool's state comes in an answer of its own
            box.put(Piece("stdout", fragments))

    def forget(self, pipeline_id: uuid.UUID) -> None:
        """The pipeline was terminated: drop what it still writes."""
        with self.lock:
            self._pipelines.pop(pipeline_id, None)

    def _act(self, event: Any) -> None:
        match event:
            case InitRunspacePoolEvent():
                self.runspaces.limit = max(1, self.pool.max_runspaces)
            case CreatePipelineEvent():
                self._pipelines[event.pipeline_id].begin()
            case GetCommandMetadataEvent():
                self._pipelines[event.pipeline_id].refuse(_NO_METADATA)
            case PipelineInputEvent():
                self._give(event)
            case EndOfPipelineInputEvent():
                self._pipelines[event.pipeline_id].end_input()
            case GetAvailableRunspacesEvent():
                self.pool.runspace_availability_response(event.ci, self.runspaces.available)
            case SetMaxRunspacesEvent():
                self.pool.runspace_availability_response(event.ci, True)
                self.runspaces.limit = max(1, self.pool.max_runspaces)
            case SetMinRunspacesEvent():
                self.pool.runspace_availability_response(event.ci, True)
            case ResetRunspaceStateEvent():
                self.pool.runspace_availability_response(event.ci, False)  # protocol 2.3 and later
            case _:
                pass  # capability, keys: psrpcore answers; host responses: the lab makes no call that waits

    def _give(self, event: PipelineInputEvent) -> None:
        from agent.lab.powershell.wire import from_wire

        command = self._pipelines.get(event.pipeline_id)
        if command is not None:
            command.give(from_wire(event.data))


_NO_METADATA = ClrError(
    "The practice lab does not describe its commands to Import-PSSession.", "System.NotImplementedException"
)
