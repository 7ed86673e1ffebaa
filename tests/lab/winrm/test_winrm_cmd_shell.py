"""The command shell through unmodified pywinrm and pypsrp: bytes, exit codes, input, signals."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from practice import DEADLINE, Practice
from pypsrp.shell import CommandState, Process, SignalCode, WinRS
from winrm.protocol import Protocol

from agent.lab.world.machine import Machine
from agent.lab.world.processes import Process as WorldProcess
from agent.lab.world.processes import Write


@pytest.fixture
def protocol(lab: Practice) -> Protocol:
    return Protocol(
        lab.endpoint,
        transport="ntlm",
        username=r"LAB\administrator",
        password="Sec:ret 1é",
        message_encryption="always",
        ca_trust_path=None,
    )


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("hostname", 0, b"EX01\r\n", b""),
        ("ver", 0, b"\r\nMicrosoft Windows [Version 5.2.3790]\r\n", b""),
        ("echo %COMPUTERNAME%", 0, b"EX01\r\n", b""),
        ("exit 7", 7, b"", b""),
        ("exit -1", 4294967295, b"", b""),
        (
            "cscript //nologo x.vbs",
            1,
            b"",
            b"'cscript' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n",
        ),
    ],
)
def test_a_command_answers_as_cmd_exe_does(lab: Practice, line: str, code: int, out: bytes, err: bytes) -> None:
    answer = lab.session().run_cmd(line)

    assert (answer.status_code & 0xFFFFFFFF, answer.std_out, answer.std_err) == (code, out, err)


def test_arguments_are_joined_to_the_command(lab: Practice) -> None:
    answer = lab.session().run_cmd("echo", ["one", "two  three"])

    assert answer.std_out == b"one two  three\r\n"


def test_a_megabyte_of_bytes_arrives_in_order(lab: Practice) -> None:
    content = b"".join(b"%015d\n" % number for number in range(65536))

    def much(
        machine: Machine, process: WorldProcess, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        for at in range(0, len(content), 100_000):
            stdout(content[at : at + 100_000])
        stderr(b"that was all")
        return 5

    lab.machine.programs["much"] = much
    answer = lab.session().run_cmd("much")

    assert (answer.status_code, answer.std_out == content, answer.std_err) == (5, True, b"that was all")


def test_environment_and_directory_of_the_shell_are_used(lab: Practice) -> None:
    shell = WinRS(lab.wsman(), environment={"COLOUR": "blue"}, working_directory=r"C:\WINDOWS\system32")
    shell.open()
    process = Process(shell, "echo %COLOUR% & cd")
    process.invoke()

    assert process.stdout == b"blue \r\nC:\\WINDOWS\\system32\r\n"


def test_output_arrives_while_the_command_still_runs(lab: Practice) -> None:
    go = threading.Event()

    def slow(
        machine: Machine, process: WorldProcess, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        stdout(b"first")
        go.wait(DEADLINE)
        stdout(b"second")
        return 0

    lab.machine.programs["slow"] = slow
    shell = WinRS(lab.wsman())
    shell.open()
    process = Process(shell, "slow")
    process.begin_invoke()
    process.poll_invoke()
    first = (process.stdout, process.state)
    go.set()
    process.end_invoke()

    assert first == (b"first", CommandState.RUNNING)
    assert (process.stdout, process.rc) == (b"firstsecond", 0)


def test_input_reaches_a_program_that_reads_it(lab: Practice, protocol: Protocol) -> None:
    def powershell(
        machine: Machine, process: WorldProcess, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        stdout(stdin.upper())
        return 0

    lab.machine.programs["powershell"] = powershell
    shell_id = protocol.open_shell()
    command_id = protocol.run_command(shell_id, "powershell -Command -")
    protocol.send_command_input(shell_id, command_id, "hello ")
    protocol.send_command_input(shell_id, command_id, "there", end=True)
    out, _, code = protocol.get_command_output(shell_id, command_id)
    protocol.cleanup_command(shell_id, command_id)
    protocol.close_shell(shell_id)

    assert (out, code) == (b"HELLO THERE", 0)


def test_a_program_can_be_run_without_cmd_exe(lab: Practice, protocol: Protocol) -> None:
    shell_id = protocol.open_shell()
    command_id = protocol.run_command(shell_id, "hostname & ver", skip_cmd_shell=True)
    out, err, code = protocol.get_command_output(shell_id, command_id)

    assert (out, code) == (b"", 1)
    assert b"sethostname" in err


def _endless(lab: Practice) -> tuple[list[Any], threading.Event]:
    processes: list[Any] = []
    started = threading.Event()

    def endless(
        machine: Machine, process: WorldProcess, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        processes.append(process)
        started.set()
        process.killed.wait(DEADLINE)
        return 1

    lab.machine.programs["endless"] = endless
    return processes, started


@pytest.mark.parametrize("code", [SignalCode.CTRL_C, SignalCode.CTRL_BREAK, SignalCode.TERMINATE])
def test_a_signal_kills_what_runs(lab: Practice, code: str) -> None:
    processes, started = _endless(lab)
    shell = WinRS(lab.wsman())
    shell.open()
    process = Process(shell, "endless & hostname")
    process.begin_invoke()
    started.wait(DEADLINE)
    process.signal(code)

    assert lab.loop.until(lambda: not processes[0].is_alive)


def test_after_ctrl_c_the_command_ends_and_the_rest_of_the_line_does_not_run(lab: Practice) -> None:
    _, started = _endless(lab)
    shell = WinRS(lab.wsman())
    shell.open()
    process = Process(shell, "endless & hostname")
    process.begin_invoke()
    started.wait(DEADLINE)
    process.signal(SignalCode.CTRL_C)
    process.end_invoke()

    assert process.stdout == b""
    assert process.rc != 0


def test_deleting_the_shell_kills_its_children_but_not_what_wmi_made(lab: Practice) -> None:
    processes, started = _endless(lab)
    shell = WinRS(lab.wsman())
    shell.open()
    Process(shell, "endless").begin_invoke()
    started.wait(DEADLINE)
    detached = lab.machine.processes.spawn_detached("endless")
    shell.close()

    assert lab.loop.until(lambda: not processes[0].is_alive)
    assert detached.is_alive
    lab.machine.processes.kill(detached)
