"""Owns the way in by PowerShell remoting (PSRP over WinRM): one connection and one runspace pool a visit.

A visit with one script is 8 requests with NTLM: two for the logon, Create, Receive twice until the pool is open,
Command, Receive, Delete. The Signal that frees a finished command waits until the next command needs its room, since
Delete frees everything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pypsrp import exceptions
from pypsrp.complex_objects import PSInvocationState, RunspacePoolState
from pypsrp.shell import SignalCode

from agent.model import Scalar, Script
from agent.transport.clixml import Plain
from agent.transport.faults import Fault, Stage, describe
from agent.transport.logon import Logon
from agent.transport.psrp.envelopes import Envelopes
from agent.transport.psrp.pipelines import Error, Pipeline, Pool
from agent.transport.psrp.posts import OverTls, Sealed
from agent.transport.visit import Visit, silence

silence("pypsrp", "spnego", "urllib3")


class PsrpTransport(Visit):
    """Runs scripts in one runspace of the server, each in a scope of its own."""

    _pool: Pool | None = None

    def attach(self, logon: Logon, url: str) -> None:
        """Talk to the server at this address from now on, logged on by this."""
        address = urlsplit(url)
        self._wsman = Envelopes(
            address.hostname or "",
            port=address.port,
            ssl=address.scheme == "https",
            auth="negotiate",
            encryption="always" if address.scheme == "http" else "auto",
            operation_timeout=self.line.waits.operation,
        )
        winrm, fqdn = self.server.winrm, self.server.fqdn
        if address.scheme == "http":
            self._wsman.transport = Sealed(self.line, self.server.address, winrm, fqdn, logon)
        else:
            self._wsman.transport = OverTls(self.line, self.session(logon), url)

    def open(self) -> None:
        """Log on and open the runspace pool."""
        pool = self._pool = Pool(self._wsman)
        self._finished: str | None = None
        pool.open()
        if pool.state != RunspacePoolState.OPENED:
            raise ValueError(f"the runspace pool is in state {pool.state}")

    def execute(
        self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]
    ) -> tuple[list[Plain], list[Mapping[str, Plain]]]:
        """Run the script in the pool."""
        assert self._pool is not None  # it was opened
        self._limit()
        self._free(self._pool)
        shell = Pipeline(self._pool, script.text)
        shell.start(arguments)
        self.stage = Stage.RUNNING
        while shell.state == PSInvocationState.RUNNING:
            self._limit()
            shell.poll_invoke()
        # The id that the server gave it: WinRM 2.0 does not take the client's, which pypsrp's stop() would send.
        self._finished = shell._command_id or shell.id
        self._pool.pipelines.pop(shell.id, None)
        return _answer(shell)

    @property
    def has_shell(self) -> bool:
        """There is a shell on the server to delete."""
        return self._pool is not None and bool(self._pool.shell.opened)

    def end(self) -> None:
        """Delete the shell; with it ends whatever still runs in it."""
        if self._pool is not None:
            self._pool.shell.wsman = self._wsman
            self._pool.shell.close()

    def describe(self, error: Exception) -> Fault:
        """The facts of pypsrp's errors, and of any other."""
        match error:
            case exceptions.WSManFaultError():
                code = error.code if isinstance(error.code, int) else None
                return describe(error, self.stage, code=code, text=error.provider_fault or error.reason or "")
            case exceptions.WinRMTransportError():
                return describe(error, self.stage, status=error.code, text=f"HTTP {error.code}")
            case exceptions.AuthenticationError():
                return describe(error, self.stage, status=401)
            case _:
                return describe(error, self.stage)

    def _limit(self) -> None:
        self._wsman.operation_timeout = max(1, min(self.line.waits.operation, math.ceil(self.line.remaining)))

    def _free(self, pool: Pool) -> None:
        """Give back the place of the last command; a shell has 15 (domain 6.1)."""
        if self._finished is not None:
            pool.shell.signal(SignalCode.TERMINATE, command_id=self._finished)
            self._finished = None


def _answer(shell: Pipeline) -> tuple[list[Plain], list[Mapping[str, Plain]]]:
    reported = [error.found for error in shell.streams.error if isinstance(error, Error)]
    if shell.state != PSInvocationState.COMPLETED and not reported:
        raise StoppedError(f"the pipeline ended in state {shell.state} without a reason")
    return shell.output, reported


class StoppedError(exceptions.WinRMError):
    """The server ended the pipeline by itself."""
