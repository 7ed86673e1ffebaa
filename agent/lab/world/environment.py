"""Owns the environment variables of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine


def environment(machine: Machine, user: str | None = None) -> dict[str, str]:
    """What a process of the user (of the system by default) sees; names as Windows spells them."""
    windows = machine.os.windows_directory
    name = (user or f"{machine.name}$").rpartition("\\")[2]
    home = rf"C:\Documents and Settings\{name}" if machine.role.is_2003 else rf"C:\Users\{name}"
    return {
        "ALLUSERSPROFILE": r"C:\Documents and Settings\All Users" if machine.role.is_2003 else r"C:\ProgramData",
        "COMPUTERNAME": machine.name,
        "ComSpec": rf"{windows}\system32\cmd.exe",
        "NUMBER_OF_PROCESSORS": "2",
        "OS": "Windows_NT",
        "Path": rf"{windows}\system32;{windows};{windows}\System32\Wbem;{windows}\system32\WindowsPowerShell\v1.0",
        "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.PSC1",
        "PROCESSOR_ARCHITECTURE": "x86" if machine.role.is_2003 else "AMD64",
        "ProgramFiles": r"C:\Program Files",
        "SystemDrive": "C:",
        "SystemRoot": windows,
        "TEMP": rf"{windows}\TEMP",
        "TMP": rf"{windows}\TEMP",
        "USERDNSDOMAIN": machine.forest.dns.upper(),
        "USERDOMAIN": machine.forest.netbios,
        "USERNAME": name,
        "USERPROFILE": home,
        "windir": windows,
    }
