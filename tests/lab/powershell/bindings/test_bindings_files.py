"""Files: the marker that one caller wins, what others meet, encodings, the disk that is full."""

from __future__ import annotations

import threading

import pytest
from psession import Session

from agent.lab.world.machine import Machine

TEMP = "C:\\WINDOWS\\TEMP"
MARKER = TEMP + "\\easfix-run.marker"
CREATE = f"""
try {{
    $file = [IO.File]::Open('{MARKER}', [IO.FileMode]::CreateNew, [IO.FileAccess]::Write, [IO.FileShare]::Read)
    $file.Close()
    'mine'
}} catch [System.IO.IOException] {{ 'taken' }}
"""


def test_create_new_fails_where_the_file_exists(session) -> None:
    assert session.all(f"{CREATE}\n{CREATE}") == ["mine", "taken"]


def test_of_many_sessions_one_gets_the_marker(session, machine: Machine) -> None:
    sessions = [Session(machine) for _ in range(8)]
    answers: list[str] = []
    threads = [threading.Thread(target=lambda each=each: answers.append(each.get(CREATE))) for each in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(answers) == ["mine"] + ["taken"] * 7


def test_an_open_file_keeps_others_out(session, machine: Machine) -> None:
    session.all(f"$file = [IO.File]::Open('{MARKER}', 'CreateNew', 'Write', 'None')")
    error = session.run(f"[IO.File]::ReadAllText('{MARKER}')").error

    assert "being used by another process" in error.message


def test_a_dead_process_holds_no_file(session, machine: Machine) -> None:
    session.all(f"$file = [IO.File]::Open('{MARKER}', 'CreateNew', 'Write', 'None')")
    machine.processes.kill_tree(session.process)

    assert Session(machine).get(f"[IO.File]::ReadAllText('{MARKER}')") == ""


def test_written_text_is_on_the_disk_after_close(session, machine: Machine) -> None:
    script = f"""
    $writer = New-Object -TypeName 'IO.StreamWriter' -ArgumentList '{MARKER}'
    $writer.WriteLine('started')
    $writer.Close()
    [IO.File]::AppendAllText('{MARKER}', 'ended')
    """
    session.all(script)

    assert machine.files.read(MARKER) == b"started\r\nended"


def test_a_full_disk_is_an_io_exception(session, machine: Machine) -> None:
    machine.files.free_bytes = 0
    script = f"try {{ [IO.File]::WriteAllText('{MARKER}', 'x') }} catch [System.IO.IOException] {{ 'full' }}"

    assert session.get(script) == "full"


def test_a_missing_folder_is_told_from_a_missing_file(session) -> None:
    script = """
    try { [IO.File]::ReadAllText('C:\\WINDOWS\\nope.txt') } catch [System.IO.FileNotFoundException] { 'file' }
    try { [IO.File]::ReadAllText('C:\\nope\\nope.txt') } catch [System.IO.DirectoryNotFoundException] { 'folder' }
    """

    assert session.all(script) == ["file", "folder"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"Set-Content -Path '{MARKER}' -Value 'ä'", b"\xe4\r\n"),
        (f"Set-Content -Path '{MARKER}' -Value 'ä' -Encoding 'UTF8'", b"\xef\xbb\xbf\xc3\xa4\r\n"),
        (f"Set-Content -Path '{MARKER}' -Value 'ä' -Encoding 'ASCII'", b"?\r\n"),
        (f"'ä' | Out-File -FilePath '{MARKER}'", "\ufeffä\r\n".encode("utf-16-le")),
        (f"[IO.File]::WriteAllText('{MARKER}', 'ä')", b"\xc3\xa4"),
    ],
)
def test_each_writer_has_its_own_encoding(session, machine: Machine, command: str, expected: bytes) -> None:
    session.all(command)

    assert machine.files.read(MARKER) == expected


def test_lines_are_added_and_read(session) -> None:
    script = f"""
    Set-Content -Path '{MARKER}' -Value 'a', 'b'
    'c' | Add-Content -Path '{MARKER}'
    @(Get-Content -Path '{MARKER}')
    """

    assert session.all(script) == ["a", "b", "c"]


def test_get_content_of_nothing_is_not_found(session) -> None:
    error = session.run("Get-Content -Path 'C:\\nope.txt'").error

    assert error.error_id == "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand"


def test_test_path_and_remove_item(session) -> None:
    script = f"""
    Test-Path -Path '{MARKER}'
    [void](New-Item -Path '{MARKER}' -ItemType 'File')
    Test-Path -Path '{MARKER}' -PathType 'Leaf'
    Remove-Item -Path '{TEMP}\\easfix-*'
    Test-Path -Path '{MARKER}'
    """

    assert session.all(script) == [False, True, False]


def test_remove_item_of_a_full_folder_needs_recurse(session, machine: Machine) -> None:
    script = f"""
    [void](New-Item -Path '{TEMP}\\easfix' -ItemType 'Directory')
    Set-Content -Path '{TEMP}\\easfix\\a.txt' -Value 'x'
    """
    session.all(script)

    assert "Recurse" in session.run(f"Remove-Item -Path '{TEMP}\\easfix'").error.message
    assert session.all(f"Remove-Item -Path '{TEMP}\\easfix' -Recurse") == []
    assert not machine.files.exists(f"{TEMP}\\easfix")


def test_children_are_listed_by_name_and_length(session) -> None:
    script = f"""
    Set-Content -Path '{TEMP}\\easfix-1.txt' -Value 'abc'
    $files = @(Get-ChildItem -Path '{TEMP}' -Filter 'easfix-*')
    foreach ($file in $files) {{ '{{0}} {{1}}' -f $file.Name, $file.Length }}
    """

    assert session.all(script) == ["easfix-1.txt 5"]


def test_what_if_changes_nothing(session, machine: Machine) -> None:
    machine.files.write(MARKER, b"x")
    result = session.run(f"Remove-Item -Path '{MARKER}' -WhatIf")

    assert machine.files.exists(MARKER)
    assert "What if" in result.said[0]


def test_a_user_without_rights_writes_only_to_temp(clerk) -> None:
    assert clerk.all(f"[IO.File]::WriteAllText('{MARKER}', 'x')") == []
    assert "denied" in clerk.run("[IO.File]::WriteAllText('C:\\WINDOWS\\x', 'x')").error.message


def test_paths_are_joined_and_split(session) -> None:
    script = """
    Join-Path -Path 'C:\\a' -ChildPath 'b.txt'
    Split-Path -Path 'C:\\a\\b.txt' -Leaf
    Split-Path -Path 'C:\\a\\b.txt'
    [IO.Path]::Combine('C:\\a', 'b')
    [IO.Path]::GetTempPath()
    """

    assert session.all(script) == ["C:\\a\\b.txt", "b.txt", "C:\\a", "C:\\a\\b", "C:\\WINDOWS\\TEMP\\"]


def test_a_drive_that_is_not_there_is_said(session) -> None:
    assert "does not exist" in session.run("Get-Item -Path 'Q:\\x'").error.message
    assert session.get("Test-Path -Path 'Q:\\x'") is False
