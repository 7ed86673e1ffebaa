"""Owns the conformance cases: how they are written down, and how one is run.

A case file holds cases like this; the expected lines follow the script:

    ## name | what it rests on
    script, any number of lines
    => Type:text          one object of output (null, or [a, b] for an array inside; \\n for a line end)
    !! ErrorId            a record on the error stream: it starts with this id
    XX ErrorId            the run ends with this error
    RR                    refused: parse error or the lab's own refusal, nothing more is claimed
    EE 3                  the exit code
    WW text               a warning
    HH text               text for the host
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.lab.clock import DrivenClock
from agent.lab.powershell.engine import Engine, Outcome
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import type_name
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest

FOLDER = Path(__file__).parent / "cases"
MARKS = ("=>", "!!", "XX", "RR", "EE", "WW", "HH")
REFUSALS = ("ParserError", "LabRefused")


@dataclass(frozen=True, slots=True)
class Case:
    """One script and what it must do."""

    topic: str
    name: str
    rests: str
    script: str
    expected: tuple[str, ...]


@dataclass(slots=True)
class Recorder:
    """A sink that writes each stream down in the notation of the cases."""

    lines: list[str] = field(default_factory=list)

    def output(self, value: Any) -> None:
        self.lines.append(f"=> {shown(value)}")

    def error(self, record: ErrorRecord) -> None:
        self.lines.append(f"!! {record.error_id}" if isinstance(record, ErrorRecord) else f"!! {record}")

    def warning(self, text: str) -> None:
        self.lines.append(f"WW {text}")

    def verbose(self, text: str) -> None:
        self.lines.append(f"WW {text}")

    def debug(self, text: str) -> None:
        self.lines.append(f"WW {text}")

    def progress(self, record: Any) -> None:
        self.lines.append("WW progress")

    def host(self, text: str) -> None:
        self.lines.append(f"HH {text.rstrip()}")


def shown(value: Any) -> str:
    """`Type:text`, `null`, `[a, b]`."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return f"{type_name(value).rpartition('.')[2]}:{to_string(value)}".replace("\n", "\\n").rstrip()


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(FOLDER.glob("*.txt")):
        for block in ("\n" + path.read_text(encoding="utf-8")).split("\n## ")[1:]:
            head, _, body = block.partition("\n")
            name, _, rests = head.partition("|")
            lines = body.rstrip("\n").split("\n")
            first = next(index for index, line in enumerate(lines) if line[:2] in MARKS and line[2:3] in ("", " "))
            expected = tuple(line.rstrip() for line in lines[first:] if line.strip())
            yield Case(path.stem, name.strip(), rests.strip(), "\n".join(lines[:first]) + "\n", expected)


def new_engine() -> Engine:
    """A session on a mailbox server whose clock moves along by itself."""
    machine = exchange_2003("EX01", Forest(DrivenClock(auto=True)), seed=1)
    process = machine.processes.spawn("wsmprovhost.exe", owner="LAB\\administrator")
    return Engine(machine, process)


def outcome(script: str) -> list[str]:
    """What the script did, in the notation of the cases."""
    recorder = Recorder()
    result = new_engine().run_text(script, recorder)
    if result.error is not None:
        refused = result.error.error_id in REFUSALS
        if refused:
            return ["RR"]
        recorder.lines.append(f"XX {result.error.error_id}")
    if result.outcome is Outcome.STOPPED:
        recorder.lines.append("STOPPED")
    if result.exit_code:
        recorder.lines.append(f"EE {result.exit_code}")
    return recorder.lines
