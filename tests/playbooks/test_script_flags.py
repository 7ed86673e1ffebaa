"""backup.ps1, clear.ps1, restore.ps1 and readback.ps1: compare, write one property of one key, save, read back."""

from __future__ import annotations

import threading

import pytest
from scripted import CHILD, EAS, FLAGS, ScriptError, Server

from agent.lab import settings

PLAN = {"Path": EAS, "Before": 264, "After": 0, "Held": "explicit"}


def test_the_flag_is_cleared_in_memory_and_on_disk(server: Server) -> None:
    answer = server.one("clear", **PLAN)

    assert (answer["Flags"], answer["Explicit"], answer["Changed"], answer["Saved"]) == (0, True, True, True)
    assert (server.flags(), server.saved()) == (0, 0)


def test_other_bits_are_kept_as_the_plan_says(server: Server) -> None:
    server.set(EAS, 264 | 32)
    answer = server.one("clear", Path=EAS, Before=296, After=32, Held="explicit")

    assert (answer["Flags"], server.flags()) == (32, 32)


def test_nothing_else_is_touched(server: Server) -> None:
    before = {key.path: dict(key.values) for key in server.machine.metabase.memory.keys.values()}
    server.one("clear", **PLAN)
    after = {key.path: dict(key.values) for key in server.machine.metabase.memory.keys.values()}
    before[EAS][FLAGS] = 0

    assert after == before
    assert server.machine.counters.iisresets == 0


def test_an_inherited_flag_becomes_an_explicit_value_on_the_directory_only(server: Server) -> None:
    settings.inherited_ssl(server.machine)
    answer = server.one("clear", Path=EAS, Before=8, After=0, Held="inherited")

    assert (answer["Flags"], answer["Explicit"]) == (0, True)
    assert server.flags("W3SVC/1") == 8, "Outlook Web Access depends on the site's flag"


def test_a_child_is_cleared_by_its_own_path(server: Server) -> None:
    settings.child_override(server.machine)
    server.one("clear", Path=CHILD, Before=8, After=0, Held="explicit")

    assert server.flags(CHILD) == 0
    assert server.flags(EAS) == 264


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"Before": 8}, "264"),
        ({"Held": "inherited"}, "explicit"),
        ({"Path": "W3SVC/1/ROOT/Nothing"}, "Nothing"),
        ({"Path": "W3SVC/1"}, "not a directory"),
        ({"Path": "W3SVC/1/ROOT"}, "not a directory"),
    ],
)
def test_a_key_that_is_not_as_planned_is_refused_and_nothing_changes(
    server: Server, changed: dict[str, object], word: str
) -> None:
    memory = server.machine.metabase.memory

    with pytest.raises(ScriptError, match=f"^refused: nothing was changed: .*{word}"):
        server.run("clear", **{**PLAN, **changed})
    assert server.machine.metabase.memory is memory


def test_sent_again_it_finds_its_work_done(server: Server) -> None:
    server.one("clear", **PLAN)
    again = server.one("clear", **PLAN)

    assert (again["Changed"], again["Flags"], again["Saved"]) == (False, 0, True)


def test_a_full_disk_is_told_and_not_taken_for_saved(server: Server) -> None:
    server.machine.files.free_bytes = 0
    answer = server.one("clear", **PLAN)

    assert (answer["Flags"], answer["Saved"]) == (0, False)
    assert "space" in answer["Message"]
    assert (server.flags(), server.saved()) == (0, 264)


def test_a_user_without_rights_changes_nothing(server: Server) -> None:
    with pytest.raises(ScriptError, match="denied"):
        server.run("clear", "LAB\\clerk", **PLAN)

    assert server.flags() == 264


def test_an_explicit_word_is_written_back(server: Server) -> None:
    server.one("clear", **PLAN)
    answer = server.one("restore", Path=EAS, Before=0, After=264, Held="explicit")

    assert (answer["Flags"], answer["Explicit"], answer["Changed"], answer["Saved"]) == (264, True, True, True)
    assert (server.flags(), server.saved()) == (264, 264)


def test_an_override_of_an_inherited_word_is_deleted_not_overwritten(server: Server) -> None:
    settings.inherited_ssl(server.machine)
    server.one("clear", Path=EAS, Before=8, After=0, Held="inherited")
    answer = server.one("restore", Path=EAS, Before=0, After=8, Held="inherited")

    assert (answer["Flags"], answer["Explicit"]) == (8, False)
    assert not server.own()
    server.set("W3SVC/1", 0)
    assert server.flags() == 0, "the directory follows its site again"


def test_restoring_again_finds_its_work_done(server: Server) -> None:
    for held, before in (("explicit", 264), ("inherited", 8)):
        if held == "inherited":
            settings.inherited_ssl(server.machine)
        server.one("clear", Path=EAS, Before=before, After=0, Held=held)
        server.one("restore", Path=EAS, Before=0, After=before, Held=held)
        again = server.one("restore", Path=EAS, Before=0, After=before, Held=held)

        assert (again["Changed"], again["Flags"]) == (False, before)


def test_a_word_that_somebody_else_wrote_is_not_rolled_back(server: Server) -> None:
    server.one("clear", **PLAN)
    server.set(EAS, 32)

    with pytest.raises(ScriptError, match=r"^refused: nothing was changed"):
        server.run("restore", Path=EAS, Before=0, After=264, Held="explicit")
    assert server.flags() == 32


def test_how_the_word_was_held_must_be_said(server: Server) -> None:
    with pytest.raises(ScriptError, match=r"^refused: "):
        server.run("restore", Path=EAS, Before=264, After=0, Held="")


def test_reading_back_tells_memory_and_file_apart(server: Server) -> None:
    server.machine.metabase.set(EAS, FLAGS, 0)
    answer = server.one("readback", Path=[EAS])

    assert (answer["Exists"], answer["Flags"], answer["Explicit"]) == (True, 0, True)
    assert (answer["IsFileReadable"], answer["SavedExplicit"], answer["SavedWord"]) == (True, True, 264)
    assert answer["SavedFlags"] == "AccessSSL | AccessSSL128"
    server.machine.metabase.save()
    assert server.one("readback", Path=[EAS])["SavedWord"] == 0


@pytest.mark.parametrize("word", [0, 8, 32, 64, 128, 256, 488])
def test_every_bit_of_the_saved_word_is_read(server: Server, word: int) -> None:
    server.set(EAS, word)

    assert server.one("readback", Path=[EAS])["SavedWord"] == word


def test_reading_back_answers_for_every_key_in_order(server: Server) -> None:
    settings.inherited_ssl(server.machine)
    answers = server.run("readback", Path=[EAS, "W3SVC/1/ROOT/Nothing", "W3SVC/1"])

    assert [each["Path"] for each in answers] == [EAS, "W3SVC/1/ROOT/Nothing", "W3SVC/1"]
    assert [each["Exists"] for each in answers] == [True, False, True]
    assert [each["InheritedFrom"] for each in answers] == ["W3SVC/1", "", ""]
    assert [each["SavedExplicit"] for each in answers] == [False, False, True]


def test_an_explicit_word_below_another_explicit_one_is_inherited_from_nowhere(server: Server) -> None:
    server.set("W3SVC/1", 8)
    answer = server.one("readback", Path=[EAS])

    assert (answer["Flags"], answer["Explicit"], answer["InheritedFrom"]) == (264, True, "")


def test_a_file_that_cannot_be_read_is_told(server: Server) -> None:
    release = server.machine.files.hold(r"C:\WINDOWS\system32\inetsrv\MetaBase.xml")
    answer = server.one("readback", Path=[EAS])
    release()

    assert (answer["IsFileReadable"], answer["Flags"]) == (False, 264)
    assert "another process" in answer["Message"]


def test_the_metabase_is_backed_up_once(server: Server) -> None:
    first = server.one("backup", Name="easfix-20260101-1")
    second = server.one("backup", Name="easfix-20260101-1")

    assert (first["Created"], second["Created"]) == (True, False)
    assert first["Bytes"] > 0
    assert [each.location for each in server.machine.backups.list()] == ["easfix-20260101-1"]


@pytest.mark.parametrize("name", ["", "a b", r"..\a", "a" * 101])
def test_a_name_that_is_no_name_is_refused(server: Server, name: str) -> None:
    with pytest.raises(ScriptError, match=r"^refused: nothing was written"):
        server.run("backup", Name=name)

    assert server.machine.backups.list() == []


def test_a_backup_that_does_not_fit_is_an_error(server: Server) -> None:
    server.machine.files.free_bytes = 100

    with pytest.raises(ScriptError):
        server.run("backup", Name="easfix-1")


def test_of_two_writers_with_the_same_plan_neither_undoes_the_other(server: Server) -> None:
    outcomes: list[object] = []

    def write() -> None:
        try:
            outcomes.append(server.one("clear", **PLAN)["Flags"])
        except ScriptError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)

    assert outcomes == [0, 0, 0, 0]
    assert server.flags() == 0
