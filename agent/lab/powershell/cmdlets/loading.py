"""Owns Add-Type and the snap-in and module cmdlets, as far as scripts use them to load what is there anyway."""

from __future__ import annotations

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation

# Assemblies of .NET 2.0 whose types scripts may use; which types the lab knows is said elsewhere.
ASSEMBLIES = {
    name.lower(): name
    for name in (
        "System.DirectoryServices",
        "System.ServiceProcess",
        "System.Web",
        "System.Xml",
        "System.Management",
        "System.Security",
    )
}


@cmdlet(
    "Add-Type",
    [
        Parameter("TypeDefinition", "String", position=0),
        Parameter("AssemblyName", "String[]", aliases=("AN",)),
        Parameter("Path", "String[]"),
        Parameter("MemberDefinition", "String[]"),
        Parameter("Name", "String"),
        Parameter("PassThru", "Switch"),
    ],
)
def add_type(invocation: Invocation) -> None:
    """Load a known assembly; compiling C# is refused."""
    if "AssemblyName" not in invocation or invocation.switch("PassThru"):
        raise Refused("Add-Type other than -AssemblyName")
    for name in invocation["AssemblyName"]:
        if name.split(",")[0].lower() not in ASSEMBLIES:
            raise Refused(f"Add-Type -AssemblyName {name}")


_SNAPIN = "Microsoft.PowerShell.Core"


@cmdlet("Add-PSSnapin", [Parameter("Name", "String[]", position=0, mandatory=True, by_value=True)], aliases=("asnp",))
def add_snapin(invocation: Invocation) -> None:
    """No snap-in is registered on a 2003 server; Exchange's came with 2007."""
    for name in invocation["Name"]:
        if invocation.engine.machine.role.name.startswith("CAS") and "exchange" in name.lower():
            raise Refused(f"the snap-in {name}")
        text = f"The Windows PowerShell snap-in '{name}' is not installed on this machine."
        invocation.error(
            ClrError(text, "System.Management.Automation.PSArgumentException"),
            "AddPSSnapInRead",
            "InvalidArgument",
            name,
        )


@cmdlet(
    "Get-PSSnapin",
    [Parameter("Name", "String[]", position=0), Parameter("Registered", "Switch", aliases=())],
    aliases=("gsnp",),
)
def get_snapin(invocation: Invocation) -> None:
    """The built-in ones; nothing is registered besides."""
    if invocation.switch("Registered"):
        return
    names = [
        _SNAPIN,
        "Microsoft.PowerShell.Diagnostics",
        "Microsoft.WSMan.Management",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Host",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Security",
    ]
    wanted = [name.lower() for name in invocation["Name"] or names]
    known = {name.lower(): name for name in names}
    for name in wanted:
        if name in known:
            invocation.write(CustomObject({"Name": known[name], "PSVersion": "2.0"}))
        else:
            text = f"No Windows PowerShell snap-ins matching the pattern '{name}' were found."
            invocation.error(ClrError(text, "System.Management.Automation.PSArgumentException"), "GetPSSnapInRead")


@cmdlet(
    "Import-Module",
    [Parameter("Name", "String[]", position=0, mandatory=True), Parameter("Force", "Switch")],
    aliases=("ipmo",),
)
def import_module(invocation: Invocation) -> None:
    """No module is installed on a 2003 server."""
    for name in invocation["Name"]:
        if not invocation.engine.machine.role.is_2003:
            raise Refused(f"the module {name}")
        found = "no valid module file was found in any module directory"
        text = f"The specified module '{name}' was not loaded because {found}."
        error = ClrError(text, "System.IO.FileNotFoundException")
        invocation.error(error, "Modules_ModuleNotFound", "ResourceUnavailable", name)


@cmdlet(
    "Get-Module", [Parameter("Name", "String[]", position=0), Parameter("ListAvailable", "Switch")], aliases=("gmo",)
)
def get_module(invocation: Invocation) -> None:
    """None is loaded; which are installed on a later server is not modelled."""
    if invocation.switch("ListAvailable") and not invocation.engine.machine.role.is_2003:
        raise Refused("Get-Module -ListAvailable")
