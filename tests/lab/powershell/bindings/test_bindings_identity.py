"""Who the session is and what it knows of its machine."""

from __future__ import annotations

ROLE = """
$principal = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
$principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
$principal.IsInRole('BUILTIN\\Administrators')
"""


def test_an_administrator_is_in_the_role(session) -> None:
    assert session.all(ROLE) == [True, True]


def test_a_clerk_is_not(clerk) -> None:
    assert clerk.all(ROLE) == [False, False]


def test_the_identity_has_the_directorys_name(clerk) -> None:
    assert clerk.get("[Security.Principal.WindowsIdentity]::GetCurrent().Name") == "LAB\\clerk"


def test_environment_gives_machine_facts(session) -> None:
    script = """
    [Environment]::MachineName
    [Environment]::OSVersion.ServicePack
    "$([Environment]::OSVersion.Version)"
    $env:COMPUTERNAME
    """

    assert session.all(script) == ["EX01", "Service Pack 2", "5.2.3790.131072", "EX01"]


def test_a_stopwatch_runs_on_the_machines_clock(session) -> None:
    script = """
    $watch = [Diagnostics.Stopwatch]::StartNew()
    [Threading.Thread]::Sleep(1500)
    $watch.ElapsedMilliseconds
    """

    assert session.get(script) == 1500
