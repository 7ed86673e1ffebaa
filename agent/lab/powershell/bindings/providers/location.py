"""Owns the cmdlets of paths and of the current location: Join-Path, Split-Path, Resolve-Path, Set-Location ..."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.bindings.providers.items import LITERAL, PATH
from agent.lab.powershell.bindings.providers.paths import DRIVES, each_place, expand, given_paths, not_found, place
from agent.lab.powershell.clr import ClrError, ClrObject, prop
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation

_ROOTS = {"c": "C:\\", "hklm": "HKEY_LOCAL_MACHINE", "env": ""}


class PathInfo(ClrObject):
    """What Get-Location and Resolve-Path give."""

    TYPE = "System.Management.Automation.PathInfo"

    def __init__(self, path: str, provider: str = "FileSystem") -> None:
        """A full path."""
        self.text, self.provider_name = path, provider

    @prop("Drive")
    def drive(self) -> str:
        """The drive's name."""
        return self.text.partition(":")[0]

    @prop("Provider")
    def provider(self) -> str:
        """The provider."""
        return f"Microsoft.PowerShell.Core\\{self.provider_name}"

    @prop("ProviderPath")
    def provider_path(self) -> str:
        """The path in the provider's own words."""
        return self.text

    @prop("Path")
    def path(self) -> str:
        """The path."""
        return self.text

    def ps_string(self) -> str:
        """The path."""
        return self.text


@cmdlet(
    "Join-Path",
    (
        Parameter("Path", "String[]", 0, mandatory=True, by_value=True, by_property=True, aliases=("PSPath",)),
        Parameter("ChildPath", "String", 1, mandatory=True, by_property=True),
        Parameter("Resolve", "Switch"),
        Parameter("Credential", "Object"),
    ),
)
def join_path(invocation: Invocation) -> None:
    """Path and child with one backslash between; 2.0 wants the drive to exist."""
    if invocation.switch("Resolve"):
        raise Refused("Join-Path -Resolve")
    for above in invocation["Path"]:
        first = str(above).replace("/", "\\")
        if ":" in first and "::" not in first:
            place(invocation.engine, first)
        second = str(invocation["ChildPath"]).replace("/", "\\").lstrip("\\")
        invocation.write(first + second if first.endswith("\\") else f"{first}\\{second}")


@cmdlet(
    "Split-Path",
    (
        PATH,
        LITERAL,
        Parameter("Parent", "Switch"),
        Parameter("Leaf", "Switch"),
        Parameter("Qualifier", "Switch"),
        Parameter("NoQualifier", "Switch"),
        Parameter("IsAbsolute", "Switch"),
        Parameter("Resolve", "Switch"),
        Parameter("Credential", "Object"),
    ),
)
def split_path(invocation: Invocation) -> None:
    """A part of a path's text; the parent unless another is asked for."""
    if invocation.switch("Resolve"):
        raise Refused("Split-Path -Resolve")
    for text, _ in given_paths(invocation):
        invocation.write(_part(invocation, text.replace("/", "\\")))


def _part(invocation: Invocation, text: str) -> Any:
    drive, colon, rest = text.partition(":")
    if invocation.switch("IsAbsolute"):
        return bool(colon)
    if invocation.switch("Qualifier"):
        if not colon:
            raise ClrError(
                f"Cannot parse path because path '{text}' does not have a qualifier specified.",
                "System.FormatException",
            )
        return drive + colon
    if invocation.switch("NoQualifier"):
        return rest if colon else text
    stripped = text.rstrip("\\")
    above, separator, leaf = stripped.rpartition("\\")
    if invocation.switch("Leaf"):
        return leaf if separator or not colon else text
    if not separator:
        return ""
    return above + "\\" if above.endswith(":") else above


@cmdlet(
    "Resolve-Path",
    (PATH, LITERAL, Parameter("Relative", "Switch"), Parameter("Credential", "Object")),
    aliases=("rvpa",),
)
def resolve_path(invocation: Invocation) -> None:
    """The full paths of existing items."""
    if invocation.switch("Relative"):
        raise Refused("Resolve-Path -Relative")
    each_place(invocation, lambda found: invocation.write(PathInfo(found.path, found.provider.name)))


@cmdlet("Convert-Path", (PATH, LITERAL), aliases=("cvpa",))
def convert_path(invocation: Invocation) -> None:
    """The paths in the provider's own words."""

    def convert(found: Any) -> None:
        own = found.path
        if found.provider.name == "Registry":
            own = "HKEY_LOCAL_MACHINE\\" + found.path.partition(":")[2].strip("\\")
        invocation.write(own)

    each_place(invocation, convert)


@cmdlet(
    "Get-Location",
    (
        Parameter("PSProvider", "String[]"),
        Parameter("PSDrive", "String[]"),
        Parameter("Stack", "Switch"),
        Parameter("StackName", "String[]"),
    ),
    aliases=("gl", "pwd"),
)
def get_location(invocation: Invocation) -> None:
    """Where the session is."""
    for refused in ("PSProvider", "PSDrive", "Stack", "StackName"):
        if refused in invocation:
            raise Refused(f"Get-Location -{refused}")
    found = place(invocation.engine, invocation.engine.location)
    invocation.write(PathInfo(found.path, found.provider.name))


_MOVE = (
    Parameter("Path", "String", 0, by_value=True, by_property=True),
    Parameter("LiteralPath", "String", by_property=True, aliases=("PSPath",)),
    Parameter("PassThru", "Switch"),
)


def _go(invocation: Invocation) -> None:
    given = invocation["LiteralPath"] or invocation["Path"]
    if given is None:
        return
    found = expand(invocation.engine, given)
    for each in found[:1]:
        if not each.provider.is_container(invocation.engine, each.path):
            error = not_found(each.path)
            invocation.error(
                error, "PathNotFound,Microsoft.PowerShell.Commands.SetLocationCommand", "ObjectNotFound", each.path
            )
            return
        invocation.engine.location = each.path
        if invocation.switch("PassThru"):
            invocation.write(PathInfo(each.path, each.provider.name))


@cmdlet("Set-Location", _MOVE, aliases=("sl", "cd", "chdir"))
def set_location(invocation: Invocation) -> None:
    """Go elsewhere."""
    _go(invocation)


@cmdlet("Push-Location", _MOVE, aliases=("pushd",))
def push_location(invocation: Invocation) -> None:
    """Go elsewhere and remember where this was."""
    _stack(invocation).append(invocation.engine.location)
    _go(invocation)


@cmdlet("Pop-Location", (Parameter("PassThru", "Switch"),), aliases=("popd",))
def pop_location(invocation: Invocation) -> None:
    """Go back to where the last Push-Location was."""
    stack = _stack(invocation)
    if stack:
        invocation.engine.location = stack.pop()


def _stack(invocation: Invocation) -> list[str]:
    held: list[str] = invocation.engine.__dict__.setdefault("location_stack", [])
    return held


class DriveInfo(ClrObject):
    """What Get-PSDrive gives."""

    TYPE = "System.Management.Automation.PSDriveInfo"

    def __init__(self, name: str, provider: str, root: str, free: int | None) -> None:
        """A drive."""
        self.text, self.provider_name, self.root_text, self.free_bytes = name, provider, root, free

    @prop("Name")
    def name(self) -> str:
        """The drive's name."""
        return self.text

    @prop("Provider")
    def provider(self) -> str:
        """The provider."""
        return f"Microsoft.PowerShell.Core\\{self.provider_name}"

    @prop("Root")
    def root(self) -> str:
        """The root."""
        return self.root_text

    @prop("Free")
    def free(self) -> int | None:
        """Free bytes of a disk."""
        return self.free_bytes

    def ps_string(self) -> str:
        """The name."""
        return self.text


@cmdlet(
    "Get-PSDrive",
    (Parameter("Name", "String[]", 0), Parameter("PSProvider", "String[]"), Parameter("Scope", "String")),
    aliases=("gdr",),
)
def get_ps_drive(invocation: Invocation) -> None:
    """The drives the lab has."""
    wanted = [str(each).lower() for each in invocation["Name"] or ()]
    for low, provider in DRIVES.items():
        if not wanted or low in wanted:
            free = invocation.engine.machine.files.free_bytes if low == "c" else None
            name = {"env": "Env", "hklm": "HKLM"}.get(low, low.upper())
            invocation.write(DriveInfo(name, provider, _ROOTS[low], free))
    for missing in (each for each in wanted if each not in DRIVES):
        error = ClrError(
            f"Cannot find drive. A drive with the name '{missing}' does not exist.",
            "System.Management.Automation.DriveNotFoundException",
        )
        invocation.error(
            error,
            "GetLocationNoMatchingDrive,Microsoft.PowerShell.Commands.GetPSDriveCommand",
            "ObjectNotFound",
            missing,
        )
