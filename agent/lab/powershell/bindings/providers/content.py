"""Owns Get-Content, Set-Content, Add-Content, Clear-Content: lines in, lines out, with 2.0's encodings.

Set-Content and Add-Content write the ANSI code page unless told otherwise. [documentation of PowerShell 2.0]
"""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.encoding import NAMED, bytes_of, decode_named
from agent.lab.powershell.bindings.providers.items import FILTERS, LITERAL, PATH
from agent.lab.powershell.bindings.providers.paths import Place, each_place
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import CMDLETS, Cmdlet, Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import NOTHING, Invocation
from agent.lab.powershell.values import byte_array

_ENCODING = Parameter("Encoding", "String")


@cmdlet(
    "Get-Content",
    (
        PATH,
        LITERAL,
        *FILTERS,
        _ENCODING,
        Parameter("TotalCount", "Int64"),
        Parameter("ReadCount", "Int64"),
        Parameter("Delimiter", "String"),
        Parameter("Wait", "Switch"),
    ),
    aliases=("gc", "cat", "type"),
)
def get_content(invocation: Invocation) -> None:
    """The lines of a file, each as a string."""
    for refused in ("Delimiter", "Wait"):
        if refused in invocation:
            raise Refused(f"Get-Content -{refused}")
    each_place(invocation, lambda found: _read(invocation, found))


def _read(invocation: Invocation, found: Place) -> None:
    if found.provider.name == "Environment":
        invocation.write(found.provider.item(invocation.engine, found.path).value())
        return
    if found.provider.name != "FileSystem":
        raise ClrError(
            "Cannot use interface. The IContentCmdletProvider interface is not supported by this provider.",
            "System.Management.Automation.PSNotSupportedException",
            bases=("System.NotSupportedException",),
        )
    content = _bytes(invocation, found)
    name = str(invocation["Encoding"] or "").lower()
    if name == "byte":
        items: list[Any] = list(byte_array(content))
    else:
        items = decode_named(content, name or None).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        items = items[:-1] if items[-1] == "" else items
    count = invocation["TotalCount"]
    _deliver(invocation, items if count is None or int(count) < 0 else items[: int(count)])


def _deliver(invocation: Invocation, items: list[Any]) -> None:
    """-ReadCount 0 gives all lines as one array, n as arrays of n."""
    size = invocation["ReadCount"]
    if size is None or int(size) == 1:
        invocation.write_all(items)
        return
    step = int(size) or max(1, len(items))
    for start in range(0, len(items), step):
        invocation.write(items[start : start + step])


def _bytes(invocation: Invocation, found: Place) -> bytes:
    disk = Disk(invocation.engine)
    if disk.is_directory(found.path):
        raise ClrError(f"Access to the path '{found.path}' is denied.", "System.UnauthorizedAccessException")
    return disk.read(found.path)


def _write_parameters() -> tuple[Parameter, ...]:
    value = Parameter("Value", "Object[]", 1, mandatory=True, by_value=True, by_property=True)
    path = Parameter("Path", "String[]", 0, by_property=True)
    return (path, LITERAL, value, *FILTERS, _ENCODING, Parameter("PassThru", "Switch"), *CONFIRM)


def _gather(invocation: Invocation) -> None:
    value = invocation["Value"] if invocation.input is NOTHING else [invocation.input]
    invocation.state.setdefault("lines", []).extend(value if isinstance(value, list) else [value])


def _text(invocation: Invocation, existing: bool) -> bytes:
    lines = invocation.state.get("lines", [])
    name = str(invocation["Encoding"] or "default").lower()
    if name == "byte":
        return bytes_of(lines)
    if name not in NAMED:
        raise ClrError(
            f"Cannot bind parameter 'Encoding'. Cannot convert value \"{invocation['Encoding']}\" to type "
            '"Microsoft.PowerShell.Commands.FileSystemCmdletProviderEncoding".',
            "System.Management.Automation.ParameterBindingException",
        )
    codec, mark = NAMED[name]
    text = "".join(f"{invocation.engine.to_string(line)}\r\n" for line in lines)
    return (b"" if existing else mark) + text.encode(codec, "replace")


def _paths(invocation: Invocation) -> list[str]:
    named = invocation["LiteralPath"] or invocation["Path"] or ()
    return [str(each) for each in (named if isinstance(named, list) else [named])]


def _store(invocation: Invocation, *, append: bool) -> None:
    if invocation.input is NOTHING and not _paths(invocation):
        raise ClrError(
            "Cannot bind argument to parameter 'Path' because it is null.",
            "System.Management.Automation.ParameterBindingException",
        )
    invocation.input = NOTHING
    each_place(invocation, lambda found: _save(invocation, found, append), must_exist=False)


def _save(invocation: Invocation, found: Place, append: bool) -> None:
    if found.provider.name == "Environment":
        lines = invocation.state.get("lines", [])
        found.provider.create(invocation.engine, found.path, "", invocation.engine.to_string(lines), True)
        return
    if found.provider.name != "FileSystem":
        raise Refused(f"{invocation.name} of {found.path}")
    disk = Disk(invocation.engine)
    content = _text(invocation, append and disk.is_file(found.path))
    if not proceed(invocation, "Set Content", f"Path: {found.path}"):
        return
    (disk.append if append else disk.write)(found.path, content)
    if invocation.switch("PassThru"):
        invocation.write_all(invocation.state.get("lines", []))


for _name, _append, _aliases in (("Set-Content", False, ("sc",)), ("Add-Content", True, ("ac",))):
    cmdlet(_name, _write_parameters(), aliases=_aliases)(_gather)
    CMDLETS[_name.lower()] = Cmdlet(
        _name,
        _write_parameters(),
        _gather,
        end=lambda invocation: _store(invocation, append=invocation.name == "Add-Content"),
    )


@cmdlet("Clear-Content", (PATH, LITERAL, *FILTERS, *CONFIRM), aliases=("clc",))
def clear_content(invocation: Invocation) -> None:
    """Empty a file."""

    def clear(found: Place) -> None:
        if found.provider.name != "FileSystem":
            raise Refused(f"Clear-Content of {found.path}")
        if proceed(invocation, "Clear Content", found.path):
            Disk(invocation.engine).write(found.path, b"")

    each_place(invocation, clear)
