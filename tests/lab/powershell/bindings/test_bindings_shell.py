"""powershell.exe as a program: its command line, its streams, its exit codes, and the detached restart."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from psrpcore.types import PSCryptoProvider, deserialize_clixml

from agent.lab.powershell.bindings.shell.options import UsageError, parse
from agent.lab.powershell.bindings.shell.program import install
from agent.lab.world.machine import Machine

_SECONDS = 30
POLICY = r"SOFTWARE\Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell"


class _NoKey(PSCryptoProvider):
    def decrypt(self, value: str) -> str:
        raise AssertionError

    def encrypt(self, value: str) -> str:
        raise AssertionError

    def register_key(self, key: bytes) -> None:
        raise AssertionError


def encoded(script: str) -> str:
    return base64.b64encode(script.encode("utf-16-le")).decode()


def run(machine: Machine, command_line: str, stdin: bytes = b"") -> tuple[int, str, str]:
    install(machine)
    out, err = bytearray(), bytearray()
    code = machine.processes.run_attached(command_line, None, stdin, out.extend, err.extend, owner="LAB\\administrator")
    return code, out.decode("utf-8"), err.decode("utf-8")


def objects(text: str) -> list[Any]:
    assert text.startswith('#< CLIXML\r\n<Objs Version="1.1.0.1"')
    return deserialize_clixml(text, _NoKey())


def test_a_command_prints_text(machine: Machine) -> None:
    assert run(machine, "powershell.exe -NoProfile -Command \"'a' + 'b'\"") == (0, "ab\r\n", "")


def test_an_encoded_command_gives_objects_as_clixml(machine: Machine) -> None:
    script = "New-Object -TypeName 'PSObject' -Property @{Kind = 'server'; Flags = 264}"
    code, out, err = run(
        machine, f"powershell -NoProfile -NonInteractive -OutputFormat XML -EncodedCommand {encoded(script)}"
    )

    assert (code, err) == (0, "")
    assert ' S="Output"' in out
    assert [(each.Kind, each.Flags) for each in objects(out)] == [("server", 264)]


def test_errors_of_an_encoded_command_are_clixml_texts(machine: Machine) -> None:
    code, out, err = run(machine, f"powershell -EncodedCommand {encoded('throw (1)')}")

    assert code == 1
    assert out == ""
    assert err.startswith("#< CLIXML\r\n<Objs")
    assert '<S S="Error">1_x000D__x000A_</S>' in err


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 5", 5), ("exit 0", 0), ("throw 'no'", 1), ("'fine'", 0), ("Get-Item -Path 'C:\\nope'", 1)],
)
def test_exit_codes(machine: Machine, script: str, code: int) -> None:
    assert run(machine, f"powershell -OutputFormat XML -EncodedCommand {encoded(script)}")[0] == code


def test_a_script_comes_from_standard_input(machine: Machine) -> None:
    assert run(machine, "powershell -NoProfile -Command -", b"'from stdin'\r\n")[1] == "from stdin\r\n"


def test_a_file_needs_a_policy_that_allows_it(machine: Machine) -> None:
    machine.registry.set(POLICY, "ExecutionPolicy", "Restricted")
    machine.files.write("C:\\WINDOWS\\TEMP\\a.ps1", b'param([string]$Name)\r\n"hello $Name"; exit 3')

    code, out, _ = run(machine, "powershell -File C:\\WINDOWS\\TEMP\\a.ps1 -Name joe")
    assert (code, "disabled on this system" in out) == (1, True)
    code, out, _ = run(machine, "powershell -ExecutionPolicy Bypass -File C:\\WINDOWS\\TEMP\\a.ps1 -Name joe")
    assert (code, out) == (3, "hello joe\r\n")


@pytest.mark.parametrize(
    "arguments", [["-EncodedCommand", "%%%"], ["-ExecutionPolicy", "x"], ["-Version", "5"], ["-c"]]
)
def test_a_bad_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(arguments)


def test_a_script_calls_another_file(session, machine: Machine) -> None:
    machine.files.write("C:\\WINDOWS\\TEMP\\a.ps1", b'param($Name)\r\n"hello $Name"')
    assert session.get("& 'C:\\WINDOWS\\TEMP\\a.ps1' -Name 'joe'") == "hello joe"
    machine.registry.set(POLICY, "ExecutionPolicy", "Restricted")

    assert "disabled on this system" in session.run("& 'C:\\WINDOWS\\TEMP\\a.ps1'").error.message


def test_switches_may_be_shortened() -> None:
    options = parse(["-nop", "-noni", "-ex", "bypass", "-c", "Get-Date", "-x"])

    assert options.switches == {"noprofile", "noninteractive"}
    assert (options.policy, options.command) == ("bypass", "Get-Date -x")


RESTART = """
$folder = $env:TEMP + '\\easfix-1'
$inner = @'
[IO.File]::AppendAllText('C:\\WINDOWS\\TEMP\\easfix.log', 'start;')
$lines = @(& iisreset.exe /noforce /timeout:60)
[IO.File]::AppendAllText('C:\\WINDOWS\\TEMP\\easfix.log', "end $LASTEXITCODE")
'@
$bytes = [Text.Encoding]::Unicode.GetBytes($inner)
$line = 'powershell.exe -NoProfile -NonInteractive -EncodedCommand ' + [Convert]::ToBase64String($bytes)
$made = ([wmiclass]'Win32_Process').Create($line)
$made.ReturnValue
$made.ProcessId
"""


def test_a_detached_restart_runs_once_and_outlives_its_shell(session, machine: Machine) -> None:
    install(machine)
    code, pid = session.all(RESTART)
    machine.processes.kill_tree(session.process)
    process = machine.processes.find(pid)
    if process is not None:
        machine.processes.wait(process, _SECONDS)

    assert code == 0
    assert machine.files.read("C:\\WINDOWS\\TEMP\\easfix.log") == b"start;end 0"
    assert machine.counters.iisresets == 1
    assert machine.services.get("W3SVC").is_running
