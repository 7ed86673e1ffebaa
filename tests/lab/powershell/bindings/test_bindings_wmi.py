"""WMI: classes, methods, queries, and Win32_Process.Create."""

from __future__ import annotations

import threading

import pytest

from agent.lab.powershell.engine import Outcome
from agent.lab.world.machine import Machine
from agent.lab.world.services import ServiceState

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
_SECONDS = 20  # real seconds a detached process may take


def _wait(machine: Machine, pid: int) -> int | None:
    process = machine.processes.find(pid)
    return machine.processes.wait(process, _SECONDS) if process else 0


def test_the_operating_system_is_a_2003_with_its_service_pack(session) -> None:
    script = "$os = Get-WmiObject -Class 'Win32_OperatingSystem'; $os.Version; $os.ServicePackMajorVersion; $os.CSName"

    assert session.all(script) == ["5.2.3790", 2, "EX01"]


def test_a_later_property_is_absent_on_2003(session, proxy) -> None:
    script = "(Get-WmiObject -Class 'Win32_OperatingSystem').OSArchitecture"

    assert session.get(script) is None
    assert proxy.get(script) == "64-bit"


def test_boot_time_converts_to_a_date(session, machine: Machine) -> None:
    script = "$os = Get-WmiObject -Class 'Win32_OperatingSystem'; $os.ConvertToDateTime($os.LastBootUpTime)"

    assert session.get(script) == machine.os.last_boot


def test_services_have_wmi_words_for_mode_and_state(session, machine: Machine) -> None:
    script = """
    foreach ($service in @(Get-WmiObject -Class 'Win32_Service' -Filter "Name='IISADMIN' OR Name='SMTPSVC'")) {
        '{0} {1} {2}' -f $service.Name, $service.State, $service.StartMode
    }
    """

    assert session.all(script) == ["IISADMIN Running Auto", "SMTPSVC Running Auto"]
    assert (
        session.get("(Get-WmiObject -Query \"SELECT ProcessId FROM Win32_Service WHERE Name='SMTPSVC'\").ProcessId")
        == machine.services.get("IISADMIN").process_id
    )


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("StopService()", 3),  # services that depend on IISADMIN run
        ("StartService()", 10),
        ("ChangeStartMode('Sometimes')", 21),
        ("ChangeStartMode('Manual')", 0),
    ],
)
def test_service_methods_return_documented_codes(session, call: str, code: int) -> None:
    script = f"(Get-WmiObject -Class 'Win32_Service' -Filter \"Name='IISADMIN'\").{call}.ReturnValue"

    assert session.get(script) == code


def test_the_free_space_is_the_disks(session, machine: Machine) -> None:
    machine.files.free_bytes = 5 * 1024**2

    disk = "(Get-WmiObject -Class 'Win32_LogicalDisk' -Filter \"DeviceID='C:'\").FreeSpace"
    assert session.get(disk) == 5 * 1024**2


def test_create_gives_a_process_that_outlives_the_shell(session, machine: Machine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def program(machine, process, arguments, stdin, stdout, stderr) -> int:
        started.set()
        go_on.wait(_SECONDS)
        return 7 if process.killed.is_set() else 0

    machine.programs["patient"] = program
    values = session.all("$r = ([wmiclass]'Win32_Process').Create('patient.exe'); $r.ReturnValue; $r.ProcessId")
    assert started.wait(_SECONDS)
    process = machine.processes.find(values[1])
    assert process is not None
    machine.processes.kill_tree(session.process)
    go_on.set()

    assert values[0] == 0
    assert machine.processes.wait(process, _SECONDS) == 0


def test_create_of_a_program_that_is_not_there_is_9(session) -> None:
    result = session.all(
        "$r = Invoke-WmiMethod -Class 'Win32_Process' -Name 'Create' -ArgumentList 'nope.exe'\n$r.ReturnValue"
    )

    assert result == [9]


def test_a_user_without_rights_has_no_wmi(clerk) -> None:
    result = clerk.run("Get-WmiObject -Class 'Win32_Service'")

    assert result.values == []
    assert "Access is denied" in result.error.message


def test_a_class_the_lab_lacks_is_refused_by_name(session) -> None:
    result = session.run("Get-WmiObject -Class 'Win32_BIOS' -ErrorAction 'SilentlyContinue'; 'after'")

    assert result.outcome is Outcome.FAILED
    assert result.values == []
    assert "Win32_BIOS" in result.error.message


def test_a_bad_query_is_an_error(session) -> None:
    assert session.run('Get-WmiObject -Query "SELECT FROM Win32_Service"').error.message.startswith("Invalid query")


def test_the_iis_settings_class_reads_and_writes_flags(session, machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 264)
    script = f"""
    $s = Get-WmiObject -Namespace 'root\\MicrosoftIISv2' -Class 'IIsWebVirtualDirSetting' -Filter "Name='{EAS}'"
    $s.AccessSSLFlags
    $s.AccessSSL128
    $s.AccessSSLFlags = 0
    [void]$s.Put()
    """

    assert session.all(script) == [264, True]
    assert machine.metabase.own(EAS)["AccessSSLFlags"] == 0


def test_the_iis_namespace_is_not_on_a_proxy(proxy) -> None:
    script = "Get-WmiObject -Namespace 'root\\MicrosoftIISv2' -Class 'IIsComputer'"

    assert proxy.run(script).error.message.startswith("Invalid namespace")


def test_wmi_backups_are_listed_one_by_one(session) -> None:
    script = r"""
    $computer = Get-WmiObject -Namespace 'root\MicrosoftIISv2' -Class 'IIsComputer'
    [void]$computer.Backup('easfix', -1, 2)
    $found = $computer.EnumBackups('easfix', 0)
    $found.BackupLocation
    $found.BackupVersion
    try { [void]$computer.EnumBackups('easfix', 1) } catch { 'end' }
    [void]$computer.DeleteBackup('easfix', 0)
    """

    assert session.all(script) == ["easfix", 0, "end"]


def test_a_stopped_service_shows_after_get(session, machine: Machine) -> None:
    script = """
    $service = Get-WmiObject -Class 'Win32_Service' -Filter "Name='POP3Svc'"
    [void]$service.StopService()
    $service.State
    $service.Get()
    $service.State
    """
    before, after = session.all(script)

    assert (before, after) in (("Running", "Stopped"), ("Running", "Stop Pending"))
    assert machine.services.get("POP3Svc").state in (ServiceState.STOPPED, ServiceState.STOP_PENDING)


def test_hot_fix_gives_the_update_that_brought_remoting(session) -> None:
    assert session.get("(Get-HotFix -Id 'KB968930').HotFixID") == "KB968930"
    assert "Cannot find the requested hotfix" in session.run("Get-HotFix -Id 'KB1'").error.message
