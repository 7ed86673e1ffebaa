"""Owns Get-Culture, Get-UICulture and the execution policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.providers.registry import write_allowed
from agent.lab.powershell.clr import ClrObject, prop
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

POLICY_KEY = r"SOFTWARE\Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell"
POLICY = register_enum(
    EnumKind(
        "Microsoft.PowerShell.ExecutionPolicy",
        {"Unrestricted": 0, "RemoteSigned": 1, "AllSigned": 2, "Restricted": 3, "Bypass": 4, "Undefined": 5},
    )
)
# Culture name, LCID, English name. [National Language Support reference]
_CULTURES = {
    "en-us": (1033, "English (United States)"),
    "de-de": (1031, "German (Germany)"),
    "fr-fr": (1036, "French (France)"),
    "es-es": (3082, "Spanish (Spain)"),
    "ja-jp": (1041, "Japanese (Japan)"),
}


class CultureInfo(ClrObject):
    """System.Globalization.CultureInfo."""

    TYPE = "System.Globalization.CultureInfo"

    def __init__(self, name: str) -> None:
        """A culture by name, such as en-US."""
        if name.lower() not in _CULTURES:
            raise Refused(f"the culture {name}")
        self.text = name

    @prop("LCID")
    def lcid(self) -> int:
        """Its number."""
        return _CULTURES[self.text.lower()][0]

    @prop("Name")
    def name(self) -> str:
        """Its name."""
        return self.text

    @prop("DisplayName")
    def display_name(self) -> str:
        """In English."""
        return _CULTURES[self.text.lower()][1]

    @prop("EnglishName")
    def english_name(self) -> str:
        """In English."""
        return _CULTURES[self.text.lower()][1]

    @prop("TwoLetterISOLanguageName")
    def language(self) -> str:
        """The language alone."""
        return self.text[:2].lower()

    def ps_string(self) -> str:
        """Its name."""
        return self.text


@cmdlet("Get-Culture")
def get_culture(invocation: Invocation) -> None:
    """The culture of the machine."""
    invocation.write(CultureInfo(invocation.engine.machine.os.culture))


@cmdlet("Get-UICulture")
def get_ui_culture(invocation: Invocation) -> None:
    """The same here."""
    invocation.write(CultureInfo(invocation.engine.machine.os.culture))


def machine_policy(engine: Engine) -> str:
    """The execution policy the machine is set to; Restricted where nobody set one."""
    return str(engine.machine.registry.get(POLICY_KEY, "ExecutionPolicy") or "Restricted")


@cmdlet("Get-ExecutionPolicy", (Parameter("Scope", "String", 0), Parameter("List", "Switch")))
def get_execution_policy(invocation: Invocation) -> None:
    """The policy in force."""
    for refused in ("Scope", "List"):
        if refused in invocation:
            raise Refused(f"Get-ExecutionPolicy -{refused}")
    invocation.write(POLICY(machine_policy(invocation.engine)))


@cmdlet(
    "Set-ExecutionPolicy",
    (
        Parameter("ExecutionPolicy", POLICY.name, 0, mandatory=True),
        Parameter("Scope", "String", 1),
        Parameter("Force", "Switch"),
    ),
)
def set_execution_policy(invocation: Invocation) -> None:
    """Set the machine's policy."""
    if str(invocation["Scope"] or "LocalMachine").lower() != "localmachine":
        raise Refused("Set-ExecutionPolicy -Scope")
    write_allowed(invocation.engine)
    registry = invocation.engine.machine.registry
    registry.create(POLICY_KEY)
    registry.set(POLICY_KEY, "ExecutionPolicy", invocation["ExecutionPolicy"].label)
