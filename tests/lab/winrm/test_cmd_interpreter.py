"""cmd.exe in small: what each line prints, where, and its exit code."""

from __future__ import annotations

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.winrm.cmd.interpreter import Interpreter, Streams, empty
from agent.lab.winrm.cmd.program import line_of
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine


@pytest.fixture
def machine() -> Machine:
    forest = Forest(DrivenClock(auto=True))
    forest.accounts.add("administrator", "pw", is_admin=True)
    return exchange_2003("EX01", forest)


def run(machine: Machine, line: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output and error, lines parted by |."""
    out: list[bytes] = []
    err: list[bytes] = []
    process = machine.processes.spawn("cmd.exe", owner=r"LAB\administrator")
    streams = Streams((lambda: stdin) if stdin else empty, out.append, err.append)
    code = Interpreter(machine, process, directory=r"C:\WINDOWS").run(line, streams)
    return code, *("|".join(b"".join(part).decode("cp437").split("\r\n")).rstrip("|") for part in (out, err))


UNKNOWN = "'%s' is not recognized as an internal or external command,|operable program or batch file."


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("echo hello", 0, "hello", ""),
        ("ECHO hello", 0, "hello", ""),
        ("@echo hello", 0, "hello", ""),
        ("echo.hello", 0, "hello", ""),
        ("echo", 0, "ECHO is on.", ""),
        ('echo "a & b"', 0, '"a & b"', ""),
        ("echo a ^& b", 0, "a & b", ""),
        ("echo %ComputerName%", 0, "EX01", ""),
        ("echo %nope%", 0, "%nope%", ""),
        ("echo 100%", 0, "100%", ""),
        ("echo %SystemRoot:~0,2%", 0, "C:", ""),
        ("echo %SystemRoot:WINDOWS=WINNT%", 0, r"C:\WINNT", ""),
        ("set A=1& echo %A%", 0, "%A%", ""),
        ("set A=1& call echo ^%A^%", 0, "1", ""),
        ("echo a&echo b", 0, "a|b", ""),
        ("echo a && echo b", 0, "a |b", ""),
        ("echo a || echo b", 0, "a ", ""),
        ("nope && echo b", 1, "", UNKNOWN % "nope"),
        ("nope || echo b", 0, "b", UNKNOWN % "nope"),
        ("nope & echo %ERRORLEVEL%", 0, "0", UNKNOWN % "nope"),
        ("nope & call echo ^%ERRORLEVEL^%", 0, "9009", UNKNOWN % "nope"),
        ("nope 2>nul", 1, "", ""),
        ("nope > nul 2>&1", 1, "", ""),
        ("nope 2>&1", 1, UNKNOWN % "nope", ""),
        ("echo a 1>&2", 0, "", "a "),
        ("cscript x.vbs", 1, "", UNKNOWN % "cscript"),
        ("exit 5 & echo never", 5, "", ""),
        ("exit /b 3", 3, "", ""),
        ("exit", 0, "", ""),
        ("rem anything & echo never", 0, "", ""),
        ("cd", 0, r"C:\WINDOWS", ""),
        (r"cd \ & cd", 0, "C:\\", ""),
        (r"cd C:\nowhere", 1, "", "The system cannot find the path specified."),
        ("type nothing.txt", 1, "", "The system cannot find the file specified."),
        (r"echo one>C:\a.txt&echo two>>C:\a.txt&type C:\a.txt", 0, "one|two", ""),
        (r"(echo one & echo two) > C:\a.txt & type C:\a.txt", 0, "one |two", ""),
        (r'echo x>"C:\with blank.txt"&type "C:\with blank.txt"', 0, "x", ""),
        (r"echo x > C:\no\such\dir.txt", 1, "", "The system cannot find the path specified."),
        (r"if exist C:\WINDOWS echo yes", 0, "yes", ""),
        (r"if not exist C:\WINDOWS echo yes", 0, "", ""),
        (r"if exist C:\nowhere (echo yes) else (echo no)", 0, "no", ""),
        ('if "%OS%"=="Windows_NT" echo nt', 0, "nt", ""),
        ("if /i a==A echo same", 0, "same", ""),
        ("if a==A echo same", 0, "", ""),
        ("if defined PATH echo yes", 0, "yes", ""),
        ("nope 2>nul & if errorlevel 1 echo failed", 0, "failed", ""),
        ("echo hi | nope", 1, "", UNKNOWN % "nope"),
        ("hostname", 0, "EX01", ""),
        (r"C:\WINDOWS\system32\hostname.exe", 0, "EX01", ""),
        ("hostname x 2>nul || echo failed", 0, "failed", ""),
        ("whoami", 0, r"lab\administrator", ""),
        ("chcp", 0, "Active code page: 437", ""),
        ("dir", 1, "", "The practice lab's cmd.exe does not do 'dir'."),
        ("for %i in (1) do echo %i", 1, "", "The practice lab's cmd.exe does not do 'for'."),
        ("& echo x", 1, "", "& was unexpected at this time."),
        ("echo a &&", 1, "", "The syntax of the command is incorrect."),
        ("(echo a", 1, "", "The syntax of the command is incorrect."),
        ("cmd /c echo inner", 0, "inner", ""),
        ("cmd /c exit 4", 4, "", ""),
        ("", 0, "", ""),
    ],
)
def test_a_line_does_what_cmd_exe_does(machine: Machine, line: str, code: int, out: str, err: str) -> None:
    from agent.lab.winrm.cmd.program import cmd

    machine.programs["cmd"] = cmd
    found = run(machine, line)

    assert found == (code, out, err)


def test_del_and_mkdir_change_the_disk(machine: Machine) -> None:
    run(machine, r"md C:\work & echo x > C:\work\a.txt & echo y > C:\work\b.txt & del C:\work\a.txt")

    assert machine.files.exists(r"C:\work\b.txt")
    assert not machine.files.exists(r"C:\work\a.txt")


def test_a_full_disk_is_an_error(machine: Machine) -> None:
    machine.files.free_bytes = 0
    code, _, err = run(machine, r"echo x > C:\a.txt")

    assert (code, err) == (1, "There is not enough space on the disk.")


def test_a_killed_cmd_exe_runs_no_further_command(machine: Machine) -> None:
    process = machine.processes.spawn("cmd.exe")
    out: list[bytes] = []
    machine.processes.kill(process)
    code = Interpreter(machine, process).run("echo a & echo b", Streams(empty, out.append, out.append))

    assert (code, out) == (1, [])


@pytest.mark.parametrize(
    ("command_line", "line"),
    [
        ("cmd /c echo a", "echo a"),
        ("cmd.exe /C echo a & echo b", "echo a & echo b"),
        ('cmd /c "echo a b"', "echo a b"),
        ("cmd /k ver", "ver"),
        ("cmd", None),
    ],
)
def test_the_line_is_cut_out_of_the_command_line(command_line: str, line: str | None) -> None:
    assert line_of(command_line) == line
