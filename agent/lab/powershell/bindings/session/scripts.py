"""Owns script files: whether the execution policy lets one run, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.encoding import decode_named
from agent.lab.powershell.bindings.providers.paths import place
from agent.lab.powershell.bindings.session.culture import machine_policy
from agent.lab.powershell.clr import ClrError

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_REFUSING = ("restricted", "allsigned")  # the lab's scripts carry no signature
_RUNTIME = "System.Management.Automation.RuntimeException"


def script_text(engine: Engine, path: str) -> str:
    """The text of a .ps1 file; PSSecurityException where the policy forbids it."""
    found = place(engine, path)
    disk = Disk(engine)
    if found.provider.name != "FileSystem" or not disk.is_file(found.path):
        raise ClrError(
            f"The term '{path}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
            "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            "System.Management.Automation.CommandNotFoundException",
            bases=(_RUNTIME,),
        )
    if (engine.policy or machine_policy(engine)).lower() in _REFUSING:
        raise ClrError(
            f"File {found.path} cannot be loaded because the execution of scripts is disabled on this system. Please "
            'see "get-help about_signing" for more details.',
            "System.Management.Automation.PSSecurityException",
            bases=(_RUNTIME,),
        )
    return decode_named(disk.read(found.path), None)
