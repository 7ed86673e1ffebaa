"""Owns System.Environment: facts of machine and process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bcl.versions import Version
from agent.lab.powershell.clr import ClrObject, ClrType, prop, register
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

TARGET = register_enum(EnumKind("System.EnvironmentVariableTarget", {"Process": 0, "User": 1, "Machine": 2}))
_CLR = "2.0.50727.3053"
_FOLDERS = {
    "system": "{windir}\\system32",
    "programfiles": "{programfiles}",
    "commonapplicationdata": "{allusersprofile}",
}


class OperatingSystemObject(ClrObject):
    """System.OperatingSystem."""

    TYPE = "System.OperatingSystem"

    def __init__(self, engine: Engine) -> None:
        """Of the session's machine."""
        self.os = engine.machine.os

    @prop("Platform")
    def platform(self) -> str:
        """Windows NT and its heirs."""
        return "Win32NT"

    @prop("ServicePack")
    def service_pack(self) -> str:
        """In words, empty without."""
        return f"Service Pack {self.os.service_pack}" if self.os.service_pack else ""

    @prop("Version")
    def version(self) -> Version:
        """With the service pack in the revision's upper half."""
        return Version(f"{self.os.version}.{self.os.service_pack * 65536}")

    @prop("VersionString")
    def version_string(self) -> str:
        """In words."""
        return f"Microsoft Windows NT {self.os.version} {self.service_pack()}".rstrip()

    def ps_string(self) -> str:
        """In words."""
        return self.version_string()


def _variable(engine: Engine, name: Any, target: Any = 0) -> str | None:
    key = engine.to_string(name)
    if int(engine.convert(target, TARGET.name)) == 0:
        return engine.environment.get(key.upper())
    return next((text for each, text in engine.machine.environment.items() if each.lower() == key.lower()), None)


def _set_variable(engine: Engine, name: Any, value: Any, target: Any = 0) -> None:
    if int(engine.convert(target, TARGET.name)) != 0:
        raise Refused("[Environment]::SetEnvironmentVariable for the machine or the user")
    key, text = engine.to_string(name).upper(), engine.to_string(value)
    if text:
        engine.environment[key] = text
    else:
        engine.environment.pop(key, None)


def _expand(engine: Engine, text: Any) -> str:
    def one(found: re.Match[str]) -> str:
        return engine.environment.get(found[1].upper(), found[0])

    return re.sub(r"%([^%]+)%", one, engine.to_string(text))


def _folder(engine: Engine, name: Any) -> str:
    pattern = _FOLDERS.get(engine.to_string(name).lower())
    if pattern is None:
        raise Refused(f"[Environment]::GetFolderPath({name})")
    return pattern.format(**{key.lower(): text for key, text in engine.environment.items() if key.isidentifier()})


def _exit(engine: Engine, code: Any = 0) -> None:
    raise Refused(f"[Environment]::Exit({code})")


register(
    ClrType(
        "System.Environment",
        static={
            "GetEnvironmentVariable": _variable,
            "SetEnvironmentVariable": _set_variable,
            "ExpandEnvironmentVariables": _expand,
            "GetFolderPath": _folder,
            "Exit": _exit,
        },
        constants={
            "CommandLine": lambda engine: engine.process.command_line,
            "CurrentDirectory": lambda engine: f"{engine.machine.os.windows_directory}\\system32",
            "ExitCode": lambda engine: 0,
            "HasShutdownStarted": lambda engine: not engine.machine.online,
            "MachineName": lambda engine: engine.machine.name,
            "NewLine": lambda engine: "\r\n",
            "OSVersion": OperatingSystemObject,
            "ProcessorCount": lambda engine: 2,
            "SystemDirectory": lambda engine: f"{engine.machine.os.windows_directory}\\system32",
            "TickCount": lambda engine: int(engine.machine.clock.monotonic() * 1000) % 2**31,
            "UserDomainName": lambda engine: engine.machine.accounts.netbios,
            "UserInteractive": lambda engine: False,
            "UserName": lambda engine: engine.user.rpartition("\\")[2],
            "Version": lambda engine: Version(_CLR),
        },
    )
)
