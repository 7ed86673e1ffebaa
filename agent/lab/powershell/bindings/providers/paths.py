"""Owns PowerShell paths: which provider a path belongs to, the current location, wildcards."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from agent.lab.powershell.bindings.wildcard import fits, has_wildcard
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.powershell.invocation import Invocation

_PREFIX = re.compile(r"^(?:Microsoft\.PowerShell\.Core\\)?(FileSystem|Registry|Environment)::(.*)$", re.IGNORECASE)
_DRIVE = re.compile(r"^([A-Za-z_][\w-]*):(.*)$", re.DOTALL)
_NOT_MADE = ("hkcu", "cert", "wsman", "alias", "function", "variable", "hkcr", "hku")
_SESSION = "System.Management.Automation."


class Provider(Protocol):
    """What a provider does with full paths of its own form."""

    name: str

    def exists(self, engine: Engine, path: str) -> bool:
        """Whether there is an item."""

    def is_container(self, engine: Engine, path: str) -> bool:
        """Whether the item may have children."""

    def item(self, engine: Engine, path: str, text: str | None = None) -> Any:
        """The item's object."""

    def children(self, engine: Engine, path: str) -> list[str]:
        """Full paths of the children."""

    def create(self, engine: Engine, path: str, kind: str, value: Any, force: bool) -> Any:
        """Make an item; its object."""

    def remove(self, engine: Engine, path: str) -> None:
        """Delete an item with all below it."""


PROVIDERS: dict[str, Provider] = {}
DRIVES: dict[str, str] = {"c": "FileSystem", "hklm": "Registry", "env": "Environment"}


@dataclass(frozen=True, slots=True)
class Place:
    """A provider and a full path: `C:\\x`, `HKLM:\\SOFTWARE`, `Env:PATH`."""

    provider: Provider
    path: str

    @property
    def parent(self) -> str:
        """The path above; of a drive's root, nothing."""
        above = ntpath.dirname(self.path)
        return "" if above == self.path else above

    @property
    def leaf(self) -> str:
        """The last part."""
        return ntpath.basename(self.path) or self.path


def place(engine: Engine, text: Any) -> Place:
    """The provider and the full path a text names; DriveNotFoundException for a drive that is not there."""
    given = engine.to_string(text).replace("/", "\\")
    found = _PREFIX.match(given)
    if found:
        return _prefixed(found.group(1).lower(), found.group(2))
    if given.startswith("\\\\"):  # another machine's share needs the second hop. domain 6.6
        raise Refused(f"the UNC path {given}")
    if not _DRIVE.match(given):
        drive, _, current = engine.location.partition(":")
        given = f"{drive}:{given}" if given.startswith("\\") else f"{drive}:{current}\\{given}"
    drive, _, rest = given.partition(":")
    return _on_drive(drive, rest)


def _prefixed(provider: str, path: str) -> Place:
    if provider == "registry":
        hive, _, rest = path.partition("\\")
        if hive.upper() not in ("HKEY_LOCAL_MACHINE", "HKLM"):
            raise Refused(f"the registry hive {hive}")
        return _on_drive("HKLM", "\\" + rest)
    if provider == "environment":
        return _on_drive("env", path)
    drive, _, rest = path.partition(":")
    return _on_drive(drive, rest)


def _on_drive(drive: str, rest: str) -> Place:
    low = drive.lower()
    if low in _NOT_MADE:
        raise Refused(f"the drive {drive}:")
    if low not in DRIVES:
        raise ClrError(
            f"Cannot find drive. A drive with the name '{drive}' does not exist.",
            _SESSION + "DriveNotFoundException",
            bases=(_SESSION + "SessionStateException", _SESSION + "RuntimeException"),
        )
    provider = PROVIDERS[DRIVES[low]]
    name = {"env": "Env", "hklm": "HKLM"}.get(low, drive.upper())
    if low == "env":
        return Place(provider, f"Env:{rest.strip(chr(92))}")
    return Place(provider, ntpath.normpath(f"{name}:\\{rest.lstrip(chr(92))}"))


def expand(engine: Engine, text: Any) -> list[Place]:
    """The existing items a path names; without wildcards the path itself, whether it exists or not."""
    wanted = place(engine, text)
    if not has_wildcard(wanted.path):
        return [wanted]
    found = [wanted.path.split("\\")[0] + "\\"]
    for part in wanted.path.split("\\")[1:]:
        found = [each for above in found for each in _step(engine, wanted.provider, above, part)]
    return [Place(wanted.provider, each) for each in found]


def _step(engine: Engine, provider: Provider, above: str, part: str) -> Iterable[str]:
    if not has_wildcard(part):
        below = ntpath.join(above, part)
        return [below] if provider.exists(engine, below) else []
    if not provider.is_container(engine, above):
        return []
    return [each for each in provider.children(engine, above) if fits(part, ntpath.basename(each))]


def not_found(path: str) -> ClrError:
    """ItemNotFoundException."""
    return ClrError(
        f"Cannot find path '{path}' because it does not exist.",
        _SESSION + "ItemNotFoundException",
        bases=(_SESSION + "SessionStateException", _SESSION + "RuntimeException"),
    )


def command_id(invocation: Invocation) -> str:
    """The class part of FullyQualifiedErrorId."""
    return f"Microsoft.PowerShell.Commands.{invocation.name.replace('-', '')}Command"


def given_paths(invocation: Invocation) -> list[tuple[str, bool]]:
    """-Path (wildcards) and -LiteralPath; a piped item gives its own path."""
    if isinstance(invocation.input, ClrObject) and not invocation["LiteralPath"]:
        try:
            return [(str(invocation.input.ps_get("PSPath")), True)]
        except MissingMember:
            return [(invocation.engine.to_string(invocation.input), False)]
    literal = [(str(each), True) for each in _several(invocation["LiteralPath"])]
    return literal or [(str(each), False) for each in _several(invocation["Path"])]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def each_place(invocation: Invocation, act: Callable[[Place], None], *, must_exist: bool = True) -> None:
    """Do something with each item named; what is not there is a non-terminating error."""
    engine = invocation.engine
    for text, literal in given_paths(invocation):
        try:
            found = [place(engine, text)] if literal else expand(engine, text)
            for each in found:
                if must_exist and not each.provider.exists(engine, each.path):
                    missing = not_found(each.path)
                    invocation.error(missing, f"PathNotFound,{command_id(invocation)}", "ObjectNotFound", each.path)
                else:
                    act(each)
        except ClrError as error:
            report(invocation, error, text)


_CATEGORIES = {
    _SESSION + "DriveNotFoundException": ("DriveNotFound", "ObjectNotFound"),
    "System.UnauthorizedAccessException": ("{0}UnauthorizedAccessError", "PermissionDenied"),
    "System.Security.SecurityException": ("System.Security.SecurityException", "PermissionDenied"),
    "System.IO.IOException": ("{0}IOError", "WriteError"),
    _SESSION + "PSArgumentException": (_SESSION + "PSArgumentException", "InvalidArgument"),
}
_VERBS = {
    "Get-Content": "GetContentReader",
    "Set-Content": "GetContentWriter",
    "Add-Content": "GetContentWriter",
    "New-Item": "NewItem",
    "Remove-Item": "RemoveItem",
    "Copy-Item": "CopyFileInfoItem",
}


def report(invocation: Invocation, error: ClrError, target: Any) -> None:
    """A provider's exception as a non-terminating error of the cmdlet."""
    chain = (error.type_name, *error.bases)
    error_id, category = next(
        (_CATEGORIES[each] for each in chain if each in _CATEGORIES), (error.type_name, "NotSpecified")
    )
    verb = _VERBS.get(invocation.name, invocation.name.replace("-", ""))
    invocation.error(error, f"{error_id.format(verb)},{command_id(invocation)}", category, target)
