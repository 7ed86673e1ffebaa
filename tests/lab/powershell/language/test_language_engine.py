"""A session keeps its state, ends when it is told to, and never runs a script it cannot read."""

import threading
from collections.abc import Callable

import pytest
from sessions import Kept, Session, new_session

from agent.lab.clock import DrivenClock
from agent.lab.powershell.engine import CommandCall, Outcome, RunResult


@pytest.fixture
def session() -> Session:
    return new_session()


def _run(session: Session, script: str) -> tuple[RunResult, Kept]:
    kept = Kept()
    return session.engine.run_text(script, kept), kept


def _in_thread(session: Session, script: str) -> tuple[threading.Thread, list[RunResult], Kept]:
    kept, results = Kept(), list[RunResult]()
    thread = threading.Thread(target=lambda: results.append(session.engine.run_text(script, kept)), daemon=True)
    thread.start()
    assert kept.first.wait(30)
    return thread, results, kept


def test_variables_and_functions_live_from_run_to_run(session: Session) -> None:
    _run(session, "$x = 5; function twice($n) { $n * 2 }")
    _, kept = _run(session, "twice $x")

    assert kept.out == [10]


def test_what_does_not_parse_runs_not_at_all(session: Session) -> None:
    result, kept = _run(session, "'before'\nSet-Content -Path 'C:\\x.txt' -Value 'x'\nif (")

    assert result.outcome is Outcome.FAILED
    assert result.error is not None and result.error.error_id == "ParserError"
    assert kept.out == []
    assert not session.machine.files.exists("C:\\x.txt")


def test_a_refusal_names_construct_and_line(session: Session) -> None:
    result, kept = _run(session, "'before'\n\nGet-CimInstance 'Win32_Service'\n'after'")

    assert result.outcome is Outcome.FAILED
    assert result.error is not None and result.error.error_id == "LabRefused"
    assert "Get-CimInstance" in result.error.message and "line 3" in result.error.message
    assert kept.out == ["before"]


def test_a_refusal_in_a_function_names_the_line_of_the_call_that_was_refused(session: Session) -> None:
    result, _ = _run(session, "function f {\n  ConvertTo-Json 1\n}\nf")

    assert result.error is not None and "line 2" in result.error.message


@pytest.mark.parametrize(
    "loop",
    [
        "while ($true) { $i++ }",
        "for (;;) { }",
        "do { } until ($false)",
        "foreach ($i in @(0) * 1000000) { Start-Sleep -Milliseconds 1 }",
        "@(0) * 1000000 | ForEach-Object { Start-Sleep -Milliseconds 1 }",
        "Start-Sleep -Seconds 1000000000",
        "try { while ($true) { } } catch { 'caught' }",
        "trap { continue }; while ($true) { }",
    ],
)
def test_stop_ends_a_script_wherever_it_is(loop: str) -> None:
    clock = DrivenClock()  # nobody moves it: a sleep would last for ever
    session = new_session(clock if "1000000000" in loop else None)
    thread, results, kept = _in_thread(session, f"'go'; {loop}; 'never'")
    session.engine.stop()
    thread.join(30)

    assert [result.outcome for result in results] == [Outcome.STOPPED]
    assert kept.out == ["go"]


def test_a_stopped_script_runs_its_finally_and_a_killed_one_does_not() -> None:
    def ended(end: Callable[[Session], None]) -> list[object]:
        session = new_session()
        thread, results, kept = _in_thread(session, "try { 'go'; while ($true) { } } finally { 'finally' }")
        end(session)
        thread.join(30)
        assert [result.outcome for result in results] == [Outcome.STOPPED]
        return kept.out

    assert ended(lambda session: session.engine.stop()) == ["go", "finally"]
    assert ended(lambda session: session.machine.processes.kill_tree(session.process)) == ["go"]


def test_stop_kills_the_native_program_the_script_waits_for() -> None:
    session = new_session()
    entered = threading.Event()

    def waits(machine, process, arguments, stdin, stdout, stderr) -> int:  # type: ignore[no-untyped-def] # a Program
        entered.set()
        assert process.killed.wait(30)
        return 1

    session.machine.programs["waits"] = waits
    kept, results = Kept(), list[RunResult]()
    thread = threading.Thread(target=lambda: results.append(session.engine.run_text("waits.exe; 'never'", kept)))
    thread.start()
    assert entered.wait(30)
    session.engine.stop()
    thread.join(30)

    assert [result.outcome for result in results] == [Outcome.STOPPED]
    assert kept.out == []


def test_a_session_can_run_again_after_a_stop(session: Session) -> None:
    thread, _, _ = _in_thread(session, "'go'; while ($true) { }")
    session.engine.stop()
    thread.join(30)
    result, kept = _run(session, "'again'")

    assert result.outcome is Outcome.COMPLETED
    assert kept.out == ["again"]


def test_parameters_reach_the_param_block(session: Session) -> None:
    kept = Kept()
    session.engine.run_text(
        "param([string]$Path, [int[]]$Numbers)\n$Path; $Numbers.Count",
        kept,
        parameters={"Path": "a b", "Numbers": [1, 2, 3]},
    )

    assert kept.out == ["a b", 3]


def test_arguments_go_by_position_and_input_down_the_pipe(session: Session) -> None:
    kept = Kept()
    session.engine.run_text("param($By)\nforeach ($each in $input) { $each * $By }", kept, arguments=[10], input=[1, 2])

    assert kept.out == [10, 20]


def test_commands_form_one_pipeline_until_a_statement_ends(session: Session) -> None:
    kept = Kept()
    session.engine.run(
        [
            CommandCall("1, 2, 3", is_script=True),
            CommandCall("Select-Object", parameters=(("First", 2),), end_of_statement=True),
            CommandCall("Write-Output", parameters=((None, "next"),)),
        ],
        kept,
    )

    assert kept.out == [1, 2, "next"]


def test_local_scope_keeps_a_scripts_variables_to_itself(session: Session) -> None:
    kept = Kept()
    session.engine.run([CommandCall("$inner = 1", is_script=True, use_local_scope=True)], kept)
    session.engine.run([CommandCall("$inner -eq $null", is_script=True)], kept)

    assert kept.out == [True]


def test_each_script_is_counted(session: Session) -> None:
    _run(session, "1")
    _run(session, "1")

    assert session.machine.counters.scripts_run == 2


def test_calls_without_end_are_refused(session: Session) -> None:
    result, _ = _run(session, "function f { f }\nf")

    assert result.outcome is Outcome.FAILED
    assert result.error is not None and "deeper" in result.error.message


def test_a_terminating_error_ends_the_run_with_its_record(session: Session) -> None:
    result, kept = _run(session, "'a'\nthrow 'boom'\n'b'")

    assert result.outcome is Outcome.FAILED
    assert result.error is not None and result.error.message == "boom"
    assert result.error.where.line_number == 2
    assert kept.out == ["a"]
