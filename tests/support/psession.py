"""A PowerShell session on a machine of the practice lab, whose streams are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.lab.powershell.engine import Engine, Outcome
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.world.machine import Machine


@dataclass
class Result:
    """The streams of one run and how it ended; a terminating error is the last of `errors`."""

    outcome: Outcome = Outcome.COMPLETED
    exit_code: int = 0
    values: list[Any] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def value(self) -> Any:
        assert len(self.values) == 1, (self.values, [record.message for record in self.errors])
        return self.values[0]

    @property
    def error(self) -> ErrorRecord:
        assert len(self.errors) == 1, [record.message for record in self.errors]
        return self.errors[0]

    def output(self, value: Any) -> None:
        self.values.append(value)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def host(self, text: str) -> None:
        self.said.append(text)

    verbose = debug = progress = host


class _Sink:
    def __init__(self, result: Result) -> None:
        self.result = result

    def __getattr__(self, name: str) -> Any:
        return getattr(self.result, name)

    def error(self, record: ErrorRecord) -> None:
        self.result.errors.append(record)


class Session:
    """One engine on one machine."""

    def __init__(self, machine: Machine, user: str = "LAB\\administrator") -> None:
        self.machine = machine
        self.process = machine.processes.spawn("wsmprovhost.exe", owner=user)
        self.engine = Engine(machine, self.process, user)

    def run(self, script: str, parameters: Mapping[str, object] | None = None) -> Result:
        result = Result()
        ended = self.engine.run_text(script, _Sink(result), parameters=parameters or {})
        result.outcome, result.exit_code = ended.outcome, ended.exit_code
        if ended.error is not None:
            result.errors.append(ended.error)
        return result

    def get(self, script: str) -> Any:
        """The one value of a script that must not fail."""
        result = self.run(script)
        assert not result.errors, [record.message for record in result.errors]
        return result.value

    def all(self, script: str) -> list[Any]:
        """The values of a script that must not fail."""
        result = self.run(script)
        assert not result.errors, [record.message for record in result.errors]
        return result.values
