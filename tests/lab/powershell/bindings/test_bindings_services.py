"""Services and processes as cmdlets and .NET show them."""

from __future__ import annotations

import threading

from agent.lab.world.machine import Machine
from agent.lab.world.services import ServiceState, StartMode

_SECONDS = 20


def test_status_compares_with_its_name(session) -> None:
    assert session.all(
        "(Get-Service -Name 'W3SVC').Status -eq 'Running'; \"$((Get-Service -Name 'W3SVC').Status)\""
    ) == [
        True,
        "Running",
    ]


def test_a_service_that_is_not_there_is_an_error(session) -> None:
    error = session.run("Get-Service -Name 'Nope'").error

    assert error.message == "Cannot find any service with service name 'Nope'."
    assert session.all("@(Get-Service -Name 'Nope*').Count") == [0]


def test_stop_needs_force_where_others_depend(session, machine: Machine) -> None:
    error = session.run("Stop-Service -Name 'IISADMIN'").error
    assert "dependent services" in error.message
    assert machine.services.get("IISADMIN").is_running
    session.all("Stop-Service -Name 'IISADMIN' -Force -WarningAction 'SilentlyContinue'")

    assert machine.services.get("SMTPSVC").state is ServiceState.STOPPED


def test_start_waits_until_it_runs(session, machine: Machine) -> None:
    machine.services.get("SMTPSVC").start_seconds = 7.0
    machine.services.stop("SMTPSVC", force=True)
    result = session.run("Start-Service -Name 'SMTPSVC'")

    assert result.errors == []
    assert machine.services.get("SMTPSVC").is_running
    assert "Waiting for service" in result.warnings[0]


def test_a_disabled_service_does_not_start(session, machine: Machine) -> None:
    machine.services.stop("POP3Svc")
    machine.services.set_start_mode("POP3Svc", StartMode.DISABLED)
    error = session.run("Start-Service -Name 'POP3Svc'").error

    assert "cannot be started due to the following error: Cannot start service POP3Svc" in error.message
    assert error.error.inner is not None
    assert error.error.inner.inner is not None
    assert "disabled" in error.error.inner.inner.message


def test_set_service_changes_the_start_mode(session, machine: Machine) -> None:
    session.all("Set-Service -Name 'POP3Svc' -StartupType 'Manual'")

    assert machine.services.get("POP3Svc").start_mode is StartMode.MANUAL


def test_a_controller_is_a_snapshot_until_refresh(session, machine: Machine) -> None:
    session.all("$c = New-Object -TypeName 'ServiceProcess.ServiceController' -ArgumentList 'POP3Svc'; [void]$c.Status")
    machine.services.stop("POP3Svc")

    assert session.all('"$($c.Status)"; $c.Refresh(); "$($c.Status)"') == ["Running", "Stopped"]


def test_waiting_for_a_stuck_service_times_out(session, machine: Machine) -> None:
    machine.services.get("POP3Svc").stuck = True
    script = """
    $c = New-Object -TypeName 'ServiceProcess.ServiceController' -ArgumentList 'POP3Svc'
    $c.Stop()
    try { $c.WaitForStatus('Stopped', [TimeSpan]::FromSeconds(5)) }
    catch [System.ServiceProcess.TimeoutException] { 'late' }
    """

    assert session.get(script) == "late"


def test_dependents_are_named(session) -> None:
    names = session.all("(Get-Service -Name 'IISADMIN').DependentServices | ForEach-Object { $_.Name }")

    assert {"SMTPSVC", "W3SVC"} <= set(names)


def test_a_user_without_rights_cannot_stop(clerk, machine: Machine) -> None:
    error = clerk.run("Stop-Service -Name 'POP3Svc'").error

    assert "Cannot open POP3Svc service" in error.message
    assert machine.services.get("POP3Svc").is_running


def test_processes_are_found_by_name_and_id(session, machine: Machine) -> None:
    pid = machine.services.get("IISADMIN").process_id

    assert session.get("(Get-Process -Name 'inetinfo').Id") == pid
    assert session.get(f"(Get-Process -Id {pid}).ProcessName") == "inetinfo"
    assert "Cannot find a process with the name" in session.run("Get-Process -Name 'nope'").error.message


def test_what_a_script_starts_dies_with_its_shell(session, machine: Machine) -> None:
    started = threading.Event()

    def program(machine, process, arguments, stdin, stdout, stderr) -> int:
        started.set()
        return 1 if process.killed.wait(_SECONDS) else 0

    machine.programs["patient"] = program
    pid = session.get("(Start-Process -FilePath 'patient.exe' -PassThru).Id")
    assert started.wait(_SECONDS)
    process = machine.processes.find(pid)
    assert process is not None
    machine.processes.kill_tree(session.process)

    assert process.killed.is_set()


def test_a_redirected_process_gives_its_output(session) -> None:
    script = """
    $info = New-Object -TypeName 'Diagnostics.ProcessStartInfo' -ArgumentList 'hostname.exe'
    $info.UseShellExecute = $false
    $info.RedirectStandardOutput = $true
    $process = [Diagnostics.Process]::Start($info)
    $process.StandardOutput.ReadToEnd().Trim()
    $process.ExitCode
    """

    assert session.all(script) == ["EX01", 0]


def test_a_native_command_gives_lines_and_its_exit_code(session) -> None:
    assert session.all("& hostname.exe; $LASTEXITCODE") == ["EX01", 0]


def test_iisreset_takes_its_time_and_brings_services_back(session, machine: Machine) -> None:
    script = "$lines = @(& iisreset.exe /noforce /timeout:60); $LASTEXITCODE"

    assert session.get(script) == 0
    assert machine.counters.iisresets == 1
    assert machine.services.get("W3SVC").is_running


def test_an_error_category_is_an_enumeration_with_a_readable_target(session) -> None:
    script = """
    try { Stop-Service -Name 'IISADMIN' -ErrorAction 'Stop' }
    catch { [int]$_.CategoryInfo.Category; "$($_.CategoryInfo.Category)"; $_.CategoryInfo.TargetName }
    """

    assert session.all(script) == [7, "InvalidOperation", "System.ServiceProcess.ServiceController"]
