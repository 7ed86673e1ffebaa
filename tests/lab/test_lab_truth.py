"""The lab's own account says what is really so, in memory and on disk, before and after each thing that happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from fleetlab import FAST, PATH, Visitor, eventually
from pypsrp.exceptions import AuthenticationError

from agent.lab.fleet import Fleet
from agent.lab.truth import Account, DirectoryTruth
from agent.lab.words import machine_lines, user_lines

SITE = "W3SVC/1"
CLEAR = f"$d = [ADSI]'IIS://localhost/{PATH}'; $d.Put('AccessSSLFlags', 0); $d.SetInfo()"
SAVE = "([ADSI]'IIS://localhost').psbase.Invoke('SaveData') | Out-Null"


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with Fleet(1, 1, ["require-ssl@EX01"], pace=FAST) as fleet:
        yield Visitor(fleet)


def truth(visitor: Visitor, name: str = "EX01") -> Account:
    return next(each for each in visitor.fleet.truth() if each.name == name)


def eas(visitor: Visitor) -> DirectoryTruth:
    return next(each for each in truth(visitor).directories if each.path == PATH)


def test_a_fresh_machine_has_no_history(visitor: Visitor) -> None:
    found = truth(visitor)

    assert (found.iisresets, found.recycles, found.reboots, found.iisreset_kills) == (0, 0, 0, 0)
    assert (found.logons, found.logon_failures, found.requests_served, found.seconds_without_mail) == (0, 0, 0, 0.0)
    assert (found.scripts, found.metabase_backups, found.files, found.programs, found.shells) == ([], [], [], [], 0)
    assert (found.services_down, found.events, found.online) == ([], [], True)


def test_memory_and_disk_are_told_apart(visitor: Visitor) -> None:
    visitor.run("EX01", CLEAR)
    changed = eas(visitor)
    visitor.run("EX01", SAVE)

    assert (changed.flags_memory, changed.flags_disk) == (0, 8)
    assert (eas(visitor).flags_memory, eas(visitor).flags_disk) == (0, 0)


def test_the_key_that_holds_the_value_is_named(visitor: Visitor) -> None:
    visitor.fleet.fault("inherited-ssl@EX01")
    inherited = eas(visitor)
    visitor.fleet.fault("healthy@EX01")

    assert (inherited.set_at_memory, inherited.set_at_disk) == (SITE, SITE)
    assert (eas(visitor).set_at_memory, eas(visitor).flags_memory) == (None, 0)


def test_while_iisadmin_is_down_only_the_disk_speaks(visitor: Visitor) -> None:
    visitor.fleet.fault("service-down=IISADMIN@EX01")
    found = eas(visitor)

    assert (found.flags_memory, found.set_at_memory, found.flags_disk, found.auth_flags) == (None, None, 8, 6)
    assert {"IISADMIN", "W3SVC", "SMTPSVC"} <= set(truth(visitor).services_down)


def test_a_reset_is_counted_with_the_time_without_mail(visitor: Visitor) -> None:
    visitor.cmd("EX01", "iisreset /noforce")
    found = truth(visitor)

    assert found.iisresets == 1
    assert found.seconds_without_mail > 0
    assert found.services_down == []
    assert {event.id for event in found.events if event.source == "IISCTLS"} == {3201, 3202}


def test_what_a_script_leaves_on_the_machine_is_listed(visitor: Visitor) -> None:
    folder = r"C:\WINDOWS\easfix"
    make = (
        f"New-Item -ItemType Directory -Path '{folder}' | Out-Null; Set-Content -Path '{folder}\\r1.restart' -Value 1"
    )
    visitor.run("EX01", make)
    left = truth(visitor)
    visitor.run("EX01", f"Remove-Item -Path '{folder}\\r1.restart'")

    assert left.markers == ["r1.restart"]
    assert left.files == [rf"{folder}\r1.restart"]
    assert truth(visitor).files == []


def test_a_metabase_backup_is_listed(visitor: Visitor) -> None:
    visitor.run("EX01", "([ADSI]'IIS://localhost').psbase.Invoke('Backup', 'before', 1, 0) | Out-Null")

    assert truth(visitor).metabase_backups == ["before"]


def test_a_program_without_a_shell_is_listed_while_it_runs() -> None:
    with Fleet(1, 0, []) as fleet:
        visitor = Visitor(fleet)
        visitor.run("EX01", "([wmiclass]'Win32_Process').Create('iisreset.exe /noforce') | Out-Null")

        assert truth(visitor).programs == ["iisreset.exe /noforce"]
        assert truth(visitor).shells == 0


def test_an_open_shell_is_counted_until_it_is_closed(visitor: Visitor) -> None:
    from pypsrp.powershell import RunspacePool

    pool = RunspacePool(visitor.wsman("EX01"))
    pool.open()
    opened = truth(visitor).shells
    pool.close()

    assert (opened, truth(visitor).shells) == (1, 0)


def test_scripts_are_known_by_hash_and_by_who_sent_them(visitor: Visitor) -> None:
    visitor.run("EX01", "1 + 1")
    (script,) = truth(visitor).scripts

    assert (script.sha256, script.characters) == (hashlib.sha256(b"1 + 1").hexdigest(), 5)
    assert script.user == visitor.fleet.administrator.qualified


def test_logons_are_counted_on_the_machine_and_for_the_user(visitor: Visitor) -> None:
    with pytest.raises(AuthenticationError):
        visitor.run("EX01", "1", password="wrong")
    wrong = visitor.fleet.users()[0]
    visitor.run("EX01", "1")
    right = visitor.fleet.users()[0]

    assert (wrong.name, wrong.bad_passwords, wrong.locked, wrong.logons) == (r"LAB\easfix", 1, False, 0)
    assert (right.bad_passwords, right.logons) == (0, truth(visitor).logons)
    assert truth(visitor).logon_failures == 1


def test_the_proxys_events_are_told(visitor: Visitor) -> None:
    visitor.fleet.fault("basic-only@EX01")
    visitor.fleet.fault("healthy@CAS01")
    visitor.fleet.fault("block-legacy@CAS01")
    visitor.phone("CAS01", "EX01")
    (event,) = truth(visitor, "CAS01").events

    assert (event.log, event.source, event.id) == ("Application", "MSExchange ActiveSync", 1030)
    assert truth(visitor, "CAS01").directories == []


def test_what_active_directory_says_is_told(visitor: Visitor) -> None:
    visitor.fleet.fault("ds2mb-revert=600@EX01")

    assert (eas(visitor).flags_directory, eas(visitor).auth_flags_directory) == (8, 6)


def test_the_faults_of_now_are_told(visitor: Visitor) -> None:
    visitor.fleet.fault("slow=0@EX01")
    before = truth(visitor).faults
    visitor.fleet.fault("healthy@EX01")

    assert before == ["require-ssl@EX01", "slow=0@EX01"]
    assert truth(visitor).faults == []


def test_the_truth_can_be_asked_in_the_middle_of_a_reset() -> None:
    with Fleet(1, 0, []) as fleet:
        visitor = Visitor(fleet)
        visitor.run("EX01", "([wmiclass]'Win32_Process').Create('iisreset.exe /noforce') | Out-Null")

        assert eventually(lambda: "W3SVC" in truth(visitor).services_down)


def test_the_document_is_plain_json(visitor: Visitor) -> None:
    visitor.run("EX01", "1")
    document = truth(visitor).document()

    assert json.loads(json.dumps(document)) == document


# --- in words --------------------------------------------------------------------------------------------------


def words(visitor: Visitor, name: str = "EX01") -> str:
    return "\n".join(machine_lines(truth(visitor, name).document()))


def test_in_words_flags_have_names(visitor: Visitor) -> None:
    visitor.fleet.fault("require-ssl-128@EX01")

    assert "Microsoft-Server-ActiveSync: 264 (SSL, 128-bit), its own; Basic, Integrated" in words(visitor)


def test_in_words_an_unsaved_change_is_seen(visitor: Visitor) -> None:
    visitor.run("EX01", CLEAR)

    assert "0 (no SSL), its own; on disk 8 (SSL), its own" in words(visitor)


def test_in_words_only_what_is_worth_saying_is_said(visitor: Visitor) -> None:
    shown = words(visitor, "CAS01")

    assert shown == "CAS01  cas2007, up, 0 iisresets, 0.0 s without mail, 0 scripts, 0 web requests, 0 logons"


def test_in_words_what_is_owed_is_said(visitor: Visitor) -> None:
    visitor.run("EX01", r"Set-Content -Path 'C:\left.txt' -Value 1")
    visitor.fleet.fault("service-down=POP3Svc@EX01")
    visitor.fleet.fault("child-override@EX01")
    visitor.fleet.fault("ds2mb-revert=600@EX01")
    visitor.run("EX01", CLEAR)
    shown = words(visitor)

    assert "EX01  back-end, up, 0 iisresets" in shown and "2 scripts" in shown
    assert "down that ran before: POP3Svc" in shown
    assert r"left behind: C:\left.txt" in shown
    assert "below, Devices: 8 (SSL), its own" in shown
    assert "Active Directory says 8 (SSL): DS2MB may write that" in shown


def test_in_words_a_locked_account_is_loud(visitor: Visitor) -> None:
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            visitor.run("EX01", "1", password="wrong")
    users = [{"name": each.name, "locked": each.locked, "bad_passwords": each.bad_passwords}
             for each in visitor.fleet.users()]  # fmt: skip

    assert list(user_lines(users)) == [r"LAB\easfix: LOCKED, 5 wrong passwords in a row"]
