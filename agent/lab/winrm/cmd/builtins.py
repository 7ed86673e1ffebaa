"""Owns the commands that are inside cmd.exe; those the lab leaves out say so instead of being "not recognized"."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.lab.winrm.cmd.interpreter import CODE_PAGE, ExitLine, Streams
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.winrm.cmd.interpreter import Interpreter

# The exit code; None is success that leaves %ERRORLEVEL% as it was.
Builtin = Callable[["Interpreter", str, Streams], "int | None"]
_NAME = re.compile(r"\s*([A-Za-z]+)(?=[\s.:;,=/\\(\"+\[\]]|$)(.*)\Z", re.DOTALL)


def find_builtin(text: str) -> tuple[Builtin, str] | None:
    """The built-in command a text begins with, and the rest of the text."""
    found = _NAME.match(text)
    if not found:
        return None
    name = found[1].lower()
    if name in _BUILTINS and not found[2].lower().startswith(".exe"):
        return _BUILTINS[name], found[2]
    return (_left_out(name), found[2]) if name in _LEFT_OUT else None


def _left_out(name: str) -> Builtin:
    def refuse(shell: Interpreter, rest: str, streams: Streams) -> int | None:
        shell.write(streams.stderr, f"The practice lab's cmd.exe does not do '{name}'.")
        return 1

    return refuse


def _echo(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    text = rest[1:] if rest else ""
    if not rest.strip() or text.strip().lower() in ("on", "off"):
        if not rest.strip():
            shell.write(streams.stdout, "ECHO is on.")
        return None
    shell.write(streams.stdout, text)
    return None


def _ver(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    shell.write(streams.stdout, "")
    shell.write(streams.stdout, f"Microsoft Windows [Version {shell.machine.os.version}]")
    return 0


def _set(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    name, equals, value = rest.strip().strip('"').partition("=")
    if name.startswith("/"):
        return _left_out("set /")(shell, rest, streams)
    if equals:
        shell.variables.set(name, value)
        return None
    shown = list(shell.variables.starting_with(name))
    for each, content in shown:
        shell.write(streams.stdout, f"{each}={content}")
    if not shown:
        shell.write(streams.stderr, f"Environment variable {name} not defined")
    return None if shown else 1


def _cd(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    target = re.sub(r"\A\s*/d\b", "", rest, flags=re.IGNORECASE).strip()
    if not target:
        shell.write(streams.stdout, shell.directory)
        return None
    path = shell.path(target)
    if not shell.machine.files.is_directory(path):
        raise WorldError(ErrorKind.PATH_NOT_FOUND, path)
    shell.directory = path
    return None


def _type(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    names = re.findall(r'"[^"]*"|\S+', rest)
    if not names:
        shell.write(streams.stderr, "The syntax of the command is incorrect.")
        return 1
    for name in names:
        streams.stdout(shell.machine.files.read(shell.path(name)))
    return 0


def _delete(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    names = [name for name in re.findall(r'"[^"]*"|\S+', rest) if not name.startswith("/")]
    for name in names:
        path = shell.path(name)
        if shell.machine.files.exists(path):
            shell.machine.files.delete(path)
        else:  # cmd.exe does not count this as a failure
            shell.write(streams.stderr, f"Could Not Find {path}")
    return 0


def _mkdir(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    for name in re.findall(r'"[^"]*"|\S+', rest):
        path = shell.path(name)
        if shell.machine.files.exists(path):
            shell.write(streams.stderr, f"A subdirectory or file {ntpath.basename(path)} already exists.")
            return 1
        shell.machine.files.mkdir(path)
    return 0


def _exit(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    code = re.sub(r"\A\s*/b\b", "", rest, flags=re.IGNORECASE).strip()
    raise ExitLine(int(code) if re.fullmatch(r"-?\d+", code) else shell.errorlevel)


def _rem(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    return None


def _call(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    shell.variables.made_up["ERRORLEVEL"] = str(shell.errorlevel)
    return shell.simple(shell.variables.expand(rest), streams)


def _chcp(shell: Interpreter, rest: str, streams: Streams) -> int | None:
    if rest.strip():
        return _left_out("chcp with a number")(shell, rest, streams)
    shell.write(streams.stdout, f"Active code page: {CODE_PAGE.removeprefix('cp')}")
    return 0


_BUILTINS: dict[str, Builtin] = {
    "call": _call,
    "cd": _cd,
    "chcp": _chcp,
    "chdir": _cd,
    "del": _delete,
    "echo": _echo,
    "erase": _delete,
    "exit": _exit,
    "md": _mkdir,
    "mkdir": _mkdir,
    "rem": _rem,
    "set": _set,
    "type": _type,
    "ver": _ver,
}
# fmt: off
_LEFT_OUT = frozenset({
    "assoc", "break", "cls", "color", "copy", "date", "dir", "endlocal", "for", "ftype", "goto", "mklink", "move",
    "path", "pause", "popd", "prompt", "pushd", "rd", "ren", "rename", "rmdir", "setlocal", "shift", "start", "time",
    "title", "verify", "vol",
})
# fmt: on
