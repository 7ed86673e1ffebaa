"""Owns the automatic variables that are the same in every session or made when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bcl.arrays import ArrayList
from agent.lab.powershell.bcl.versions import Version
from agent.lab.powershell.scope import MISSING, Scope
from agent.lab.powershell.values import Hashtable

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

PS_HOME = r"C:\WINDOWS\system32\WindowsPowerShell\v1.0"


def fill(scope: Scope, engine: Engine) -> None:
    """Give a new session's global scope its variables (about_Automatic_Variables, about_Preference_Variables)."""
    scope.values.update(
        {
            "error": ArrayList(),
            "erroractionpreference": "Continue",
            "warningpreference": "Continue",
            "verbosepreference": "SilentlyContinue",
            "debugpreference": "SilentlyContinue",
            "progresspreference": "Continue",
            "confirmpreference": "High",
            "whatifpreference": False,
            "pid": engine.process.pid,
            "shellid": "Microsoft.PowerShell",
            "pshome": PS_HOME,
            "maximumerrorcount": 256,
            "formatenumerationlimit": 4,
            "nestedpromptlevel": 0,
            "profile": "",
            "stacktrace": "",
            "consolefilename": "",
        }
    )
    scope.options.update(dict.fromkeys(("pid", "shellid", "pshome", "error"), "Constant"))


def version_table(engine: Engine) -> Hashtable:
    """$PSVersionTable of Windows Management Framework 2.0 (KB968930)."""
    return Hashtable(
        {
            "CLRVersion": Version("2.0.50727.3053"),
            "BuildVersion": Version("6.0.6002.18111"),
            "PSVersion": Version("2.0"),
            "WSManStackVersion": Version("2.0"),
            "PSCompatibleVersions": [Version("1.0"), Version("2.0")],
            "SerializationVersion": Version("1.1.0.1"),
            "PSRemotingProtocolVersion": Version("2.1"),
        }
    )


def automatic(engine: Engine, name: str) -> Any:
    """The value of an automatic variable that is made when asked for, MISSING for any other name."""
    if name == "psversiontable":
        return version_table(engine)
    if name == "pwd":
        return CustomObject({"Path": engine.location})
    if name == "home":
        return engine.environment.get("USERPROFILE", "")
    if name in ("psculture", "psuiculture"):
        return engine.machine.os.culture
    if name == "host":
        return CustomObject(
            {
                "Name": "ServerRemoteHost" if engine.remote else "ConsoleHost",
                "Version": Version("2.0" if not engine.remote else "1.0.0.0"),
                "CurrentCulture": engine.machine.os.culture,
                "CurrentUICulture": engine.machine.os.culture,
            }
        )
    return MISSING
