"""Owns the WMI classes that describe the machine: operating system, computer, disk, installed updates.

[Win32 documentation, the page of each class]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings.wmi.model import Call, Row, WmiClass, WmiMethod, cim_time, declare, returned
from agent.lab.powershell.values import Int16, UInt16, UInt32, UInt64

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

DISK_BYTES = 40 * 1024**3
REMOTING_UPDATE = "KB968930"  # Windows Management Framework Core: PowerShell 2.0 and WinRM 2.0. domain 6.1
_RESTART_SECONDS = 180.0  # shutdown and boot of such a server
_NOTICE_SECONDS = 5.0  # until the first process is ended
_REBOOT_FLAGS = (2, 6)  # Win32Shutdown: reboot, forced reboot


def _operating_system(engine: Engine) -> Iterable[Row]:
    machine, os = engine.machine, engine.machine.os
    kilobytes = os.memory_bytes // 1024
    return [
        {
            "BootDevice": "\\Device\\HarddiskVolume1",
            "BuildNumber": str(os.build),
            "BuildType": "Multiprocessor Free",
            "Caption": os.caption,
            "CodeSet": "1252",
            "CountryCode": "1",
            "CreationClassName": "Win32_OperatingSystem",
            "CSDVersion": f"Service Pack {os.service_pack}" if os.service_pack else None,
            "CSName": machine.name,
            "CurrentTimeZone": Int16(0),
            "Description": "",
            "FreePhysicalMemory": UInt64(kilobytes // 2),
            "LastBootUpTime": cim_time(os.last_boot),
            "LocalDateTime": cim_time(machine.clock.now()),
            "Locale": "0409",
            "Manufacturer": "Microsoft Corporation",
            "Name": f"{os.caption}|{os.windows_directory}|\\Device\\Harddisk0\\Partition1",
            "NumberOfProcesses": UInt32(len(machine.processes.list())),
            "OSLanguage": UInt32(1033),
            "OSType": UInt16(18),
            "Primary": True,
            "ProductType": UInt32(3),
            "ServicePackMajorVersion": UInt16(os.service_pack),
            "ServicePackMinorVersion": UInt16(0),
            "Status": "OK",
            "SystemDirectory": f"{os.windows_directory}\\system32",
            "SystemDrive": "C:",
            "TotalVisibleMemorySize": UInt64(kilobytes),
            "Version": os.version,
            "WindowsDirectory": os.windows_directory,
            **({} if machine.role.is_2003 else {"OSArchitecture": "64-bit"}),  # since Vista
        }
    ]


def _reboot(call: Call) -> Row:
    machine = call.engine.machine
    machine.clock.call_later(_NOTICE_SECONDS, lambda: machine.reboot(_RESTART_SECONDS))
    return returned(UInt32(0))


def _shutdown(call: Call) -> Row:
    if call.argument("Flags") not in _REBOOT_FLAGS:  # 87: only a restart is rehearsed here
        return returned(UInt32(87))
    return _reboot(call)


def _computer(engine: Engine) -> Iterable[Row]:
    machine = engine.machine
    return [
        {
            "Caption": machine.name,
            "CreationClassName": "Win32_ComputerSystem",
            "CurrentTimeZone": Int16(0),
            "Domain": machine.fqdn.partition(".")[2],
            "DomainRole": UInt16(3),  # member server
            "Manufacturer": "easfix lab",
            "Model": "Practice machine",
            "Name": machine.name,
            "NumberOfProcessors": UInt32(2),
            "PartOfDomain": True,
            "PrimaryOwnerName": machine.accounts.netbios,
            "Status": "OK",
            "SystemType": "X86-based PC" if machine.role.is_2003 else "x64-based PC",
            "TotalPhysicalMemory": UInt64(machine.os.memory_bytes),
            "UserName": None,
            **({} if machine.role.is_2003 else {"DNSHostName": machine.name}),  # since Vista
        }
    ]


def _disk(engine: Engine) -> Iterable[Row]:
    free = min(engine.machine.files.free_bytes, DISK_BYTES)
    return [
        {
            "Caption": "C:",
            "Compressed": False,
            "CreationClassName": "Win32_LogicalDisk",
            "Description": "Local Fixed Disk",
            "DeviceID": "C:",
            "DriveType": UInt32(3),
            "FileSystem": "NTFS",
            "FreeSpace": UInt64(free),
            "MediaType": UInt32(12),
            "Name": "C:",
            "Size": UInt64(DISK_BYTES),
            "SystemName": engine.machine.name,
            "VolumeName": "",
        }
    ]


def updates(engine: Engine) -> Iterable[Row]:
    """The update that gives a Server 2003 its PowerShell; later systems have it built in."""
    if not engine.machine.role.is_2003:
        return []
    return [
        {
            "Caption": None,
            "CSName": engine.machine.name,
            "Description": "Windows Management Framework Core",
            "FixComments": "Update",
            "HotFixID": REMOTING_UPDATE,
            "InstalledBy": "Administrator",
            "InstalledOn": "6/12/2010",
            "ServicePackInEffect": "SP3",
        }
    ]


declare(
    WmiClass(
        "Win32_OperatingSystem",
        (),
        _operating_system,
        (WmiMethod("Reboot", _reboot), WmiMethod("Win32Shutdown", _shutdown, ("Flags", "Reserved"))),
        superclass="CIM_OperatingSystem",
    ),
    WmiClass("Win32_ComputerSystem", ("Name",), _computer, superclass="CIM_UnitaryComputerSystem"),
    WmiClass("Win32_LogicalDisk", ("DeviceID",), _disk, superclass="CIM_LogicalDisk"),
    WmiClass("Win32_QuickFixEngineering", ("HotFixID", "ServicePackInEffect"), updates),
)
