"""The seventeen safety lessons that other tools have paid for, and the tests that hold each of them here.

A lesson without a test is a wish. What no other test holds is held at the end of this file. The simulation
(tests/simulation) plays lessons 1 to 5, 7, 10 and 11 against thousands of random fleets.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.append(str(TESTS / "scenarios"))

HERE = "test_safety_lessons"
PLAYS = "simulation/test_simulation::test_no_play_ends_badly"
FOUND = "simulation/test_found"

LESSONS: Mapping[int, tuple[str, tuple[str, ...]]] = {
    1: ("A rehearsal changes no server, and uses up nothing that a rollback needs.", (
        f"{HERE}::test_a_rehearsal_changes_nothing_and_uses_up_nothing",
        "transport/test_read_only::test_a_write_never_reaches_the_transport_below",
        "test_floors::test_no_function_below_the_command_line_knows_a_dry_run",
        "scenarios/test_taking_back::test_a_dry_run_of_a_rollback_asks_no_server",
        PLAYS,
    )),
    2: ("What was there first is saved before the first write, once, and put back value by value.", (
        "journal/test_journal_steps::test_no_save_no_write",
        "journal/test_journal_steps::test_the_first_original_is_never_overwritten",
        "test_act::test_the_intention_is_durable_before_anything_is_sent",
        "scenarios/test_refusals::test_a_record_that_cannot_be_written_stops_before_the_write",
        "playbooks/test_script_flags::test_an_override_of_an_inherited_word_is_deleted_not_overwritten",
        PLAYS,
    )),
    3: ("Stopping on failures counts who cannot be reached, with every wave, limit and canary.", (
        "test_campaign::test_every_combination_begins_whom_it_may_and_nobody_else",
        PLAYS,
    )),
    4: ("When a run stops is said in words, and is so at the edge.", (
        "test_waves::test_the_words_are_when_it_stops_and_not_one_later",
        "test_waves::test_a_percentage_neither_stops_before_its_share_nor_after_it",
        "journal/test_journal_admission::test_nobody_is_admitted_after_the_last_failure_that_may_be",
        PLAYS,
    )),
    5: ("One server goes first and the number grows; the first that fails stops the run, whatever else is set.", (
        "test_campaign::test_a_canary_that_fails_stops_the_run_whatever_the_threshold",
        "test_waves::test_canaries_go_alone_and_waves_grow_up_to_what_is_allowed",
        PLAYS,
    )),
    6: ("No name is not every name, and a name that nobody knows is an error, in --skip too.", (
        "test_inventory::test_empty_is_not_all",
        "test_inventory::test_an_unknown_name_is_refused_with_what_was_meant",
        "cli/test_working::test_an_empty_limit_is_not_all",
    )),
    7: ("The window is asked before each server, knows a cut-off, and binds people too.", (
        "test_campaign_window::test_no_server_begins_that_could_not_be_finished_in_the_window",
        "test_campaign_window::test_a_reason_to_work_outside_any_window_is_the_only_way_round",
        "journal/test_journal_admission::test_a_server_that_cannot_be_finished_within_the_window_is_not_begun",
        f"{FOUND}::test_what_the_run_holds_is_finished_although_the_window_has_closed",
        PLAYS,
    )),
    8: ("What was read and agreed to is what runs, or nothing does.", (
        "scenarios/test_refusals::test_a_server_that_moved_since_the_plan_is_refused_and_the_others_go_on",
        "scenarios/test_refusals::test_a_plan_that_was_tampered_with_is_not_carried_out",
        "test_planfile::test_other_scripts_make_a_plan_stale",
    )),
    9: ("Where nobody sits at a terminal, nothing is asked.", (
        "cli/test_terminal::test_nobody_to_ask_is_refused_and_changes_nothing",
        "cli/test_terminal::test_without_a_terminal_no_password_is_asked_for",
        "config/test_config_secrets::test_nobody_is_asked_without_a_terminal",
    )),
    10: ("Changed but not restarted is a debt on record, and is settled whatever fails after it.", (
        "scenarios/test_kill_points::test_death_at_any_boundary_of_apply_is_mended_by_resume",
        "journal/test_journal_debts::test_a_debt_says_how_far_the_work_has_come",
        "scenarios/test_two_agents::test_one_of_two_is_killed_and_the_other_goes_on",
        f"{FOUND}::test_who_takes_a_rollback_over_knows_what_does_not_start",
        PLAYS,
    )),
    11: ("A change is proved by reading it and by asking the path, and again when the directory has had its say.", (
        "test_verify::test_each_key_is_read_again",
        "scenarios/test_taking_back::test_a_flag_that_comes_back_later_is_found_by_the_second_look",
        "scenarios/test_taking_back::test_a_value_that_turns_back_at_once_is_no_success",
        PLAYS,
    )),
    12: ("A defence that is lowered is named beforehand, with what to put in its place; what limits it stands.", (
        f"{HERE}::test_what_the_change_opens_is_said_before_it_and_a_limit_to_the_proxies_stays",
        "test_siblings::test_a_fault_is_told_with_evidence_and_a_next_step",
    )),
    13: ("Failure shows in the exit code, also where only one of many has failed.", (
        "test_exits::test_every_state_of_a_server_has_its_code",
        "test_exits::test_the_worst_wins_in_the_order_said",
        "scenarios/test_documents::test_the_worst_code_wins",
    )),
    14: ("Errors are those that the server calls errors; words on a stream decide nothing.", (
        "transport/test_objects::test_an_error_that_the_script_went_on_after_still_counts",
        "transport/test_objects::test_warnings_and_verbose_words_are_no_part_of_the_answer",
        "test_lint::test_a_program_runs_where_its_error_stream_does_not_end_the_script",
    )),
    15: ("Questions are repeated; a write is looked at first, and a session that broke is thrown away.", (
        "test_act::test_a_question_is_put_again_and_a_write_is_not",
        "test_act::test_a_second_sending_is_the_last",
        "scenarios/test_kill_points::test_a_write_whose_answer_is_lost_is_looked_at_and_not_doubled",
        "transport/test_breaks::test_after_a_break_the_next_script_goes_over_a_new_session",
        PLAYS,
    )),
    16: ("A word that is shown can be set, and reads the same afterwards, whatever bits it has.", (
        f"{HERE}::test_a_word_that_is_shown_is_one_that_can_be_set",
        "model/test_model_flags::test_unknown_bits_survive_clearing",
        "model/test_model_flags::test_a_signed_word_from_com_is_the_same_word",
        f"{FOUND}::test_a_word_with_its_highest_bit_is_cleared_as_it_is_shown",
    )),
    17: ("The way back is the easiest command, and is offered with every answer that needs it.", (
        "scenarios/test_newcomer_record::test_after_a_good_run_the_second_look_is_offered_and_the_way_back",
        "scenarios/test_taking_back::test_an_override_of_an_inherited_value_is_deleted",
        "scenarios/test_kill_points::test_death_at_any_boundary_of_rollback_is_mended_by_resume",
    )),
}  # fmt: skip
"""Each lesson in our words, and the tests that hold it: file below tests/, and name."""

NAMED = [(number, test) for number, (_, tests) in LESSONS.items() for test in tests]


@cache
def those_in(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TESTS / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_there_are_seventeen_lessons_in_a_sentence_each() -> None:
    assert list(LESSONS) == list(range(1, 18))
    assert all(sentence.endswith(".") and tests for sentence, tests in LESSONS.values())


@pytest.mark.parametrize(("number", "test"), NAMED, ids=lambda value: str(value))
def test_what_is_named_is_there(number: int, test: str) -> None:
    file, name = test.split("::")

    assert name in those_in(file), f"lesson {number} is held by nothing: {test}"


def test_a_rehearsal_changes_nothing_and_uses_up_nothing(tmp_path: Path) -> None:
    """Lesson 1: before a change and after one, every command that only looks leaves all as it was."""
    from harness import Stand

    with Stand(tmp_path, "fake", ["inherited-ssl@EX01"]) as stand:
        before = stand.photograph()
        stand.easfix("check")
        rehearsed = stand.easfix("apply", "--dry-run")

        assert (rehearsed.code, stand.photograph()) == (2, before)
        assert not (tmp_path / "journal.db").exists()

        stand.easfix("apply", "--yes")
        changed = stand.photograph()
        stand.easfix("apply", "--dry-run")
        stand.easfix("rollback", "last", "--dry-run")

        assert stand.photograph() == changed

        back = stand.easfix("rollback", "last", "--yes")

        assert (back.code, back.state()) == (0, "rolled_back")
        assert stand.photograph()["EX01"].memory == before["EX01"].memory


def test_what_the_change_opens_is_said_before_it_and_a_limit_to_the_proxies_stays(tmp_path: Path) -> None:
    """Lesson 12: with SSL gone, Basic sends passwords in clear; what admits the proxies only is left alone."""
    from harness import EAS, Stand

    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        limits = stand.machine().metabase.get(EAS, "IPSecurity")
        rehearsed = stand.easfix("apply", "--dry-run")
        said = {each["name"]: each for each in rehearsed.server()["siblings"]}
        stand.easfix("apply", "--yes")

        assert "Client Access servers" in said["basic-over-plain-http"]["next_step"]
        assert stand.machine().metabase.get(EAS, "IPSecurity") == limits


@pytest.mark.parametrize("word", [8, 264, 8 | 32, 8 | 0x200, -248])
def test_a_word_that_is_shown_is_one_that_can_be_set(tmp_path: Path, word: int) -> None:
    """Lesson 16: on the real scripts, also with bits that nobody knows; negative is how COM shows the highest."""
    from harness import EAS, FLAGS, Stand

    settings = {"guards": {"allow_client_certificates": True}}
    with Stand(tmp_path, "fake", ["require-ssl@EX01"], settings=settings) as stand:
        machine = stand.machine()
        machine.metabase.set(EAS, FLAGS, word & 0xFFFF_FFFF)
        machine.metabase.save()
        before = stand.directory()
        applied = stand.easfix("apply", "--yes")
        cleared = stand.directory()
        back = stand.easfix("rollback", "last", "--yes")
        after = stand.directory()

        assert (applied.state(), back.state()) == ("changed", "rolled_back"), (applied.reason(), back.reason())
        assert cleared.flags_memory & 0xFFFF_FFFF == word & 0xFFFF_FFFF & ~(8 | 64 | 256)
        assert (after.flags_memory, after.flags_disk) == (before.flags_memory, before.flags_disk)
