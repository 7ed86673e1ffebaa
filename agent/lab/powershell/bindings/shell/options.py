"""Owns the command line of powershell.exe 2.0. [powershell.exe -Help; CommandLineParameterParser]"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

# Parameter -> the shortest form that is understood.
_SWITCHES = {
    "help": "h",
    "?": "?",
    "nologo": "nol",
    "noexit": "noe",
    "noprofile": "nop",
    "noninteractive": "noni",
    "sta": "s",
}
_VALUES = {
    "command": "c",
    "file": "f",
    "encodedcommand": "e",
    "executionpolicy": "ex",
    "ep": "ep",
    "outputformat": "o",
    "inputformat": "i",
    "version": "v",
    "psconsolefile": "p",
    "windowstyle": "w",
    "configurationname": "config",
}
_POLICIES = ("restricted", "allsigned", "remotesigned", "unrestricted", "bypass")


class UsageError(Exception):
    """The command line is wrong; powershell.exe says so on standard error and ends with -196608 or 1."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code


@dataclass(slots=True)
class Options:
    """What the command line asks for."""

    command: str | None = None
    reads_stdin: bool = False
    file: str | None = None
    arguments: list[str] = field(default_factory=list)
    encoded: bool = False
    policy: str | None = None
    xml: bool = False
    format_given: bool = False
    switches: set[str] = field(default_factory=set)

    @property
    def xml_errors(self) -> bool:
        """Standard error is CLIXML with -OutputFormat XML, and by default after -EncodedCommand."""
        return self.xml or (self.encoded and not self.format_given)


def parse(arguments: list[str]) -> Options:
    """Read the command line; what is no parameter begins the command."""
    options, position = Options(), 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        if word[:1] not in ("-", "/") or word in ("-", "/"):
            _command(options, arguments[position - 1 :])
            break
        name = _name(word[1:].lower())
        if name in _SWITCHES:
            options.switches.add(name)
            continue
        if name == "":
            _command(options, arguments[position - 1 :])
            break
        if name == "command":
            _command(options, arguments[position:])
            break
        if name == "file":
            options.file, options.arguments = _value(name, arguments, position), arguments[position + 1 :]
            break
        _apply(options, name, _value(name, arguments, position))
        position += 1
    return options


def _name(word: str) -> str:
    for table in (_SWITCHES, _VALUES):
        for name, shortest in table.items():
            if name.startswith(word) and word.startswith(shortest):
                return "executionpolicy" if name == "ep" else name
    return "encodedcommand" if word == "ec" else ""


def _value(name: str, arguments: list[str], position: int) -> str:
    if position >= len(arguments):
        raise UsageError(
            f"Cannot process the command because of a missing parameter. A value must follow -{name}.", -196608
        )
    return arguments[position]


def _command(options: Options, words: list[str]) -> None:
    if words == ["-"]:
        options.reads_stdin = True
        return
    if not words:
        raise UsageError("Cannot process the command because of a missing parameter. A command must follow -Command.")
    options.command = " ".join(words)


def _apply(options: Options, name: str, value: str) -> None:
    match name:
        case "encodedcommand":
            options.command, options.encoded = _decoded(value), True
        case "executionpolicy":
            if value.lower() not in _POLICIES:
                raise UsageError(f"Invalid ExecutionPolicy value '{value}'.")
            options.policy = value.lower()
        case "outputformat":
            if not "xml".startswith(value.lower()) and not "text".startswith(value.lower()):
                raise UsageError(f"Invalid value '{value}' for -OutputFormat: specify Text or XML.")
            options.xml, options.format_given = value.lower().startswith("x"), True
        case "inputformat" if value.lower() == "xml":
            raise UsageError("-InputFormat XML is not in the practice lab.")
        case "version" if value.partition(".")[0] not in ("1", "2"):
            raise UsageError(f"Cannot start Windows PowerShell version {value} because it is not installed.", -393216)
        case "psconsolefile" | "configurationname":
            raise UsageError(f"-{name} is not in the practice lab.")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise UsageError(
            "Cannot process the command because the value specified with -EncodedCommand is not properly encoded. The "
            "value must be Base64 encoded.",
            -196608,
        ) from None
