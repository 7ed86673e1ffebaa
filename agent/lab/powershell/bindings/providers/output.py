"""Owns Out-File, which `>` is too: the text of objects, in UTF-16 unless told otherwise."""

from __future__ import annotations

from agent.lab.powershell.binding import Flag
from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.encoding import NAMED
from agent.lab.powershell.bindings.providers.paths import place, report
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import CMDLETS, Cmdlet, Parameter
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import NOTHING, Invocation
from agent.lab.powershell.piping import feed
from agent.lab.powershell.resolution import stage

_PARAMETERS = (
    Parameter("FilePath", "String", 0, mandatory=True),
    Parameter("Encoding", "String", 1),
    Parameter("Append", "Switch"),
    Parameter("Force", "Switch"),
    Parameter("NoClobber", "Switch"),
    Parameter("Width", "Int32"),
    Parameter("InputObject", "Object", by_value=True),
    *CONFIRM,
)


def _gather(invocation: Invocation) -> None:
    held = invocation["InputObject"] if invocation.input is NOTHING else invocation.input
    if held is not None:
        invocation.state.setdefault("items", []).append(held)


def _store(invocation: Invocation) -> None:
    name = str(invocation["Encoding"] or "unicode").lower()
    if name not in NAMED:
        raise ClrError(f"The encoding '{name}' is not valid.", "System.ArgumentException")
    codec, mark = NAMED[name]
    path = str(invocation["FilePath"])
    try:
        found = place(invocation.engine, path)
        if found.provider.name != "FileSystem":
            raise Refused(f"Out-File to {path}")
        disk = Disk(invocation.engine)
        exists = disk.is_file(found.path)
        if exists and invocation.switch("NoClobber"):
            raise ClrError(f"The file '{found.path}' already exists.", "System.IO.IOException")
        if not proceed(invocation, "Output to File", found.path):
            return
        appended = exists and invocation.switch("Append")
        content = (b"" if appended else mark) + "".join(_lines(invocation)).encode(codec, "replace")
        (disk.append if appended else disk.write)(found.path, content)
    except ClrError as error:
        report(invocation, error, path)


def _lines(invocation: Invocation) -> list[str]:
    items = invocation.state.get("items", [])
    if all(isinstance(each, str) for each in items):
        return [f"{each}\r\n" for each in items]
    lines: list[str] = []
    flags = [Flag("Stream"), *([Flag("Width", invocation["Width"])] if invocation["Width"] else [])]
    feed(stage(invocation.context, "Out-String", flags, lambda line: lines.append(f"{line}\r\n")), items)
    return lines


CMDLETS["out-file"] = Cmdlet("Out-File", _PARAMETERS, _gather, end=_store)
