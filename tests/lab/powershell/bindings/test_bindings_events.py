"""Event logs: Get-EventLog, Write-EventLog, Get-WinEvent."""

from __future__ import annotations

from agent.lab.world.eventlog import EntryType
from agent.lab.world.machine import Machine

SOURCE = "MSExchange ActiveSync"


def _write(machine: Machine, event_id: int, message: str = "timed out") -> None:
    machine.logs.write("Application", SOURCE, event_id, EntryType.WARNING, message, strings=("ex01.lab.example",))


def test_events_come_newest_first(session, machine: Machine) -> None:
    _write(machine, 1034)
    _write(machine, 1036)
    script = f"Get-EventLog -LogName 'Application' -Source '{SOURCE}' | ForEach-Object {{ $_.EventID }}"

    assert session.all(script) == [1036, 1034]


def test_no_match_is_an_error(session) -> None:
    error = session.run("Get-EventLog -LogName 'Application' -Source 'Nobody'").error

    assert error.message == "No matches found"


def test_a_log_that_is_not_there_is_said(session) -> None:
    assert "does not exist" in session.run("Get-EventLog -LogName 'Nope'").error.message


def test_after_leaves_older_events_out(session, machine: Machine, clock) -> None:
    _write(machine, 1034)
    clock.advance(100)
    session.all("$since = Get-Date")
    clock.advance(100)
    _write(machine, 1036)
    script = f"@(Get-EventLog -LogName 'Application' -Source '{SOURCE}' -After $since).Count"

    assert session.get(script) == 1


def test_an_entry_has_type_strings_and_machine(session, machine: Machine) -> None:
    _write(machine, 1034)
    script = f"""
    $e = Get-EventLog -LogName 'Application' -Source '{SOURCE}' -Newest 1
    "$($e.EntryType)"; $e.ReplacementStrings[0]; $e.MachineName; $e.Message
    """

    assert session.all(script) == ["Warning", "ex01.lab.example", "EX01", "timed out"]


def test_writing_needs_a_registered_source(session, machine: Machine) -> None:
    write = "Write-EventLog -LogName 'Application' -Source 'easfix' -EventId 1 -Message 'done'"
    assert "does not exist" in session.run(write).error.message
    session.all("New-EventLog -LogName 'Application' -Source 'easfix'")
    session.all(write)

    assert machine.logs.entries("Application")[-1].message == "done"


def test_get_win_event_does_not_work_on_2003(session) -> None:
    assert "Windows Vista" in session.run("Get-WinEvent -LogName 'Application'").error.message


def test_get_win_event_filters_on_a_proxy(proxy) -> None:
    _write(proxy.machine, 1034)
    _write(proxy.machine, 1036)
    script = f"""
    Get-WinEvent -FilterHashtable @{{LogName = 'Application'; ProviderName = '{SOURCE}'; Id = 1034}} |
        ForEach-Object {{ '{{0}} {{1}}' -f $_.Id, $_.LevelDisplayName }}
    """

    assert proxy.all(script) == ["1034 Warning"]


def test_get_win_event_without_match_is_an_error(proxy) -> None:
    script = "Get-WinEvent -FilterHashtable @{LogName = 'Application'; Id = 9999}"

    assert "No events were found" in proxy.run(script).error.message
