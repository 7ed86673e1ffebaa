"""Native programs: lines become strings, redirected standard error becomes error records (domain 6.5)."""

import pytest
from sessions import Kept, Session, new_session

from agent.lab.powershell.engine import Outcome, RunResult


@pytest.fixture
def session() -> Session:
    made = new_session()
    made.machine.programs["both"] = _both
    made.machine.programs["echoes"] = _echoes
    return made


def _both(machine, process, arguments, stdin, stdout, stderr) -> int:  # type: ignore[no-untyped-def] # a Program
    stdout(b"one\r\ntw")
    stdout(b"o\r\n")
    stderr(b"bad\r\nworse\r\n")
    stdout(b"three")
    return 7


def _echoes(machine, process, arguments, stdin, stdout, stderr) -> int:  # type: ignore[no-untyped-def] # a Program
    stdout(("|".join(arguments) + "\r\n").encode())
    stdout(stdin)
    return 0


def _run(session: Session, script: str) -> tuple[RunResult, Kept]:
    kept = Kept()
    return session.engine.run_text(script, kept), kept


def test_lines_of_output_become_strings(session: Session) -> None:
    _, kept = _run(session, "both.exe 2> $null")

    assert kept.out == ["one", "two", "three"]


def test_the_exit_code_is_lastexitcode_and_question_mark(session: Session) -> None:
    _, kept = _run(session, "$lines = both 2> $null\n$?\n$LASTEXITCODE")

    assert kept.out == [False, 7]


def test_redirected_errors_join_the_output_as_records(session: Session) -> None:
    _, kept = _run(session, "@(both 2>&1 | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }).Count")

    assert kept.out == [2]


def test_the_first_error_line_is_nativecommanderror(session: Session) -> None:
    _, kept = _run(
        session, "(both 2>&1 | Where-Object { $_ -isnot [string] } | Select-Object -First 1).FullyQualifiedErrorId"
    )

    assert kept.out == ["NativeCommandError"]


def test_with_stop_one_redirected_error_line_ends_the_script(session: Session) -> None:
    result, kept = _run(session, "$ErrorActionPreference = 'Stop'\n$r = both 2>&1\n'never'")

    assert result.outcome is Outcome.FAILED
    assert result.error is not None and result.error.message == "bad"
    assert kept.out == []


def test_with_continue_around_it_the_script_goes_on(session: Session) -> None:
    result, kept = _run(
        session,
        "$ErrorActionPreference = 'Stop'\n& { $ErrorActionPreference = 'Continue'; $null = both 2>&1 }\n'after'",
    )

    assert result.outcome is Outcome.COMPLETED
    assert kept.out == ["after"]


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("echoes a b", "a|b"),
        ("echoes 'a b' c", "a b|c"),
        ("echoes /noforce -x:1", "/noforce|-x:1"),
        ("$p = 1, 2\nechoes $p", "1|2"),
        ("$v = 'x'\nechoes a$v", "ax"),
        ("& 'C:\\WINDOWS\\system32\\echoes.exe' y", "y"),
        ('& "$env:windir\\system32\\echoes.exe" y', "y"),
    ],
)
def test_arguments_arrive_as_the_program_would_split_them(session: Session, call: str, seen: str) -> None:
    _, kept = _run(session, call)

    assert kept.out == [seen]


def test_pipeline_objects_become_lines_of_standard_input(session: Session) -> None:
    _, kept = _run(session, "'first', 2 | echoes")

    assert kept.out == ["", "first", "2"]


def test_a_program_runs_as_a_child_of_the_session(session: Session) -> None:
    parents = []

    def notes(machine, process, arguments, stdin, stdout, stderr) -> int:  # type: ignore[no-untyped-def] # a Program
        parents.append(process.parent)
        return 0

    session.machine.programs["notes"] = notes
    _run(session, "notes")

    assert parents == [session.process]


def test_a_program_that_is_not_there_is_an_error_a_script_can_catch(session: Session) -> None:
    _, kept = _run(session, "try { cscript.exe //nologo x.vbs } catch { 'absent' }")

    assert kept.out == ["absent"]
