"""Owns Get-WmiObject, Invoke-WmiMethod, Set-WmiInstance and Get-HotFix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.bags import ManagementBaseObject
from agent.lab.powershell.bindings.wmi.lookup import by_path
from agent.lab.powershell.bindings.wmi.model import CIMV2, WmiClass, class_names, find_class
from agent.lab.powershell.bindings.wmi.objects import (
    ManagementClass,
    ManagementObject,
    bind_positional,
    call_method,
)
from agent.lab.powershell.bindings.wmi.wql import Condition, parse_filter, parse_query, wmi_error
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.values import Hashtable

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.powershell.invocation import Invocation

_LOCAL = ("localhost", ".", "127.0.0.1")
_RPC = "The RPC server is unavailable. (Exception from HRESULT: 0x800706BA)"
_REMOTE = (
    Parameter("ComputerName", "String[]", aliases=("CN",)),
    Parameter("Credential", "Object"),
    Parameter("Authentication", "String"),
    Parameter("Impersonation", "String"),
    Parameter("EnableAllPrivileges", "Switch"),
    Parameter("Locale", "String"),
    Parameter("Authority", "String"),
)


def select(engine: Engine, found: WmiClass, columns: Sequence[str], matches: Condition) -> list[ManagementObject]:
    """The instances a query gives; named columns leave the others out, keys excepted."""
    wanted = {name.lower() for name in columns}
    chosen = []
    for row in found.rows(engine):
        if matches(row):
            kept = {k: v for k, v in row.items() if not wanted or k.lower() in wanted or k in found.keys}
            chosen.append(ManagementObject(engine, found, kept))
    return chosen


def run_query(engine: Engine, namespace: str, text: str) -> list[ManagementObject]:
    """Run a SELECT; the other statements of WQL are refused."""
    if text.strip().lower().startswith(("associators", "references")):
        raise Refused(f"WQL: {text.split()[0]}")
    query = parse_query(text)
    return select(engine, find_class(engine, namespace, query.class_name), query.columns, query.matches)


def _refuse_remote(invocation: Invocation) -> None:
    machine = invocation.engine.machine
    here = (*_LOCAL, machine.name.lower(), machine.fqdn.lower())
    for name in invocation["ComputerName"] or ():
        if str(name).lower() not in here:  # DCOM to another machine needs the second hop. domain 6.6
            raise ClrError(_RPC, "System.Runtime.InteropServices.COMException", hresult=-2147023174)


@cmdlet(
    "Get-WmiObject",
    (
        Parameter("Class", "String", 0, by_value=False),
        Parameter("Property", "String[]", 1),
        Parameter("Filter", "String"),
        Parameter("Query", "String"),
        Parameter("Namespace", "String", aliases=("NS",)),
        Parameter("List", "Switch"),
        Parameter("Recurse", "Switch"),
        Parameter("Amended", "Switch"),
        Parameter("DirectRead", "Switch"),
        *_REMOTE,
    ),
    aliases=("gwmi",),
)
def get_wmi_object(invocation: Invocation) -> None:
    """Instances of a class, or what a query gives."""
    engine, namespace = invocation.engine, invocation["Namespace"] or CIMV2
    try:
        _refuse_remote(invocation)
        if invocation["Query"]:
            invocation.write_all(run_query(engine, namespace, invocation["Query"]))
        elif invocation.switch("List"):
            invocation.write_all(_listed(engine, namespace, invocation["Class"]))
        else:
            invocation.write_all(_instances(invocation, namespace))
    except ClrError as error:
        invocation.error(error, _error_id(error, "GetWmiObjectCommand"), "InvalidOperation")


def _instances(invocation: Invocation, namespace: str) -> list[ManagementObject]:
    if not invocation["Class"]:
        raise ClrError(
            "Parameter set cannot be resolved using the specified named parameters.",
            "System.Management.Automation.ParameterBindingException",
        )
    found = find_class(invocation.engine, namespace, invocation["Class"])
    text = invocation["Filter"]
    columns = [name for name in invocation["Property"] or () if name != "*"]
    return select(invocation.engine, found, columns, parse_filter(text) if text else lambda _row: True)


def _listed(engine: Engine, namespace: str, name: str | None) -> list[ManagementClass]:
    names = class_names(namespace)
    if name and "*" not in name:
        names = [each for each in names if each.lower() == name.lower()]
    elif name:
        raise Refused("Get-WmiObject -List with a wildcard")
    return [ManagementClass(engine, find_class(engine, namespace, each)) for each in names]


def _error_id(error: ClrError, command: str) -> str:
    kind = {
        "System.Runtime.InteropServices.COMException": "GetWMICOMException",
        "System.UnauthorizedAccessException": "System.UnauthorizedAccessException",
    }.get(error.type_name, "GetWMIManagementException")
    return f"{kind},Microsoft.PowerShell.Commands.{command}"


@cmdlet(
    "Invoke-WmiMethod",
    (
        Parameter("Class", "String", 0),
        Parameter("Name", "String", 1, mandatory=True),
        Parameter("ArgumentList", "Object[]", aliases=("Args",)),
        Parameter("InputObject", "Object", by_value=True),
        Parameter("Path", "String"),
        Parameter("Namespace", "String", aliases=("NS",)),
        *_REMOTE,
    ),
)
def invoke_wmi_method(invocation: Invocation) -> None:
    """Call a method; the arguments go to the parameters in ALPHABETICAL order, the trap of this cmdlet in 2.0."""
    try:
        _refuse_remote(invocation)
        invocation.write(_invoke(invocation))
    except ClrError as error:
        invocation.error(
            error, "InvokeWMIManagementException,Microsoft.PowerShell.Commands.InvokeWmiMethod", "InvalidOperation"
        )


def _invoke(invocation: Invocation) -> ManagementBaseObject:
    target = _target(invocation)
    found = target.wmi_class.method(invocation["Name"])
    if found is None or found.static is not isinstance(target, ManagementClass):
        raise wmi_error("MethodNotFound", "Invalid method ", -2147217324)
    given = list(invocation["ArgumentList"] or ())
    bind_positional(found, given)  # too many is an error
    named = {name.lower(): value for name, value in zip(sorted(found.inputs), given, strict=False)}
    return call_method(invocation.engine, found, target.row, named)


def _target(invocation: Invocation) -> ManagementObject:
    if isinstance(invocation["InputObject"], ManagementObject):
        return invocation["InputObject"]
    if invocation["Path"]:
        return by_path(invocation.engine, invocation["Path"])
    namespace = invocation["Namespace"] or CIMV2
    return ManagementClass(invocation.engine, find_class(invocation.engine, namespace, str(invocation["Class"])))


@cmdlet(
    "Set-WmiInstance",
    (
        Parameter("Class", "String", 0),
        Parameter("Arguments", "Hashtable", aliases=("Args", "Property")),
        Parameter("InputObject", "Object", by_value=True),
        Parameter("Path", "String"),
        Parameter("Namespace", "String", aliases=("NS",)),
        *_REMOTE,
    ),
)
def set_wmi_instance(invocation: Invocation) -> None:
    """Change properties of an instance and write them."""
    try:
        target = _target(invocation)
        if isinstance(target, ManagementClass):
            raise Refused(f"Set-WmiInstance of a new {target.kind}")
        arguments: Hashtable = invocation["Arguments"] or Hashtable()
        for name, value in arguments.items():
            target.ps_set(str(name), value)
        target.put()
        invocation.write(target)
    except ClrError as error:
        invocation.error(
            error, "SetWMIManagementException,Microsoft.PowerShell.Commands.SetWmiInstance", "InvalidOperation"
        )


@cmdlet(
    "Get-HotFix",
    (Parameter("Id", "String[]", 0, aliases=("HFID",)), Parameter("Description", "String[]"), *_REMOTE),
)
def get_hot_fix(invocation: Invocation) -> None:
    """Installed updates; an id that is not there is an error."""
    found = find_class(invocation.engine, CIMV2, "Win32_QuickFixEngineering")
    wanted = [str(each).lower() for each in invocation["Id"] or ()]
    rows = [row for row in found.rows(invocation.engine) if not wanted or str(row["HotFixID"]).lower() in wanted]
    if wanted and not rows:
        missing = ClrError(
            "Cannot find the requested hotfix on the 'localhost' computer. Verify the input and run the command again.",
            "System.ArgumentException",
        )
        invocation.error(
            missing, "GetHotFixNoEntriesFound,Microsoft.PowerShell.Commands.GetHotFixCommand", "ObjectNotFound"
        )
    invocation.write_all([ManagementObject(invocation.engine, found, row) for row in rows])
