"""Owns the processes of one machine: trees, who dies with whom, and the running of programs in threads."""

from __future__ import annotations

import ntpath
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from agent.lab.world.command_line import split
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

Write = Callable[[bytes], None]
Words = list[str]


def discard(_: bytes) -> None:
    """The output nobody reads."""


class Program(Protocol):
    """What runs when a command line names it. It looks at `process.killed` and returns the exit code."""

    def __call__(
        self, machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        """Run to the end."""


class Process:
    """One entry of the process table."""

    __slots__ = ("_done", "_killed", "command_line", "exit_code", "name", "owner", "parent", "pid", "started")

    def __init__(self, pid: int, command_line: str, parent: Process | None, owner: str, started: datetime) -> None:
        self.pid = pid
        self.command_line = command_line
        self.name = image_name(command_line)
        self.parent = parent
        self.owner = owner
        self.started = started
        self.exit_code: int | None = None
        self._killed: threading.Event | None = None
        self._done: threading.Event | None = None

    @property
    def killed(self) -> threading.Event:
        """Set once somebody has killed the process. (Made on first use: an event is big, processes are many.)"""
        if self._killed is None:
            self._killed = threading.Event()
        return self._killed

    @property
    def is_killed(self) -> bool:
        """Whether somebody has killed it; asked before every statement of a script."""
        return self._killed is not None and self._killed.is_set()

    @property
    def done(self) -> threading.Event:
        """Set once the process has ended, by itself or killed."""
        if self._done is None:
            self._done = threading.Event()
        return self._done

    @property
    def is_alive(self) -> bool:
        """True until it has ended."""
        return self.exit_code is None

    def descends_from(self, ancestor: Process) -> bool:
        """True for the ancestor itself, its children, theirs and so on."""
        step: Process | None = self
        while step is not None and step is not ancestor:
            step = step.parent
        return step is not None


def image_name(command_line: str) -> str:
    """The file name of the program, such as "iisreset.exe"."""
    words = split(command_line)
    name = ntpath.basename(words[0]) if words else ""
    return name if ntpath.splitext(name)[1] else f"{name}.exe"


class ProcessTable:
    """All processes of a machine. A process id is never used twice, and is a multiple of 4."""

    def __init__(self, machine: Machine, first_pid: int) -> None:
        self._machine = machine
        self._next = first_pid - first_pid % 4
        self._table: dict[int, Process] = {}
        self._on_death: list[Callable[[Process], None]] = []

    def list(self) -> list[Process]:
        """Every living process."""
        with self._machine.lock:
            return list(self._table.values())

    def find(self, pid: int) -> Process | None:
        """The living process with that id."""
        return self._table.get(pid)

    def spawn(
        self, command_line: str, parent: Process | None = None, *, owner: str = "NT AUTHORITY\\SYSTEM"
    ) -> Process:
        """An entry with no program of ours behind it, such as wsmprovhost.exe or svchost.exe."""
        with self._machine.lock:
            self._next += 4
            process = Process(self._next, command_line, parent, owner, self._machine.clock.now())
            self._table[process.pid] = process
        return process

    def run_attached(
        self,
        command_line: str,
        parent: Process | None,
        stdin: bytes = b"",
        stdout: Write = discard,
        stderr: Write = discard,
        *,
        owner: str | None = None,
    ) -> int:
        """Run a program in the calling thread to its end, as a child of `parent`; its exit code."""
        program, arguments = self._resolve(command_line)
        process = self.spawn(command_line, parent, owner=owner or (parent.owner if parent else "NT AUTHORITY\\SYSTEM"))
        return self._run(program, process, arguments, stdin, stdout, stderr)

    def launch(
        self,
        command_line: str,
        parent: Process | None,
        stdin: bytes = b"",
        stdout: Write = discard,
        stderr: Write = discard,
        *,
        owner: str = "NT AUTHORITY\\SYSTEM",
    ) -> Process:
        """Start a program in a thread of its own and return at once."""
        program, arguments = self._resolve(command_line)
        process = self.spawn(command_line, parent, owner=owner)
        threading.Thread(
            target=self._run,
            args=(program, process, arguments, stdin, stdout, stderr),
            name=f"{self._machine.name} {process.name} {process.pid}",
            daemon=True,
        ).start()
        return process

    def spawn_detached(self, command_line: str, *, owner: str = "NT AUTHORITY\\SYSTEM") -> Process:
        """What Win32_Process.Create does: a child of WmiPrvSE, which no end of a shell reaches."""
        with self._machine.lock:
            hosts = [process for process in self._table.values() if process.name == "wmiprvse.exe"]
        return self.launch(command_line, hosts[0] if hosts else self.spawn("wmiprvse.exe"), owner=owner)

    def wait(self, process: Process, seconds: float | None = None) -> int | None:
        """Wait in real time for the end; the exit code, or None when it still runs."""
        if process.is_alive:
            process.done.wait(seconds)
        return process.exit_code

    def kill(self, process: Process, exit_code: int = 1) -> None:
        """TerminateProcess: this one only, its children live on."""
        with self._machine.lock:
            if self._end(process, exit_code):
                process.killed.set()
                for listener in self._on_death:
                    listener(process)

    def kill_tree(self, process: Process) -> None:
        """What the end of a job object does: the process and all that descend from it."""
        with self._machine.lock:
            for member in [each for each in self._table.values() if each.descends_from(process)]:
                self.kill(member)
            self.kill(process)

    def finish(self, process: Process, exit_code: int = 0) -> None:
        """The process ends by itself."""
        self._end(process, exit_code)

    def clear(self) -> None:
        """The power goes: every process dies, and nobody is told."""
        with self._machine.lock:
            for process in list(self._table.values()):
                self._end(process, 1)
                process.killed.set()

    def on_death(self, listener: Callable[[Process], None]) -> None:
        """Call the listener with each process that is killed, under the machine's lock."""
        self._on_death.append(listener)

    def _resolve(self, command_line: str) -> tuple[Program, Words]:
        words = split(command_line)
        name = ntpath.basename(words[0]).lower() if words else ""
        program = self._machine.programs.get(name.removesuffix(".exe"))
        if program is None:
            raise WorldError(ErrorKind.FILE_NOT_FOUND, words[0] if words else command_line)
        return program, words[1:]

    def _run(
        self, program: Program, process: Process, arguments: Words, stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        code = 1
        try:
            code = program(self._machine, process, arguments, stdin, stdout, stderr)
        finally:
            self._end(process, code)
        return code if process.exit_code is None else process.exit_code

    def _end(self, process: Process, exit_code: int) -> bool:
        with self._machine.lock:
            if not process.is_alive:
                return False
            process.exit_code = exit_code
            self._table.pop(process.pid, None)
            process.done.set()
        return True
