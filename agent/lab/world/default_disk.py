"""Owns the registry and the files of a default installation."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from agent.lab.world.files import Content, Entry
from agent.lab.world.metabase_file import render, size_of
from agent.lab.world.registry import Data, RegistryKey, image
from agent.lab.world.service import ServiceSpec, StartMode
from agent.lab.world.system import Role
from agent.lab.world.tree import Tree

DISK_BYTES = 8 * 1024**3
_INSTALLED = datetime(2009, 6, 1, 9, 30, tzinfo=UTC)
_NT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_POWERSHELL = r"SOFTWARE\Microsoft\PowerShell\1"
_SERVICES = r"SYSTEM\CurrentControlSet\Services"
_START = {StartMode.AUTOMATIC: 2, StartMode.MANUAL: 3, StartMode.DISABLED: 4}
_PROGRAMS = ("cmd", "hostname", "iisreset", "net", "net1", "sc", "taskkill", "whoami")
_WEB_CONFIG = b"""<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <appSettings>
    <add key="BlockLegacyMailboxes" value="false" />
  </appSettings>
</configuration>
"""


def sync_web_config(role: Role) -> str:
    """The file of a Client Access server that holds BlockLegacyMailboxes. domain 1.6"""
    home = r"C:\Program Files\Microsoft\Exchange Server" + ("" if role is Role.CAS2007 else r"\V14")
    return rf"{home}\ClientAccess\Sync\web.config"


def default_registry(role: Role, windows: str, specs: tuple[ServiceSpec, ...], build: int) -> dict[str, RegistryKey]:
    """The registry of a machine of this role; nothing in it names a machine."""
    versions = {
        Role.CAS2007: ("6.0", "6002", "Service Pack 2", "Windows Server (R) 2008 Standard"),
        Role.CAS2010: ("6.1", "7601", "Service Pack 1", "Windows Server 2008 R2 Standard"),
    }
    number, os_build, pack, product = versions.get(
        role, ("5.2", "3790", "Service Pack 2", "Microsoft Windows Server 2003")
    )
    keys: dict[str, Mapping[str, Data]] = {
        _NT: {
            "CurrentVersion": number,
            "CurrentBuildNumber": os_build,
            "CSDVersion": pack,
            "ProductName": product,
            "SystemRoot": windows,
        },
        _POWERSHELL: {"Install": 1},
        rf"{_POWERSHELL}\PowerShellEngine": {
            "PowerShellVersion": "2.0",
            "RuntimeVersion": "v2.0.50727",
            "ApplicationBase": rf"{windows}\system32\WindowsPowerShell\v1.0",
        },
        rf"{_POWERSHELL}\ShellIds\Microsoft.PowerShell": {"ExecutionPolicy": "RemoteSigned"},
        r"SOFTWARE\Microsoft\InetStp": {
            "MajorVersion": 6 if role.is_2003 else 7,
            "MinorVersion": {Role.CAS2010: 5}.get(role, 0),
        },
        r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName": {},
        **(_exchange_2003(build) if role.is_2003 else {}),
    }
    for spec in specs:
        keys[rf"{_SERVICES}\{spec.name}"] = {
            "DisplayName": spec.display,
            "ImagePath": spec.image,
            "ObjectName": spec.account,
            "Start": _START[spec.start_mode],
            "DependOnService": spec.depends_on,
        }
    return image(keys)


def _exchange_2003(build: int) -> dict[str, Mapping[str, Data]]:
    home = r"C:\Program Files\Exchsrvr"
    return {
        r"SOFTWARE\Microsoft\Exchange\Setup": {
            "Services": home,
            "NewestBuild": build,
            "ServicePackBuild": build,
            "ServicePackNumber": 2,
            "Services Version": 65,
        },
        rf"{_SERVICES}\MasSync\Parameters": {},
        rf"{_SERVICES}\MSExchangeWEB\OWA": {},
    }


def default_files(role: Role, windows: str, tree: Tree) -> dict[str, Entry]:
    """The files of a machine of this role."""
    files: dict[str, tuple[Content, int]] = {
        rf"{windows}\system32\inetsrv\MetaBase.xml": (partial(render, tree), size_of(tree)),
        rf"{windows}\system32\WindowsPowerShell\v1.0\powershell.exe": (bytes, 323_584),
        rf"{windows}\system32\inetsrv\inetinfo.exe": (bytes, 14_336),
        r"C:\Inetpub\wwwroot\iisstart.htm": (b"<html><head><title>Under Construction</title></head></html>\r\n", 61),
        **{rf"{windows}\system32\{name}.exe": (bytes, 32_768) for name in _PROGRAMS},
    }
    if not role.is_2003:
        files[sync_web_config(role)] = (_WEB_CONFIG, len(_WEB_CONFIG))
    entries: dict[str, Entry] = {}
    for path in _directories(role, windows):
        _add_directory(entries, path)
    for path, (content, size) in files.items():
        _add_directory(entries, ntpath.dirname(path))
        entries[path.lower()] = Entry(path, content, size, _INSTALLED, _INSTALLED)
    return entries


def _directories(role: Role, windows: str) -> tuple[str, ...]:
    exchange = (r"C:\Program Files\Exchsrvr\bin", r"C:\Program Files\Exchsrvr\OMA\Sync", r"C:\Documents and Settings")
    return (
        rf"{windows}\TEMP",
        rf"{windows}\system32\inetsrv\MetaBack",
        rf"{windows}\system32\inetsrv\History",
        rf"{windows}\system32\LogFiles\W3SVC1",
        *(exchange if role.is_2003 else (r"C:\Users",)),
    )


def _add_directory(entries: dict[str, Entry], path: str) -> None:
    path = path.rstrip("\\")
    if path and path.lower() not in entries:
        _add_directory(entries, ntpath.dirname(path) if "\\" in path else "")
        entries[path.lower()] = Entry(path, None, 0, _INSTALLED, _INSTALLED)
