"""Owns the running of a parsed line: order, exit codes, redirections, pipes, other programs."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.lab.winrm.cmd.syntax import Chain, CmdSyntaxError, Group, If, Node, Redirection, Simple, parse
from agent.lab.winrm.cmd.variables import Variables
from agent.lab.world.command_line import split
from agent.lab.world.environment import environment
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process, Write

CODE_PAGE = "cp437"
NOT_RECOGNIZED = 9009  # %ERRORLEVEL% after an unknown command; `cmd /c` itself ends with 1
_READS_STDIN = frozenset({"-", "-inputformat"})


class ExitLine(Exception):  # noqa: N818 - control flow
    """`exit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command reads and writes; `stdin` is asked only by what reads it, and may wait."""

    stdin: Callable[[], bytes]
    stdout: Write
    stderr: Write


def empty() -> bytes:
    """No input."""
    return b""


class Interpreter:
    """One cmd.exe."""

    def __init__(
        self, machine: Machine, process: Process, variables: Mapping[str, str] | None = None, directory: str = ""
    ) -> None:
        self.machine = machine
        self.process = process
        self.variables = Variables({**environment(machine, process.owner), **(variables or {})})
        self.directory = directory or self.variables.get("USERPROFILE") or "C:\\"
        self.errorlevel = 0  # what %ERRORLEVEL% and `if errorlevel` see; echo and its like leave it alone
        self._code = 0  # how the last command ended: what && and || ask, and cmd.exe's own exit code

    def run(self, line: str, streams: Streams) -> int:
        """Run a line as `cmd /c` does; the exit code of cmd.exe."""
        try:
            self._expand_and_run(line, streams)
        except ExitLine as left:
            return left.code
        return self._code

    def run_program(self, command_line: str, streams: Streams) -> int:
        """Run a program without reading the line as cmd.exe would."""
        self._program(command_line, streams)
        return self._code

    def _expand_and_run(self, line: str, streams: Streams) -> None:
        now = self.machine.clock.now()
        self.variables.made_up = {
            "ERRORLEVEL": str(self.errorlevel),
            "CD": self.directory,
            "DATE": now.strftime("%a %m/%d/%Y"),
            "TIME": now.strftime("%H:%M:%S.") + f"{now.microsecond // 10000:02}",
        }
        try:
            node = parse(self.variables.expand(line))
        except CmdSyntaxError as error:
            self.fail(streams, str(error))
            return
        if node is not None:
            self._node(node, streams)

    # --- nodes -------------------------------------------------------------------------------------------------

    def _node(self, node: Node, streams: Streams) -> None:
        if self.process.killed.is_set():
            raise ExitLine(1)
        match node:
            case Chain(operator="|"):
                self._pipe(node, streams)
            case Chain():
                self._chain(node, streams)
            case Group():
                self._redirected(node.redirections, streams, lambda inner: self._node(node.body, inner))
            case If():
                self._if(node, streams)
            case Simple():
                self._redirected(node.redirections, streams, lambda inner: self._simple(node.text, inner))

    def _chain(self, node: Chain, streams: Streams) -> None:
        self._node(node.left, streams)
        failed = self._code != 0
        if node.operator == "&" or failed == (node.operator == "||"):
            self._node(node.right, streams)

    def _pipe(self, node: Chain, streams: Streams) -> None:
        """Each side is a cmd.exe of its own: what it sets is lost, the exit code is the right side's."""
        written: list[bytes] = []
        before = self.directory, self.variables
        self.variables = Variables(self.variables.values())
        try:
            self._node(node.left, Streams(streams.stdin, written.append, streams.stderr))
            self._node(node.right, Streams(lambda: b"".join(written), streams.stdout, streams.stderr))
        finally:
            self.directory, self.variables = before

    def _if(self, node: If, streams: Streams) -> None:
        if self._holds(node) != node.negated:
            self._node(node.then, streams)
        elif node.otherwise is not None:
            self._node(node.otherwise, streams)

    def _holds(self, node: If) -> bool:
        first = node.operands[0]
        match node.test:
            case "exist":
                return self.machine.files.exists(self.path(first))
            case "defined":
                return self.variables.get(first) is not None
            case "errorlevel":
                return first.lstrip("-").isdigit() and self.errorlevel >= int(first)
        left, right = node.operands
        return left.lower() == right.lower() if node.ignores_case else left == right

    # --- redirection -------------------------------------------------------------------------------------------

    def _redirected(
        self, redirections: tuple[Redirection, ...], streams: Streams, run: Callable[[Streams], None]
    ) -> None:
        try:
            for redirection in redirections:
                streams = self._redirect(redirection, streams)
        except WorldError as error:
            self.fail(streams, error.message)
            return
        run(streams)

    def _redirect(self, redirection: Redirection, streams: Streams) -> Streams:
        if redirection.stream == 0:
            content = self.machine.files.read(self.path(redirection.target))
            return Streams(lambda: content, streams.stdout, streams.stderr)
        target = self._target(redirection, streams)
        if redirection.stream == 2:
            return Streams(streams.stdin, streams.stdout, target)
        return Streams(streams.stdin, target, streams.stderr) if redirection.stream == 1 else streams

    def _target(self, redirection: Redirection, streams: Streams) -> Write:
        if redirection.target.startswith("&"):
            return streams.stderr if redirection.target == "&2" else streams.stdout
        if redirection.target.lower() == "nul":
            return lambda _: None
        path, files = self.path(redirection.target), self.machine.files
        if not redirection.append or not files.exists(path):
            files.write(path, b"")
        return lambda content: files.append(path, content)

    # --- commands ----------------------------------------------------------------------------------------------

    def simple(self, text: str, streams: Streams) -> int:
        """One command: built in, or another program; how it ended."""
        self._simple(text, streams)
        return self._code

    def _simple(self, text: str, streams: Streams) -> None:
        from agent.lab.winrm.cmd.builtins import find_builtin

        found = find_builtin(text)
        if found is not None:
            builtin, rest = found
            try:
                self._ended(builtin(self, rest, streams))
            except WorldError as error:
                self.fail(streams, error.message)
            return
        self._program(text.strip(), streams)

    def _program(self, command_line: str, streams: Streams) -> None:
        words = split(command_line)
        name = ntpath.basename(words[0]).lower().removesuffix(".exe") if words else ""
        if name not in self.machine.programs:
            shown = words[0] if words else command_line
            self.write(streams.stderr, f"'{shown}' is not recognized as an internal or external command,")
            self.write(streams.stderr, "operable program or batch file.")
            self._code, self.errorlevel = 1, NOT_RECOGNIZED
            return
        stdin = streams.stdin() if _reads_stdin(name, words[1:], streams) else b""
        try:
            self._ended(
                self.machine.processes.run_attached(command_line, self.process, stdin, streams.stdout, streams.stderr)
            )
        except WorldError as error:
            self.fail(streams, error.message if error.kind is not ErrorKind.ACCESS_DENIED else "Access is denied.")

    def fail(self, streams: Streams, message: str, code: int = 1) -> None:
        """Print a message of cmd.exe's own and set the exit code."""
        self.write(streams.stderr, message)
        self._ended(code)

    def _ended(self, code: int | None) -> None:
        self._code = code or 0
        self.errorlevel = self.errorlevel if code is None else code

    def write(self, out: Write, line: str) -> None:
        """A line in the console's code page."""
        out(f"{line}\r\n".encode(CODE_PAGE, "replace"))

    def path(self, name: str) -> str:
        """The full path of a name as this cmd.exe sees it."""
        return ntpath.normpath(ntpath.join(self.directory, name.strip().strip('"')))


def _reads_stdin(name: str, arguments: list[str], streams: Streams) -> bool:
    """Programs of the lab that read: powershell with `-` or a format for its input, and cmd, which hands it on.

    The real powershell.exe always reads input that is redirected, and waits for ever when it has no end.
    """
    given = {word.lower() for word in arguments}
    return name in ("powershell", "cmd") and not _READS_STDIN.isdisjoint(given) and streams.stdin is not empty
