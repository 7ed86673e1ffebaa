"""Owns one PowerShell pipeline of a pool: its input, its run on an engine, its streams and its end."""

from __future__ import annotations

import functools
import queue
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from psrpcore import ServerPipeline
from psrpcore._crypto import PSRemotingCrypto
from psrpcore.types import (
    HostMethodIdentifier,
    PipelineResultTypes,
    PSInt,
    PSInvocationState,
    PSObject,
    PSRPMessageType,
    RemoteStreamOptions,
    add_note_property,
    serialize,
)

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.engine import CommandCall, Engine, Outcome
from agent.lab.powershell.errors import ErrorRecord, Stopped
from agent.lab.winrm import records
from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.runspacepool import Written
from agent.lab.winrm.shell import Command

if TYPE_CHECKING:
    from agent.lab.winrm.psrpshell import RunspaceShell

_END = object()  # no more input; also what a stopped pipeline reads
_STATES = {
    Outcome.COMPLETED: PSInvocationState.Completed,
    Outcome.FAILED: PSInvocationState.Failed,
    Outcome.STOPPED: PSInvocationState.Stopped,
}
_WITH_INVOCATION = {
    "Debug": RemoteStreamOptions.AddInvocationInfoToDebugRecord,
    "Verbose": RemoteStreamOptions.AddInvocationInfoToVerboseRecord,
    "Warning": RemoteStreamOptions.AddInvocationInfoToWarningRecord,
}


class PipelineCommand(Command):
    """A command of the PowerShell shell. `begin` is called once its CREATE_PIPELINE has arrived whole."""

    def __init__(self, shell: RunspaceShell, pipeline: ServerPipeline) -> None:
        super().__init__(shell.host)
        self.pipeline = pipeline
        self._shell = shell
        self._input: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._engine: Engine | None = None
        self._stopped = False
        self._script = ""

    def send(self, stream: str, content: bytes, *, end: bool) -> None:
        """More fragments: of the pipeline itself, or of its input."""
        if stream not in ("stdin", "pr"):
            raise faults.bad_stream(stream)
        self._shell.feed(content)

    def begin(self) -> None:
        """Run as soon as a runspace is free."""
        self._shell.runspaces.submit(self._run)

    def refuse(self, error: ClrError) -> None:
        """End at once, failed: the pool cannot do what the client wants."""
        self._finish(Outcome.FAILED, ErrorRecord(error, category="NotImplemented"))

    def give(self, value: Any) -> None:
        """One object of pipeline input."""
        self._input.put(value)

    def end_input(self) -> None:
        """No more input will come."""
        self._input.put(_END)

    def interrupt(self) -> None:
        """Stop; the state message follows when the engine has let go."""
        self._stopped = True
        self._input.put(_END)
        if self._engine is not None:
            self._engine.stop()

    def terminate(self) -> None:
        """Stop, and drop what it still writes."""
        super().terminate()
        self._shell.forget(self.pipeline.pipeline_id)

    # --- on a script thread ------------------------------------------------------------------------------------

    def _run(self, engine: Engine) -> None:
        self.pipeline.state = PSInvocationState.Running  # 2.0 sends no message for this one
        outcome = Outcome.FAILED
        error: ErrorRecord | None = _broken()
        try:
            self._engine = engine
            if self._stopped:
                outcome, error = Outcome.STOPPED, None
            else:
                calls = self._calls()
                result = engine.run(calls, _WireSink(self._shell, self), self._items())
                outcome, error = result.outcome, result.error
        except Stopped:
            outcome, error = Outcome.STOPPED, None
        finally:
            self._engine = None
            self._finish(outcome, error)

    @property
    def _asked(self) -> Any:
        """What the client's CREATE_PIPELINE says; psrpcore types it as a bare object."""
        return self.pipeline.metadata

    def _calls(self) -> Sequence[CommandCall]:
        from agent.lab.powershell.wire import from_wire

        calls = []
        for command in self._asked.commands:
            given = tuple((name, from_wire(value)) for name, value in command.parameters)
            text, is_script = str(command.command_text), bool(command.is_script)
            local = command.use_local_scope
            calls.append(CommandCall(text, is_script, given, local, bool(command.end_of_statement)))
        self._script = next((call.text for call in calls if call.is_script), "")
        return calls

    def _items(self) -> Iterator[object]:
        if self._asked.no_input:
            return
        while (item := self._input.get()) is not _END:
            yield item
        if self._stopped:
            raise Stopped

    def _finish(self, outcome: Outcome, error: ErrorRecord | None) -> None:
        if outcome is Outcome.STOPPED:
            error = _stopped()
        state = _STATES[outcome]
        is_well = outcome is Outcome.COMPLETED
        self.write(_completed() if is_well else self._ending(state, error), PSRPMessageType.PipelineState)
        self.pipeline.state = state
        self.pipeline.close()
        self.outbox.finish(0)

    def _ending(self, state: PSInvocationState, error: ErrorRecord | None) -> PSObject:
        message = _state(state)
        if error is not None:
            add_note_property(message, "ExceptionAsErrorRecord", self.error_record(error))
        return message

    # --- messages ----------------------------------------------------------------------------------------------

    def write(self, message: PSObject | Written | None, kind: PSRPMessageType) -> None:
        """Queue a message of this pipeline."""
        with self._shell.lock:
            self._shell.pool.prepare_message(message, kind, self.pipeline.pipeline_id)
            self._shell.flush()
        self._shell.check_memory()
        if self._stopped and (engine := self._engine) is not None:
            engine.stop()  # again: a run that was just beginning has not heard the first call

    @property
    def merges_errors(self) -> bool:
        """The client asked for the errors of its commands among their output. [MS-PSRP] 2.2.3.12"""
        return any(
            bool(command.merge_my & PipelineResultTypes.Error) and bool(command.merge_to & PipelineResultTypes.Output)
            for command in self._asked.commands
        )

    def error_record(self, record: ErrorRecord, *, merged: bool = False) -> PSObject:
        """The record as it travels."""
        from agent.lab.powershell.wire import to_wire

        return records.error(record, self._script, to_wire, merged=merged)

    def informational(self, kind: str, text: str) -> PSObject:
        """A Debug, Verbose or Warning record, with its origin where the client asked for it."""
        wants = bool(self._asked.remote_stream_options & _WITH_INVOCATION[kind])
        return records.informational(kind, text, self._script if wants else None)

    def host_write(self, text: str) -> None:
        """Write-Host: a call to the client's host, when it has one."""
        host = self._asked.host
        if host.UseRunspaceHost:
            host = self._shell.pool.host
        if host is None or host.IsHostNull or host.IsHostUINull:
            return
        with self._shell.lock:
            self._shell.pool.host_call(HostMethodIdentifier.WriteLine2, [text], self.pipeline.pipeline_id)
            self._shell.flush()


class _WireSink:
    """The streams of a run, as messages."""

    def __init__(self, shell: RunspaceShell, command: PipelineCommand) -> None:
        self._command = command

    def output(self, value: Any) -> None:
        """One object."""
        from agent.lab.powershell.clixml import flat
        from agent.lab.powershell.wire import to_wire

        text = flat(value)
        self._command.write(to_wire(value) if text is None else Written(text), PSRPMessageType.PipelineOutput)

    def error(self, record: ErrorRecord) -> None:
        """One error record, in the output stream when the client merged them."""
        merged = self._command.merges_errors
        kind = PSRPMessageType.PipelineOutput if merged else PSRPMessageType.ErrorRecord
        self._command.write(self._command.error_record(record, merged=merged), kind)

    def warning(self, text: str) -> None:
        """One warning."""
        self._command.write(self._command.informational("Warning", text), PSRPMessageType.WarningRecord)

    def verbose(self, text: str) -> None:
        """One verbose message."""
        self._command.write(self._command.informational("Verbose", text), PSRPMessageType.VerboseRecord)

    def debug(self, text: str) -> None:
        """One debug message."""
        self._command.write(self._command.informational("Debug", text), PSRPMessageType.DebugRecord)

    def progress(self, record: Any) -> None:
        """One progress record."""
        self._command.write(records.progress(record), PSRPMessageType.ProgressRecord)

    def host(self, text: str) -> None:
        """Text for the operator."""
        self._command.host_write(text)


def _state(state: PSInvocationState) -> PSObject:
    message = PSObject()
    message.PSObject.type_names = []
    add_note_property(message, "PipelineState", PSInt(state.value))
    return message


@functools.cache
def _completed() -> Written:
    """The same each time, and most pipelines end so."""
    written = serialize(_state(PSInvocationState.Completed), cipher=PSRemotingCrypto())
    return Written(ET.tostring(written, encoding="utf-8"))


def _stopped() -> ErrorRecord:
    error = ClrError(
        "The pipeline has been stopped.",
        "System.Management.Automation.PipelineStoppedException",
        bases=("System.Management.Automation.RuntimeException",),
    )
    return ErrorRecord(error, "PipelineStopped", "OperationStopped")


def _broken() -> ErrorRecord:
    error = ClrError("The practice lab broke down while running this script.", "System.InvalidOperationException")
    return ErrorRecord(error, "LabBroken", "InvalidOperation")
