"""The real evaluator behind the real wire: what an operator's script does, seen by unmodified clients."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from practice import Loop, Practice, invoke
from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell

from agent.lab.clock import DrivenClock
from agent.lab.powershell.engine import Engine


@pytest.fixture
def real(winrm_loop: Loop) -> Iterator[Practice]:
    practice = Practice(winrm_loop, new_engine=Engine, clock=DrivenClock(auto=True))
    yield practice
    practice.close()


def test_a_property_bag_of_a_script_arrives(real: Practice) -> None:
    script = "param([string]$Name) New-Object PSObject -Property @{ Kind = 'server'; Name = $Name; Flags = 8 -bor 256 }"
    with real.pool() as pool:
        shell = PowerShell(pool).add_script(script).add_parameter("Name", "EX01")
        (bag,) = shell.invoke()

    assert bag.extended_properties == {"Kind": "server", "Name": "EX01", "Flags": 264}


def test_streams_of_a_script_arrive(real: Practice) -> None:
    script = """
        $VerbosePreference = 'Continue'
        Write-Output 'out'
        Write-Warning 'careful'
        Write-Verbose 'in detail'
        Write-Error 'no such thing'
        Get-Item 'C:\\nowhere'
    """
    with real.pool() as pool:
        shell = invoke(pool, script)

    assert shell.output == ["out"]
    assert [str(record) for record in shell.streams.warning] == ["careful"]
    assert [str(record) for record in shell.streams.verbose] == ["in detail"]
    assert str(shell.streams.error[0]) == "no such thing"
    assert len(shell.streams.error) == 2


def test_a_throw_ends_the_pipeline_as_failed(real: Practice) -> None:
    with real.pool() as pool:
        shell = invoke(pool, "'before'; throw 'it broke'; 'after'")

    assert shell.output == ["before"]
    assert shell.state == PSInvocationState.FAILED
    assert str(shell.streams.error[-1]) == "it broke"


def test_pipeline_input_is_the_scripts_input(real: Practice) -> None:
    with real.pool() as pool:
        shell = invoke(pool, "$input | ForEach-Object { $_ * 2 }", input=[1, 2, 3])

    assert shell.output == [2, 4, 6]


def test_variables_live_as_long_as_the_pool(real: Practice) -> None:
    with real.pool() as pool:
        invoke(pool, "$x = 42")
        shell = invoke(pool, "$x + 1")

    assert shell.output == [43]


def test_the_truth_knows_each_script_that_ran(real: Practice) -> None:
    with real.pool() as pool:
        invoke(pool, "1 + 1")

    assert [run.user for run in real.machine.counters.scripts] == [r"LAB\administrator"]
    assert real.machine.counters.logons >= 1


def test_a_script_changes_the_metabase(real: Practice) -> None:
    path = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
    script = f"""
        $vdir = [ADSI]'IIS://localhost/{path}'
        $vdir.psbase.Properties['AccessSSLFlags'].Value = 8
        $vdir.psbase.CommitChanges()
        [int]$vdir.psbase.Properties['AccessSSLFlags'].Value
    """
    with real.pool() as pool:
        shell = invoke(pool, script)

    assert (shell.output, real.machine.metabase.get(path, "AccessSSLFlags")) == ([8], 8)


def test_powershell_exe_runs_in_the_cmd_shell(real: Practice) -> None:
    script = base64.b64encode("Write-Output (6 * 7); exit 3".encode("utf-16-le")).decode()
    answer = real.session().run_cmd(f"powershell.exe -NoProfile -EncodedCommand {script}")

    assert (answer.status_code, answer.std_out.strip()) == (3, b"42")


def test_run_ps_of_pywinrm_works(real: Practice) -> None:
    answer = real.session().run_ps("'hello ' + $env:COMPUTERNAME")

    assert (answer.status_code, answer.std_out.strip()) == (0, b"hello EX01")


def test_clixml_of_powershell_exe_carries_objects(real: Practice) -> None:
    script = base64.b64encode("New-Object PSObject -Property @{ Build = 7638 }".encode("utf-16-le")).decode()
    answer = real.session().run_cmd(f"powershell.exe -NoProfile -OutputFormat XML -EncodedCommand {script}")

    assert answer.std_out.startswith(b"#< CLIXML")
    assert b'<I32 N="Build">7638</I32>' in answer.std_out


def test_a_long_recursion_ends_in_an_error_not_in_a_crash(real: Practice) -> None:
    with real.pool() as pool:
        shell = invoke(pool, "function f { f } f")

    assert shell.state == PSInvocationState.FAILED or shell.had_errors


def test_iisreset_in_the_cmd_shell_restarts_the_services(real: Practice) -> None:
    answer = real.session().run_cmd("iisreset /noforce")

    assert answer.status_code == 0
    assert real.machine.counters.iisresets == 1
