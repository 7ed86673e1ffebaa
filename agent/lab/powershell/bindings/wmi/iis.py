"""Owns the classes of root\\MicrosoftIISv2: settings of sites, directories and pools, and the computer's backups.

[IIS 6.0 SDK, "IIS WMI Provider Reference"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.adsi.iis import holds
from agent.lab.powershell.bindings.wmi.model import Call, Row, WmiClass, WmiMethod, cim_time, declare, declare_namespace
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.powershell.clr import ClrError
from agent.lab.world import schema
from agent.lab.world.backups import HIGHEST_VERSION, SAVE_FIRST
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

NAMESPACE = r"root\MicrosoftIISv2"
_SETTINGS = {
    "IIsWebServiceSetting": "IIsWebService",
    "IIsWebServerSetting": "IIsWebServer",
    "IIsWebVirtualDirSetting": "IIsWebVirtualDir",
    "IIsWebDirectorySetting": "IIsWebDirectory",
    "IIsWebFileSetting": "IIsWebFile",
    "IIsApplicationPoolSetting": "IIsApplicationPool",
}
_ELEMENTS = ("IIsWebService", "IIsWebServer", "IIsWebVirtualDir", "IIsWebDirectory", "IIsApplicationPool")
_UNSIGNED = 2**32


def iis_error(error: WorldError) -> ClrError:
    """The provider passes Win32 codes on as ManagementException or COMException texts."""
    if error.kind is ErrorKind.RPC_UNAVAILABLE:
        return ClrError(
            "The RPC server is unavailable. (Exception from HRESULT: 0x800706BA)",
            "System.Runtime.InteropServices.COMException",
            hresult=-2147023174,
        )
    return wmi_error("Failed", f"{error.message} ", error.hresult - _UNSIGNED)


def _keys(engine: Engine, kind: str) -> list[str]:
    try:
        tree = engine.machine.metabase.memory
    except WorldError as error:
        raise iis_error(error) from error
    return [key.path for key in tree.below("") if key.kind == kind]


def _setting_rows(kind: str) -> Callable[[Engine], Iterable[Row]]:
    names = [entry.name for entry in schema.PROPERTIES.values() if holds(kind, entry.name) and not entry.volatile]
    bits = [bit.name for bit in schema.BITS.values() if holds(kind, bit.of)]

    def rows(engine: Engine) -> Iterable[Row]:
        metabase = engine.machine.metabase
        for path in _keys(engine, kind):
            row: Row = {"Name": path}
            for name in (*names, *bits):
                if name != "KeyType":
                    row[name] = _shown(metabase.get(path, name))
            yield row

    return rows


def _put(engine: Engine, row: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    try:
        for name, value in changes.items():
            engine.machine.metabase.set(row["Name"], name, tuple(value) if isinstance(value, list) else value)
    except WorldError as error:
        raise iis_error(error) from error


def _element_rows(kind: str) -> Callable[[Engine], Iterable[Row]]:
    state = {"IIsWebServer": "ServerState", "IIsApplicationPool": "AppPoolState"}.get(kind)

    def rows(engine: Engine) -> Iterable[Row]:
        for path in _keys(engine, kind):
            row: Row = {"Name": path, "Caption": None, "Status": None}
            if state:
                row[state] = int(engine.machine.metabase.get(path, state))  # type: ignore[arg-type] # a DWORD
            yield row

    return rows


def _address_rows(engine: Engine) -> Iterable[Row]:
    """Who is admitted where. [IIS 6.0 SDK, "IIsIPSecuritySetting (WMI)"]"""
    for path in _keys(engine, "IIsWebVirtualDir"):
        held = engine.machine.metabase.get(path, "IPSecurity")
        limits = held if isinstance(held, schema.IpSecurity) else schema.IpSecurity()
        yield {
            "Name": path,
            "GrantByDefault": limits.grant_by_default,
            "IPGrant": list(limits.granted),
            "IPDeny": list(limits.denied),
            "DomainGrant": [],
            "DomainDeny": [],
        }


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, schema.IpSecurity):
        return None  # its own class, IIsIPSecuritySetting
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**31:
        return value - _UNSIGNED
    return value


def _act(act: Callable[[Call], None]) -> Callable[[Call], Row]:
    """Methods of this provider return nothing; a failure is an exception."""

    def run(call: Call) -> Row:
        try:
            act(call)
        except WorldError as error:
            raise iis_error(error) from error
        return {}

    return run


def _own(call: Call) -> str:
    return str(call.row["Name"]).rpartition("/")[2]


def _backup(call: Call) -> None:
    version = int(call.argument("BackupVersion") or 0) % _UNSIGNED
    flags = int(call.argument("BackupFlags") or 0) or SAVE_FIRST
    call.engine.machine.backups.create(str(call.argument("BackupLocation") or "MDBackUp"), version, flags)


def _delete_backup(call: Call) -> None:
    version = call.argument("BackupVersion")
    number = HIGHEST_VERSION if version is None else int(version) % _UNSIGNED
    call.engine.machine.backups.delete(str(call.argument("BackupLocation") or "MDBackUp"), number)


def _enumerate_backups(call: Call) -> Row:
    """One backup per call; past the last, "No more data is available". [IIsComputer.EnumBackups (WMI)]"""
    wanted, index = str(call.argument("BackupLocation") or "").lower(), int(call.argument("EnumIndex") or 0)
    found = [each for each in call.engine.machine.backups.list() if wanted in ("", each.location.lower())]
    if index >= len(found):
        raise wmi_error("Failed", "No more data is available. ", -2147024637)
    made = found[index]
    return {
        "BackupLocation": made.location,
        "BackupVersion": made.version,
        "BackupDateTimeUTC": cim_time(made.time),
    }


def _save(call: Call) -> None:
    call.engine.machine.metabase.save()


def _computer(engine: Engine) -> Iterable[Row]:
    if not engine.machine.metabase.loaded:
        raise iis_error(WorldError(ErrorKind.RPC_UNAVAILABLE))
    return [{"Name": "LM", "Caption": None, "Status": None}]


_METHODS: dict[str, tuple[WmiMethod, ...]] = {
    "IIsWebServer": (
        WmiMethod("Start", _act(lambda call: call.engine.machine.iis.start_site(_own(call)))),
        WmiMethod("Stop", _act(lambda call: call.engine.machine.iis.stop_site(_own(call)))),
    ),
    "IIsApplicationPool": (
        WmiMethod("Start", _act(lambda call: call.engine.machine.iis.start_pool(_own(call)))),
        WmiMethod("Stop", _act(lambda call: call.engine.machine.iis.stop_pool(_own(call)))),
        WmiMethod("Recycle", _act(lambda call: call.engine.machine.iis.recycle(_own(call)))),
    ),
}

# The provider is part of IIS 6; on 2008 and later only with its compatibility feature, which these machines lack.
declare_namespace(NAMESPACE, lambda engine: engine.machine.role.is_2003)
declare(
    WmiClass(
        "IIsComputer",
        ("Name",),
        _computer,
        (
            WmiMethod("Backup", _act(_backup), ("BackupLocation", "BackupVersion", "BackupFlags")),
            WmiMethod("DeleteBackup", _act(_delete_backup), ("BackupLocation", "BackupVersion")),
            WmiMethod("EnumBackups", _enumerate_backups, ("BackupLocation", "EnumIndex")),
            WmiMethod("SaveData", _act(_save)),
        ),
        namespace=NAMESPACE,
    ),
    *(
        WmiClass(name, ("Name",), _setting_rows(kind), put=_put, namespace=NAMESPACE, superclass="IIsSetting")
        for name, kind in _SETTINGS.items()
    ),
    WmiClass("IIsIPSecuritySetting", ("Name",), _address_rows, namespace=NAMESPACE, superclass="IIsSetting"),
    *(
        WmiClass(kind, ("Name",), _element_rows(kind), _METHODS.get(kind, ()), namespace=NAMESPACE)
        for kind in _ELEMENTS
    ),
)
