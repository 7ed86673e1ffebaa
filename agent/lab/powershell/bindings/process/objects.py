"""Owns System.Diagnostics.Process: what a script sees of a process, and how it starts and ends one.

A process a script starts is a child of the script's own: it dies with the WinRM shell. domain 6.1
"""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register, setter
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import Long, local_time
from agent.lab.world.errors import WorldError
from agent.lab.world.processes import Process

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_INVALID = "System.InvalidOperationException"
_WIN32 = "System.ComponentModel.Win32Exception"
_LOOK = 0.05  # seconds between two looks at a process


class StartInfo(ClrObject):
    """System.Diagnostics.ProcessStartInfo."""

    TYPE = "System.Diagnostics.ProcessStartInfo"
    NAMES: ClassVar[dict[str, str]] = {
        "filename": "FileName",
        "arguments": "Arguments",
        "useshellexecute": "UseShellExecute",
        "redirectstandardoutput": "RedirectStandardOutput",
        "redirectstandarderror": "RedirectStandardError",
        "redirectstandardinput": "RedirectStandardInput",
        "createnowindow": "CreateNoWindow",
        "workingdirectory": "WorkingDirectory",
        "windowstyle": "WindowStyle",
    }

    def __init__(self, engine: Engine, file_name: Any = "", arguments: Any = "") -> None:
        """Program and arguments."""
        self.engine = engine
        self.values: dict[str, Any] = {
            **dict.fromkeys(self.NAMES, False),
            "filename": engine.to_string(file_name),
            "arguments": engine.to_string(arguments),
            "useshellexecute": True,
            "workingdirectory": "",
            "windowstyle": "Normal",
        }

    def ps_properties(self) -> list[str]:
        """What the lab knows of it."""
        return list(self.NAMES.values())

    def ps_get(self, name: str) -> Any:
        """A setting."""
        if name.lower() in self.values:
            return self.values[name.lower()]
        return super().ps_get(name)

    def ps_set(self, name: str, value: Any) -> None:
        """Change a setting; others are refused."""
        if name.lower() not in self.values:
            raise Refused(f"ProcessStartInfo.{name}")
        if name.lower() == "redirectstandardinput" and value:
            raise Refused("ProcessStartInfo.RedirectStandardInput")
        self.values[name.lower()] = value

    def command_line(self) -> str:
        """Program and arguments as one line."""
        name = self.values["filename"]
        quoted = f'"{name}"' if " " in name and not name.startswith('"') else name
        return f"{quoted} {self.values['arguments']}".rstrip()


class TextReader(ClrObject):
    """A redirected stream of a process, read to its end."""

    TYPE = "System.IO.StreamReader"
    BASES = ("System.IO.TextReader",)

    def __init__(self, owner: ProcessObject, chunks: list[bytes]) -> None:
        """`chunks` grow while the process runs."""
        self.owner, self.chunks = owner, chunks

    @method("ReadToEnd")
    def read_to_end(self) -> str:
        """Wait for the process's end and give all it wrote."""
        self.owner.wait_for_exit()
        text = b"".join(self.chunks).decode("cp1252", "replace")
        self.chunks.clear()
        return text

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""


class ProcessObject(ClrObject):
    """System.Diagnostics.Process."""

    TYPE = "System.Diagnostics.Process"
    BASES = ("System.ComponentModel.Component", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, process: Process | None = None) -> None:
        """A running process, or one that `Start()` will make."""
        self.engine = engine
        self.process = process
        self.start_info = StartInfo(engine)
        self.out: list[bytes] = []
        self.err: list[bytes] = []

    def held(self) -> Process:
        """The process; InvalidOperationException where none is associated."""
        if self.process is None:
            raise ClrError("No process is associated with this object.", _INVALID)
        return self.process

    @prop("Name")
    def name(self) -> str:
        """PowerShell's alias of ProcessName."""
        return self.process_name()

    @prop("Id")
    def pid(self) -> int:
        """The process id."""
        return self.held().pid

    @prop("ProcessName")
    def process_name(self) -> str:
        """The image name without .exe."""
        return self.held().name.removesuffix(".exe")

    @prop("Path")
    def path(self) -> str:
        """The file, where it is known."""
        return f"{self.engine.machine.os.windows_directory}\\system32\\{self.held().name}"

    @prop("HasExited")
    def has_exited(self) -> bool:
        """Whether it has ended."""
        return not self.held().is_alive

    @prop("ExitCode")
    def exit_code(self) -> int:
        """The exit code; InvalidOperationException while it runs."""
        code = self.held().exit_code
        if code is None:
            raise ClrError("Process must exit before requested information can be determined.", _INVALID)
        return code

    @prop("StartTime")
    def start_time(self) -> dt.datetime:
        """When it began."""
        return local_time(self.held().started)

    @prop("WorkingSet64")
    def working_set(self) -> Long:
        """Memory; the same for all."""
        return Long(8 * 1024 * 1024)

    @prop("SessionId")
    def session_id(self) -> int:
        """The services' session."""
        return 0

    @prop("MachineName")
    def machine_name(self) -> str:
        """This one."""
        return "."

    @prop("StartInfo")
    def get_start_info(self) -> StartInfo:
        """How it is started."""
        return self.start_info

    @setter("StartInfo")
    def set_start_info(self, value: Any) -> None:
        """Start it so."""
        self.start_info = value

    @prop("StandardOutput")
    def standard_output(self) -> TextReader:
        """What it writes, where redirected."""
        return self._reader("redirectstandardoutput", "StandardOut", self.out)

    @prop("StandardError")
    def standard_error(self) -> TextReader:
        """What it writes as errors, where redirected."""
        return self._reader("redirectstandarderror", "StandardError", self.err)

    @method("Start")
    def start(self) -> bool:
        """Start it as a child of this script."""
        if self.start_info.values["useshellexecute"] and self.start_info.values["redirectstandardoutput"]:
            raise ClrError(
                "The Process object must have the UseShellExecute property set to false in order to redirect IO "
                "streams.",
                _INVALID,
            )
        self.process = launch(self.engine, self.start_info.command_line(), self.out, self.err)
        return True

    @method("Refresh")
    def refresh(self) -> None:
        """Nothing is cached."""

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""

    @method("Kill")
    def kill(self) -> None:
        """End it, its children live on."""
        if not self.held().is_alive:
            raise ClrError("Cannot process request because the process has exited.", _INVALID)
        self.engine.machine.processes.kill(self.held(), -1)

    @method("WaitForExit")
    def wait_for_exit(self, milliseconds: Any = None) -> bool:
        """Wait for its end; whether it came in time."""
        process, machine = self.held(), self.engine.machine
        if milliseconds is None:
            while process.is_alive:
                process.done.wait(_LOOK)
                self.engine.check()
            return True
        seconds = int(self.engine.convert(milliseconds, "System.Int32")) / 1000
        if process.is_alive:
            machine.clock.sleep(seconds, lambda: not process.is_alive or self.engine.process.killed.is_set())
        self.engine.check()
        return not process.is_alive

    def ps_string(self) -> str:
        """Type and name."""
        return f"{self.TYPE} ({self.process_name()})"

    def _reader(self, setting: str, name: str, chunks: list[bytes]) -> TextReader:
        if not self.start_info.values[setting]:
            raise ClrError(f"{name} has not been redirected or the process hasn't started yet.", _INVALID)
        return TextReader(self, chunks)


def launch(engine: Engine, command_line: str, out: list[bytes], err: list[bytes]) -> Process:
    """Start a program as a child of the script's process; Win32Exception where there is no such file."""
    lock = threading.Lock()

    def keep(chunks: list[bytes], text: bytes) -> None:
        with lock:
            chunks.append(text)

    try:
        return engine.machine.processes.launch(
            command_line,
            engine.process,
            stdout=lambda text: keep(out, text),
            stderr=lambda text: keep(err, text),
            owner=engine.user,
        )
    except WorldError as error:
        raise ClrError("The system cannot find the file specified", _WIN32, hresult=-2147467259) from error


def _start(engine: Engine, target: Any, arguments: Any = "") -> ProcessObject:
    info = target if isinstance(target, StartInfo) else StartInfo(engine, target, arguments)
    made = ProcessObject(engine)
    made.start_info = info
    made.start()
    return made


def _current(engine: Engine) -> ProcessObject:
    return ProcessObject(engine, engine.process)


def _by_id(engine: Engine, pid: Any) -> ProcessObject:
    number = int(engine.convert(pid, "System.Int32"))
    found = engine.machine.processes.find(number)
    if found is None:
        raise ClrError(f"Process with an Id of {number} is not running.", "System.ArgumentException")
    return ProcessObject(engine, found)


def _all(engine: Engine) -> list[ProcessObject]:
    return [ProcessObject(engine, each) for each in engine.machine.processes.list()]


def _by_name(engine: Engine, name: Any) -> list[ProcessObject]:
    wanted = engine.to_string(name).lower()
    return [each for each in _all(engine) if each.process_name().lower() == wanted]


register(
    ClrType(
        "System.Diagnostics.Process",
        bases=ProcessObject.BASES,
        construct=lambda engine: ProcessObject(engine),
        static={
            "Start": _start,
            "GetCurrentProcess": _current,
            "GetProcessById": _by_id,
            "GetProcesses": _all,
            "GetProcessesByName": _by_name,
        },
    )
)
register(ClrType("System.Diagnostics.ProcessStartInfo", construct=StartInfo))
