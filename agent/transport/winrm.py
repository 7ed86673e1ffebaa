"""Owns the way in by the WinRM shell (cmd.exe), for servers where PowerShell remoting is not enabled.

The same scripts run in powershell.exe and answer with the same objects; see bootstrap for how.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from winrm import exceptions
from winrm.protocol import Protocol

from agent.model import Scalar, Script
from agent.transport import bootstrap
from agent.transport.clixml import Plain
from agent.transport.faults import Fault, Stage, describe
from agent.transport.logon import Logon
from agent.transport.sealing import Sealing
from agent.transport.visit import Visit, silence

_UTF8 = 65001  # code page of the shell: CLIXML is written in it
_PIECE = 32 * 1024  # bytes of standard input in a request; an envelope holds 150 KB (domain 6.1)
_NOT_FOUND = 9009  # of cmd.exe, for a program that is not there

silence("winrm", "requests_ntlm", "spnego", "urllib3")


class WinrmTransport(Visit):
    """Runs each script in a powershell.exe of its own, in one shell of the server."""

    _shell = ""

    def attach(self, logon: Logon, url: str) -> None:
        """Talk to the server at this address from now on, logged on by this."""
        opened = self.session(logon)
        self._protocol = Protocol(
            url,
            transport="kerberos",  # the one whose credentials pywinrm does not ask for: the session has its own logon
            read_timeout_sec=math.ceil(self.line.waits.read),
            operation_timeout_sec=self.line.waits.operation,
        )
        opened.headers["Content-Type"] = "application/soap+xml;charset=UTF-8"
        wire: Any = self._protocol.transport
        wire.session = opened
        if url.startswith("http:"):
            wire.encryption = Sealing.after_logon(opened, url)

    def open(self) -> None:
        """Log on and open the shell."""
        self._shell = ""
        self._shell = self._protocol.open_shell(codepage=_UTF8, noprofile=True)

    def execute(
        self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]
    ) -> tuple[list[Plain], list[Mapping[str, Plain]]]:
        """Run the script in a powershell.exe."""
        mark = uuid.uuid4().hex
        program, switches = bootstrap.command_line(mark)
        self._limit()
        command = self._protocol.run_command(self._shell, program, switches, console_mode_stdin=False)
        self._send(command, bootstrap.standard_input(script.text, arguments))
        self.stage = Stage.RUNNING
        stdout, stderr, code = self._receive(command)
        self._protocol.cleanup_command(self._shell, command)
        if code == _NOT_FOUND and not stdout:
            raise NoPowerShell("there is no powershell.exe on the server")
        try:
            said = bootstrap.answer(stdout, mark)
        except bootstrap.Incomplete as error:
            words = bootstrap.words(stderr)  # for a person to read; nothing is decided by them
            raise bootstrap.Incomplete(f"{error} (exit code {code}{': ' if words else ''}{words})") from error
        return said.output, said.reported

    @property
    def has_shell(self) -> bool:
        """There is a shell on the server to delete."""
        return bool(self._shell)

    def end(self) -> None:
        """Delete the shell; with it ends whatever still runs in it."""
        self._protocol.close_shell(self._shell, close_session=False)

    def describe(self, error: Exception) -> Fault:
        """The facts of pywinrm's errors, and of any other."""
        match error:
            case exceptions.WSManFaultError():
                return describe(error, self.stage, code=error.wsman_fault_code, text=error.reason)
            case exceptions.WinRMOperationTimeoutError():
                return describe(error, self.stage, code=2150858793)  # wsmerror.h
            case exceptions.WinRMTransportError():
                return describe(error, self.stage, status=error.code, text=f"HTTP {error.code}")
            case exceptions.AuthenticationError():
                return describe(error, self.stage, status=401)
            case requests.HTTPError():
                return describe(error, self.stage, status=error.response.status_code)
            case _:
                return describe(error, self.stage)

    def _send(self, command: str, text: bytes) -> None:
        """The script begins when its last piece has arrived, not before."""
        for at in range(0, len(text), _PIECE):
            piece = text[at : at + _PIECE]
            self._protocol.send_command_input(self._shell, command, piece, end=at + _PIECE >= len(text))

    def _receive(self, command: str) -> tuple[bytes, bytes, int]:
        stdout, stderr = [], []
        while True:
            self._limit()
            try:
                out, err, code, is_done = self._protocol.get_command_output_raw(self._shell, command)
            except exceptions.WinRMOperationTimeoutError:
                continue  # nothing yet; the line's deadline ends the waiting
            stdout.append(out)
            stderr.append(err)
            if is_done:
                return b"".join(stdout), b"".join(stderr), code

    def _limit(self) -> None:
        self._protocol.operation_timeout_sec = max(1, min(self.line.waits.operation, math.ceil(self.line.remaining)))


class NoPowerShell(exceptions.WinRMError):
    """cmd.exe does not find powershell.exe."""
