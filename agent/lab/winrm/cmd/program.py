"""Owns cmd.exe as a program of a machine: its switches, and the line it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.winrm.cmd.interpreter import Interpreter, Streams

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process, Write


def cmd(machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write) -> int:
    """cmd.exe /c or /k line, or lines on its input."""
    interpreter = Interpreter(machine, process)
    line = line_of(process.command_line)
    streams = Streams(lambda: stdin, stdout, stderr)
    if line is not None:
        return interpreter.run(line, streams)
    code = 0
    for each in stdin.decode("cp437").splitlines():
        code = interpreter.run(each, Streams(lambda: b"", stdout, stderr))
    return code


def line_of(command_line: str) -> str | None:
    """What follows /c or /k, as cmd.exe cuts it out of its command line; None without either."""
    low = command_line.lower()
    found = [at for at in (low.find(" /c"), low.find(" /k")) if at >= 0]
    if not found:
        return None
    line = command_line[min(found) + 3 :].strip()
    # Outer quotes go when there are more than one pair, or special characters inside (`cmd /?`).
    if line.startswith('"') and line.endswith('"') and len(line) > 1 and (line.count('"') > 2 or " " in line):
        line = line[1:-1]
    return line
