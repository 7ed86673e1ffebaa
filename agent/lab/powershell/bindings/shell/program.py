"""Owns powershell.exe: one process with an engine of its own, run by its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.encoding import decode_named
from agent.lab.powershell.bindings.session.culture import machine_policy
from agent.lab.powershell.bindings.shell.console import TextConsole, XmlConsole
from agent.lab.powershell.bindings.shell.options import Options, UsageError, parse
from agent.lab.powershell.clr import ClrError
from agent.lab.world.programs import PROGRAMS

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine, RunResult
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process, Write

_CODE_PAGE = "cp437"
_BANNER = "Windows PowerShell \r\nCopyright (C) 2009 Microsoft Corporation. All rights reserved.\r\n\r\n"
STOPPED_CODE = -1


def powershell(
    machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
) -> int:
    """Run powershell.exe; its exit code."""
    from agent.lab.powershell.engine import Engine

    try:
        options = parse(arguments)
    except UsageError as error:
        stderr(f"{error.text}\r\n".encode(_CODE_PAGE, "replace"))
        return error.exit_code
    engine = Engine(machine, process, process.owner, remote=False)
    engine.policy = options.policy
    console = (
        XmlConsole(stdout, stderr)
        if options.xml
        else TextConsole(engine, stdout, stderr, xml_errors=options.xml_errors)
    )
    try:
        return _run(engine, options, console, stdin.decode(_CODE_PAGE))
    finally:
        console.close()


def _run(engine: Engine, options: Options, console: TextConsole | XmlConsole, stdin: str) -> int:
    if options.file is not None:
        return _run_file(engine, options, console)
    if options.command is None:  # `-Command -`, or no command at all: the script is on standard input
        if "nologo" not in options.switches and not options.reads_stdin:
            console.host(_BANNER)
        return _ended(engine, console, engine.run_text(stdin, console))
    return _ended(engine, console, engine.run_text(options.command, console, input=stdin.splitlines()))


def _run_file(engine: Engine, options: Options, console: TextConsole | XmlConsole) -> int:
    path = str(options.file)
    policy = options.policy or machine_policy(engine).lower()
    if policy in ("restricted", "allsigned"):
        console.host(
            f"File {path} cannot be loaded because the execution of scripts is disabled on this system. Please see "
            '"get-help about_signing" for more details.\n'
        )
        return 1
    try:
        disk = Disk(engine)
        text = decode_named(disk.read(disk.full(path)), None)
    except ClrError:
        console.host(
            f"The argument '{path}' to the -File parameter does not exist. Provide the path to an existing '.ps1' file "
            "as an argument to the -File parameter.\n"
        )
        return -196608
    named, positional = _script_arguments(options.arguments)
    return _ended(engine, console, engine.run_text(text, console, arguments=positional, parameters=named))


def _script_arguments(words: list[str]) -> tuple[dict[str, object], list[object]]:
    """`-Name value` pairs and the rest; everything is text."""
    named: dict[str, object] = {}
    positional: list[object] = []
    position = 0
    while position < len(words):
        word, following = words[position], words[position + 1 : position + 2]
        position += 1
        if not word.startswith("-") or not word[1:2].isalpha():
            positional.append(word)
        elif ":" in word:
            name, _, value = word[1:].partition(":")
            named[name] = value
        elif following and not following[0].startswith("-"):
            named[word[1:]] = following[0]
            position += 1
        else:
            named[word[1:]] = True
    return named, positional


def _ended(engine: Engine, console: TextConsole | XmlConsole, result: RunResult) -> int:
    """`exit n` gives n; a terminating error 1; a last statement that failed 1; a killed process whatever it was."""
    from agent.lab.powershell.engine import Outcome

    if result.outcome is Outcome.FAILED:
        if result.error is not None:
            console.error(result.error)
        return 1
    if result.outcome is Outcome.STOPPED:
        return STOPPED_CODE
    if result.exited:
        return result.exit_code
    return 0 if engine.ok else 1


def install(machine: Machine) -> None:
    """Put powershell.exe on a machine that was made before this module was imported."""
    machine.programs.setdefault("powershell", powershell)


PROGRAMS["powershell"] = powershell
