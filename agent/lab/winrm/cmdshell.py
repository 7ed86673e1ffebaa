"""Owns the command shell, which winrs and pywinrm use: cmd.exe lines with byte streams."""

from __future__ import annotations

import threading
from xml.etree import ElementTree as ET

from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.answers import Piece
from agent.lab.winrm.cmd.interpreter import Interpreter, Streams
from agent.lab.winrm.shell import Command, Host, Shell
from agent.lab.winrm.soap import RSP
from agent.lab.world.accounts import User

CMD = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
_CHUNK = 8 * 1024  # what the host process reads from a pipe at once


class CmdShell(Shell):
    """winrshost.exe with one cmd.exe per command."""

    HOST = r"C:\WINDOWS\system32\winrshost.exe -Embedding"
    INPUT = ("stdin",)
    OUTPUT = ("stdout", "stderr")

    def __init__(
        self, host: Host, user: User, client: str, shell: ET.Element, options: dict[str, str], room: int
    ) -> None:
        """`shell` is the rsp:Shell of the client, with its environment and directory."""
        super().__init__(host, user, CMD, client)
        named = shell.iterfind(f"{{{RSP}}}Environment/{{{RSP}}}Variable")
        self.variables = {each.get("Name", ""): each.text or "" for each in named}
        self.directory = (shell.findtext(f"{{{RSP}}}WorkingDirectory") or "").strip()
        self.chunk = max(1024, min(_CHUNK, room * 3 // 4 - 256))

    def start(self, command: ET.Element, options: dict[str, str]) -> Command:
        """A command line; WINRS_SKIP_CMD_SHELL runs the program without cmd.exe. [MS-WSMV] 3.1.4.11"""
        words = [command.findtext(f"{{{RSP}}}Command") or ""]
        words += [each.text or "" for each in command.iterfind(f"{{{RSP}}}Arguments")]
        line = " ".join(word for word in words if word).strip()
        if not line:
            raise faults.schema("rsp:Command")
        skips_cmd = options.get("WINRS_SKIP_CMD_SHELL", "").upper() == "TRUE"
        made = CmdCommand(self, line, skips_cmd=skips_cmd)
        self.host.authority.threads.submit(made.run)
        return made

    def send(self, stream: str, content: bytes) -> None:
        """The shell itself has no input."""
        raise faults.bad_stream(stream)


class CmdCommand(Command):
    """One line; its cmd.exe is a child of the shell's host process."""

    def __init__(self, shell: CmdShell, line: str, *, skips_cmd: bool) -> None:
        super().__init__(shell.host)
        self._shell = shell
        self._line = line
        self._skips_cmd = skips_cmd
        image = line if skips_cmd else f"C:\\WINDOWS\\system32\\cmd.exe /C {line}"
        self._process = shell.host.machine.processes.spawn(image, shell.process, owner=shell.user.qualified)
        self._input = bytearray()
        self._ended = threading.Event()

    def send(self, stream: str, content: bytes, *, end: bool) -> None:
        """Input for whatever in the line reads it."""
        if stream != "stdin":
            raise faults.bad_stream(stream)
        self._input += content
        if end:
            self._ended.set()

    def interrupt(self) -> None:
        """Kill cmd.exe and its children."""
        self._ended.set()
        self._shell.host.machine.processes.kill_tree(self._process)

    def run(self) -> None:
        """Run the line to its end, on a script thread."""
        code = 1
        machine = self._shell.host.machine
        try:
            interpreter = Interpreter(machine, self._process, self._shell.variables, self._shell.directory)
            streams = Streams(self._stdin, self._writer("stdout"), self._writer("stderr"))
            code = (
                interpreter.run_program(self._line, streams)
                if self._skips_cmd
                else interpreter.run(self._line, streams)
            )
        finally:
            machine.processes.finish(self._process, code)
            self.outbox.finish(code & 0xFFFFFFFF)

    def _stdin(self) -> bytes:
        self._ended.wait()
        return bytes(self._input)

    def _writer(self, stream: str) -> _Writer:
        return _Writer(self._shell, self, stream)


class _Writer:
    """Cuts output into pieces an answer can carry."""

    def __init__(self, shell: CmdShell, command: Command, stream: str) -> None:
        self._shell = shell
        self._command = command
        self._stream = stream

    def __call__(self, content: bytes) -> None:
        for at in range(0, len(content), self._shell.chunk):
            self._command.outbox.put(Piece(self._stream, content[at : at + self._shell.chunk]))
        self._shell.check_memory()
