"""What [ADSI] shows and does over the metabase."""

from __future__ import annotations

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.machine import Machine
from agent.lab.world.schema import IpSecurity

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
FLAGS = "AccessSSLFlags"


def test_properties_value_reads_the_flag_word(session, machine: Machine) -> None:
    machine.metabase.set(EAS, FLAGS, 264)

    assert session.get(f"([ADSI]'IIS://localhost/{EAS}').psbase.Properties['{FLAGS}'].Value") == 264


def test_an_inherited_value_is_read_at_the_directory_too(session, machine: Machine) -> None:
    machine.metabase.set("W3SVC/1", FLAGS, 8)

    assert session.get(f"([ADSI]'IIS://localhost/{EAS}').Get('{FLAGS}')") == 8


@pytest.mark.parametrize(
    "way",
    [
        f"$v.psbase.Properties['{FLAGS}'].Value = 0; $v.psbase.CommitChanges()",
        f"$v.Put('{FLAGS}', 0); $v.SetInfo()",
        f"$v.{FLAGS} = 0; $v.SetInfo()",
        f"[void]$v.psbase.Invoke('Put', @('{FLAGS}', 0)); $v.psbase.CommitChanges()",
        f"$v.PutEx(2, '{FLAGS}', @(0)); $v.SetInfo()",
        f"$v.psbase.InvokeSet('{FLAGS}', @(0)); $v.CommitChanges()",
    ],
)
def test_every_way_to_write_ends_in_memory(session, machine: Machine, way: str) -> None:
    machine.metabase.set(EAS, FLAGS, 264)

    assert session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; {way}") == []
    assert machine.metabase.own(EAS)[FLAGS] == 0


def test_nothing_is_written_before_set_info(session, machine: Machine) -> None:
    session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.Put('{FLAGS}', 8)")

    assert machine.metabase.get(EAS, FLAGS) == 0


def test_what_was_read_stays_until_refresh_cache(session, machine: Machine) -> None:
    session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; [void]$v.Get('{FLAGS}')")
    machine.metabase.set(EAS, FLAGS, 8)

    assert session.get(f"$v.Get('{FLAGS}')") == 0
    assert session.get(f"$v.psbase.RefreshCache(); $v.psbase.Properties['{FLAGS}'].Value") == 8


def test_clearing_a_property_deletes_the_override(session, machine: Machine) -> None:
    machine.metabase.set("W3SVC/1", FLAGS, 8)
    machine.metabase.set(EAS, FLAGS, 0)
    session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.PutEx(1, '{FLAGS}', $null); $v.SetInfo()")

    assert FLAGS not in machine.metabase.own(EAS)
    assert machine.metabase.get(EAS, FLAGS) == 8


def test_a_named_bit_changes_only_its_bit(session, machine: Machine) -> None:
    machine.metabase.set(EAS, FLAGS, 8 | 32)
    session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.AccessSSL = $false; $v.SetInfo()")

    assert machine.metabase.get(EAS, FLAGS) == 32


def test_get_data_paths_lists_the_keys_with_their_own_value(session, machine: Machine) -> None:
    machine.metabase.set("W3SVC/1", FLAGS, 8)
    machine.metabase.set(EAS, FLAGS, 0)

    expected = ["IIS://localhost/W3SVC/1", f"IIS://localhost/{EAS}"]
    assert session.all(f"([ADSI]'IIS://localhost/W3SVC').psbase.Invoke('GetDataPaths', @('{FLAGS}', 1))") == expected
    assert session.all(f"([ADSI]'IIS://localhost/W3SVC').GetDataPaths('{FLAGS}', 1)") == expected


def test_get_data_paths_refuses_a_property_that_is_not_inheritable(session) -> None:
    error = session.run("([ADSI]'IIS://localhost/W3SVC').GetDataPaths('ServerState', 1)").error

    assert "0x800CC801" in error.message


@pytest.mark.parametrize(("own", "expected"), [(True, False), (False, True)])
def test_is_inherit_tells_where_the_value_is_from(session, machine: Machine, own: bool, expected: bool) -> None:
    machine.metabase.set(EAS if own else "W3SVC/1", FLAGS, 8)
    script = f"$a = ([ADSI]'IIS://localhost/{EAS}').GetPropertyAttribObj('{FLAGS}'); $a.IsInherit"

    assert session.get(script) is expected


def test_attributes_of_a_value_set_nowhere_are_an_error(session, machine: Machine) -> None:
    assert machine.metabase.holder(EAS, FLAGS) is None
    error = session.run(f"([ADSI]'IIS://localhost/{EAS}').GetPropertyAttribObj('{FLAGS}')").error

    assert "0x800CC801" in error.message


def test_a_path_that_is_not_there_fails_at_the_first_member(session) -> None:
    result = session.run("$x = [ADSI]'IIS://localhost/W3SVC/9'; 'made'; $x.Name")

    assert result.values == ["made"]
    assert "The system cannot find the path specified." in result.error.message
    assert result.error.error.inner is not None
    assert result.error.error.inner.hresult == 0x80070003 - 2**32


def test_the_com_exception_of_a_missing_path_can_be_caught_by_type(session) -> None:
    script = """
    $x = [ADSI]'IIS://localhost/W3SVC/9'
    try { $x.psbase.Properties['AccessSSLFlags'].Value }
    catch [System.Runtime.InteropServices.COMException] { 'caught {0:X8}' -f $_.Exception.ErrorCode }
    """

    assert session.get(script) == "caught 80070003"


def test_exists_tells_a_missing_path(session) -> None:
    ask = "[System.DirectoryServices.DirectoryEntry]::Exists"

    assert session.all(f"{ask}('IIS://localhost/{EAS}'); {ask}('IIS://localhost/W3SVC/9')") == [True, False]


def test_an_unknown_property_has_no_value_and_get_fails(session) -> None:
    assert session.all("$v = [ADSI]'IIS://localhost/W3SVC'; $v.psbase.Properties['Nope'].Count") == [0]
    assert "0x80005006" in session.run("$v.Get('Nope')").error.message


def test_a_name_that_is_no_property_is_not_null(session) -> None:
    """The adapter of 2.0 takes it for a method: a typo in a test for $null passes unseen."""
    assert session.get("([ADSI]'IIS://localhost/W3SVC').Typo -ne $null") is True


def test_children_have_names_and_classes(session) -> None:
    script = """
    $root = [ADSI]'IIS://localhost/W3SVC'
    foreach ($child in $root.psbase.Children) {
        if ($child.psbase.SchemaClassName -eq 'IIsWebServer') { $child.psbase.Name }
    }
    """

    assert session.all(script) == ["1"]


def test_path_without_psbase_is_the_metabase_property(session) -> None:
    script = f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.psbase.Path; \"$($v.Path)\""
    names = session.all(script)

    assert names[0] == f"IIS://localhost/{EAS}"
    assert names[1].startswith("C:\\Program Files")


def test_a_string_for_a_number_is_refused(session) -> None:
    error = session.run(f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.Put('{FLAGS}', 'yes')").error

    assert "0x8000500c" in error.message


def test_ip_security_is_a_copy_until_it_is_put_back(session, machine: Machine) -> None:
    script = f"""
    $v = [ADSI]'IIS://localhost/{EAS}'
    $limits = $v.Get('IPSecurity')
    $limits.GrantByDefault = $false
    $limits.IPGrant = @('192.0.2.10, 255.255.255.255')
    """
    session.all(script)
    assert machine.metabase.get(EAS, "IPSecurity") == IpSecurity()
    session.all("$v.Put('IPSecurity', $limits); $v.SetInfo()")

    expected = IpSecurity(grant_by_default=False, granted=("192.0.2.10, 255.255.255.255",))
    assert machine.metabase.get(EAS, "IPSecurity") == expected


def test_save_data_brings_memory_to_disk(session, machine: Machine) -> None:
    machine.metabase.set(EAS, FLAGS, 8)
    assert machine.metabase.saved_get(EAS, FLAGS) == 0
    session.all("([ADSI]'IIS://localhost').psbase.Invoke('SaveData')")

    assert machine.metabase.saved_get(EAS, FLAGS) == 8


def test_save_data_on_a_full_disk_says_so(session, machine: Machine) -> None:
    machine.metabase.set(EAS, FLAGS, 8)
    machine.files.free_bytes = 0
    error = session.run("([ADSI]'IIS://localhost').psbase.Invoke('SaveData')").error

    assert "There is not enough space on the disk." in error.message


def test_a_backup_has_the_next_version(session, machine: Machine) -> None:
    backup = "([ADSI]'IIS://localhost').psbase.Invoke('Backup', @('easfix-run', -1, 2))"
    session.all(f"{backup}; {backup}")

    assert [(each.location, each.version) for each in machine.backups.list()] == [("easfix-run", 0), ("easfix-run", 1)]


def test_backups_can_be_counted_and_deleted(session, machine: Machine) -> None:
    script = """
    $computer = [ADSI]'IIS://localhost'
    $computer.Backup('mine', 0, 0)
    $computer.EnumBackups('mine', 0, $null, $null, $null)
    $computer.DeleteBackup('mine', 0)
    try { $computer.EnumBackups('mine', 0, $null, $null, $null) } catch { $_.Exception.Message.Trim() }
    """

    assert "No more data is available." in session.get(script)
    assert machine.backups.list() == []


def test_a_backup_of_the_same_version_needs_the_overwrite_flag(session) -> None:
    session.all("$c = [ADSI]'IIS://localhost'; $c.Backup('mine', 3, 0); $c.Backup('mine', 3, 1)")
    error = session.run("$c.Backup('mine', 3, 0)").error

    assert "exist" in error.message


def test_recycle_ends_the_pool_and_counts(session, machine: Machine) -> None:
    session.all("([ADSI]'IIS://localhost/W3SVC/AppPools/ExchangeApplicationPool').Recycle()")

    assert machine.counters.recycles == 1


def test_without_iisadmin_the_metabase_cannot_be_had(session, machine: Machine) -> None:
    machine.services.stop("IISADMIN", force=True)
    error = session.run(f"([ADSI]'IIS://localhost/{EAS}').psbase.Name").error

    assert "The RPC server is unavailable." in error.message


def test_a_user_without_rights_is_denied(clerk) -> None:
    error = clerk.run(f"([ADSI]'IIS://localhost/{EAS}').psbase.Name").error

    assert "Access is denied." in error.message


def test_the_provider_name_is_case_sensitive(session) -> None:
    assert "0x80005000" in session.run("([ADSI]'iis://localhost').psbase.Name").error.message


def test_another_servers_metabase_is_out_of_reach(session) -> None:
    assert "RPC server" in session.run("([ADSI]'IIS://EX02/W3SVC').psbase.Name").error.message


def test_a_change_not_saved_is_saved_a_minute_later(session, machine: Machine, clock: DrivenClock) -> None:
    session.all(f"$v = [ADSI]'IIS://localhost/{EAS}'; $v.Put('{FLAGS}', 8); $v.SetInfo()")
    assert machine.metabase.saved_get(EAS, FLAGS) == 0
    clock.advance(61)

    assert machine.metabase.saved_get(EAS, FLAGS) == 8


def test_a_created_directory_exists_after_commit(session, machine: Machine) -> None:
    script = """
    $root = [ADSI]'IIS://localhost/W3SVC/1/ROOT'
    $new = $root.psbase.Children.Add('exchange-oma', 'IIsWebVirtualDir')
    """
    session.all(script)
    assert not machine.metabase.exists("W3SVC/1/ROOT/exchange-oma")
    session.all("$new.psbase.CommitChanges()")

    assert machine.metabase.kind("W3SVC/1/ROOT/exchange-oma") == "IIsWebVirtualDir"
