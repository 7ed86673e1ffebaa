"""Owns one call of one cmdlet: what its parameters got, and where its output and errors go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord

if TYPE_CHECKING:
    from agent.lab.powershell.command import Cmdlet
    from agent.lab.powershell.engine import Engine
    from agent.lab.powershell.scope import Context


class _Nothing:
    """No pipeline input at all, which is not $null."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()


class Invocation:
    """What a cmdlet function gets; see `command.cmdlet`. `state` is the cmdlet's own, kept from begin to end."""

    def __init__(self, context: Context, cmdlet: Cmdlet, write: Callable[[Any], None], line: int) -> None:
        """`context` is the caller's; `write` is the next command's input."""
        self.context = context
        self.cmdlet = cmdlet
        self.line = line
        self.state: dict[str, Any] = {}
        self.input: Any = NOTHING  # the current pipeline object, NOTHING when the cmdlet stands first
        self.bound: dict[str, Any] = {}  # lower-case name -> converted value
        self.action: str | None = None  # -ErrorAction
        self._write = write

    @property
    def engine(self) -> Engine:
        """The running engine."""
        return self.context.engine

    @property
    def name(self) -> str:
        """The cmdlet's name."""
        return self.cmdlet.name

    def __getitem__(self, parameter: str) -> Any:
        return self.bound.get(parameter.lower())

    def __contains__(self, parameter: str) -> bool:
        return parameter.lower() in self.bound

    def switch(self, parameter: str) -> bool:
        """Whether the switch is on."""
        return bool(self.bound.get(parameter.lower(), False))

    def write(self, value: Any) -> None:
        """Write one object to the pipeline (an array is written as one object: use write_all to unroll)."""
        raise NotImplementedError

    def write_all(self, values: Sequence[Any]) -> None:
        """Write each."""
        for value in values:
            self.write(value)

    def error(
        self, error: ClrError | ErrorRecord, error_id: str = "", category: str = "NotSpecified", target: Any = None
    ) -> None:
        """A non-terminating error; raises where -ErrorAction or $ErrorActionPreference is Stop."""
        raise NotImplementedError

    def warning(self, text: str) -> None:
        """A warning."""
        raise NotImplementedError

    def verbose(self, text: str) -> None:
        """A verbose message, seen with -Verbose or $VerbosePreference."""
        raise NotImplementedError

    def call(self, block: Any, arguments: Sequence[Any] = (), *, underscore: Any = NOTHING) -> list[Any]:
        """Run a script block in the caller's scope and collect its output."""
        raise NotImplementedError
