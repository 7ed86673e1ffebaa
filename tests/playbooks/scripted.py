"""A machine of the lab, and the scripts of the playbook really executed on it, without a wire between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.lab.clock import DrivenClock
from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.engine import Engine, Outcome
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine
from agent.playbook import Playbook, load

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
CHILD = f"{EAS}/Devices"
EXCHANGE = "W3SVC/1/ROOT/Exchange"
FLAGS = "AccessSSLFlags"
MARKERS = r"C:\WINDOWS\easfix"

Answer = Mapping[str, Any]
PLAYBOOK: Playbook = load()


class ScriptError(Exception):
    """A script ended with an error; the message is what the operator would read."""


@dataclass
class Collected:
    """A sink that keeps what a script wrote."""

    answers: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def output(self, value: Any) -> None:
        self.answers.append(value)

    def error(self, record: Any) -> None:
        self.errors.append(str(record.message))

    def warning(self, text: str) -> None: ...

    def verbose(self, text: str) -> None: ...

    def debug(self, text: str) -> None: ...

    def progress(self, record: Any) -> None: ...

    def host(self, text: str) -> None: ...


@dataclass
class Server:
    """One machine and an administrator's sessions on it."""

    machine: Machine
    forest: Forest
    clock: DrivenClock

    def run(self, script: str, user: str = "LAB\\administrator", **parameters: object) -> list[Answer]:
        """The answers of one script of the playbook, in a session of its own that ends with it."""
        process = self.machine.processes.spawn("wsmprovhost.exe", owner=user)
        engine = Engine(self.machine, process, user)
        sink = Collected()
        try:
            result = engine.run_text(PLAYBOOK.script(script).text, sink, parameters=parameters)
        finally:
            self.machine.processes.kill_tree(process)
        if result.outcome is not Outcome.COMPLETED or sink.errors:
            raise ScriptError(str(result.error.message) if result.error else "; ".join(sink.errors))
        return [_plain(each) for each in sink.answers]

    def one(self, script: str, **parameters: object) -> Answer:
        """The single answer of a script."""
        [answer] = self.run(script, **parameters)
        return answer

    def of_kind(self, kind: str, script: str, **parameters: object) -> list[Answer]:
        """The answers of one kind."""
        return [answer for answer in self.run(script, **parameters) if answer["Kind"] == kind]

    def settle(self) -> None:
        """Wait for every detached worker to end; bounded, in real time."""
        for process in self.machine.processes.list():
            if process.name == "powershell.exe":
                assert self.machine.processes.wait(process, 30) is not None, "the worker does not end"

    def flags(self, path: str = EAS) -> object:
        """The truth: the word in force in memory."""
        return self.machine.metabase.get(path, FLAGS)

    def saved(self, path: str = EAS) -> object:
        """The truth: the word that the file would bring back."""
        return self.machine.metabase.saved_get(path, FLAGS)

    def own(self, path: str = EAS) -> bool:
        """The truth: the key itself holds a value."""
        return FLAGS in self.machine.metabase.own(path)

    def set(self, path: str, flags: int) -> None:
        """What an administrator set and saved long ago."""
        self.machine.metabase.set(path, FLAGS, flags)
        self.machine.metabase.save()

    def markers(self) -> list[str]:
        """The truth: the files that runs left."""
        files = self.machine.files
        return [each.name for each in files.list(MARKERS)] if files.exists(MARKERS) else []


def _plain(answer: object) -> Answer:
    assert isinstance(answer, CustomObject), f"a script answered with {answer!r}, not with an object"
    return dict(answer.items())
