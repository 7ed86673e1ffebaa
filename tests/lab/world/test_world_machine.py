"""Claims about whole machines: reboots, time without mail, what a default machine has, what it weighs."""

import gc
import threading
import tracemalloc
from collections.abc import Callable

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.build import add_site, client_access, exchange_2003
from agent.lab.world.environment import environment
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine
from agent.lab.world.system import Role

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
MARKER = r"C:\WINDOWS\TEMP\marker.txt"


def refusal(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(WorldError) as caught:
        action()
    return caught.value.kind


# --- reboot --------------------------------------------------------------------------------------------------------


def test_a_reboot_takes_the_machine_down_and_brings_it_back(machine: Machine, clock: DrivenClock) -> None:
    seen: list[bool] = []
    machine.on_change(lambda: seen.append(machine.online))
    before = machine.os.last_boot
    machine.reboot(120)
    assert not machine.online
    assert machine.services.get("W3SVC").process_id == 0
    clock.advance(120)

    assert machine.online
    assert (seen[-1], False in seen) == (True, True)
    assert machine.os.last_boot == clock.now() > before
    assert machine.counters.services_down_that_ran_before() == []
    assert machine.counters.seconds_without_mail() == 120


def test_everything_but_memory_survives_a_reboot(machine: Machine, clock: DrivenClock) -> None:
    machine.files.write(MARKER, b"1")
    machine.registry.set(r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters", "ExchangeVDir", "/exchange-oma")
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.services.get("POP3Svc").stuck = True
    machine.backups.create("easfix")
    shell = machine.processes.spawn("wsmprovhost.exe")
    machine.reboot(60)
    clock.advance(60)

    assert machine.files.read(MARKER) == b"1"
    assert (
        machine.registry.get(r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters", "ExchangeVDir") == "/exchange-oma"
    )
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    assert [each.location for each in machine.backups.list()] == ["easfix"]
    assert shell.killed.is_set()
    assert machine.processes.find(shell.pid) is None


def test_a_power_failure_loses_what_was_not_saved(machine: Machine, clock: DrivenClock) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.reboot(60, graceful=False)
    clock.advance(60)

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 0
    assert 6008 in [entry.event_id for entry in machine.logs.entries("System")]


def test_a_restart_leaves_the_events_of_the_event_log_service(machine: Machine, clock: DrivenClock) -> None:
    machine.reboot(60)
    clock.advance(60)
    marks = [entry for entry in machine.logs.entries("System") if entry.source == "EventLog"]

    assert [entry.event_id for entry in marks] == [6006, 6009, 6005]
    assert marks[1].message == "Microsoft (R) Windows (R) 5.02. 3790 Service Pack 2 Multiprocessor Free."


def test_nothing_starts_on_a_machine_that_is_down(machine: Machine) -> None:
    machine.reboot(60)

    assert refusal(lambda: machine.services.start("W3SVC")) is ErrorKind.RPC_UNAVAILABLE
    assert refusal(lambda: machine.metabase.get(EAS, "AccessSSLFlags")) is ErrorKind.RPC_UNAVAILABLE


def test_a_second_reboot_while_it_is_down_changes_nothing(machine: Machine, clock: DrivenClock) -> None:
    machine.reboot(60)
    machine.reboot(600)
    clock.advance(60)

    assert machine.online
    assert machine.counters.reboots == 1


def test_a_reset_in_the_middle_of_a_reboot_ends_with_it(machine: Machine, clock: DrivenClock) -> None:
    machine.iisreset.seconds = 40
    clock.call_later(10, lambda: machine.reboot(60))
    code = machine.processes.run_attached("iisreset", None)
    clock.advance(60)

    assert code == 1
    assert machine.counters.services_down_that_ran_before() == []


def test_the_cable_can_be_pulled_and_put_back_while_everything_runs(machine: Machine) -> None:
    machine.set_online(False)
    assert not machine.online
    assert machine.services.get("W3SVC").is_running
    machine.set_online(True)

    assert machine.online


def test_a_reboot_does_not_put_the_cable_back(machine: Machine, clock: DrivenClock) -> None:
    machine.set_online(False)
    machine.reboot(60)
    clock.advance(60)

    assert not machine.online
    assert machine.is_up


def test_only_a_cluster_fails_over(machine: Machine, forest: Forest, clock: DrivenClock) -> None:
    assert refusal(lambda: machine.fail_over(5)) is ErrorKind.INVALID_ARGUMENT
    clustered = exchange_2003("EVS01", forest, clustered=True)
    clustered.fail_over(30)
    assert clustered.counters.services_down_that_ran_before() == ["MSExchangeIS", "MSExchangeMTA", "MSExchangeSA"]
    clock.advance(30)

    assert clustered.counters.services_down_that_ran_before() == []
    assert clustered.counters.seconds_without_mail() == 30


# --- the lab's own account ------------------------------------------------------------------------------------------


def test_time_without_mail_is_the_union_of_the_outages(machine: Machine, clock: DrivenClock) -> None:
    machine.services.stop("POP3Svc")
    clock.advance(10)
    machine.services.stop("SMTPSVC")
    clock.advance(10)
    machine.services.start("POP3Svc")
    clock.advance(10)
    machine.services.start("SMTPSVC")
    clock.advance(100)
    machine.services.stop("W3SVC")
    clock.advance(5)

    assert machine.counters.seconds_without_mail() == 35
    machine.services.start("W3SVC")
    clock.advance(100)
    assert machine.counters.seconds_without_mail() == 35


def test_a_service_that_never_ran_or_carries_no_mail_is_no_outage(machine: Machine, clock: DrivenClock) -> None:
    machine.services.stop("Spooler")
    clock.advance(10)

    assert not machine.services.get("NntpSvc").is_running
    assert machine.counters.seconds_without_mail() == 0
    assert machine.counters.services_down_that_ran_before() == ["Spooler"]


def test_a_pending_stop_is_already_an_outage(machine: Machine, clock: DrivenClock) -> None:
    machine.services.get("SMTPSVC").stop_seconds = 30
    machine.services.stop("SMTPSVC")

    assert machine.counters.seconds_without_mail() == 30


def test_what_was_down_before_the_account_begins_is_not_held_against_anybody(machine: Machine) -> None:
    machine.services.stop("POP3Svc")
    machine.counters.begin([each.name for each in machine.services.list() if each.is_running])

    assert machine.counters.services_down_that_ran_before() == []
    assert machine.counters.seconds_without_mail() == 0


def test_scripts_logons_and_requests_are_counted(machine: Machine) -> None:
    machine.counters.script("Get-Date", "LAB\\administrator")
    machine.counters.logon(granted=True)
    machine.counters.logon(granted=False)
    machine.counters.count("requests_served", 3)
    (script,) = machine.counters.scripts

    assert (script.length, script.user, len(script.sha256)) == (8, "LAB\\administrator", 64)
    assert machine.counters.all_counts() == {"logons": 1, "logon_failures": 1, "requests_served": 3}


# --- default machines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Exchange", "Public", "Exadmin", "Microsoft-Server-ActiveSync", "OMA", "ExchWeb", "iisadmpwd"]
)
def test_a_default_server_has_the_directories_of_exchange(machine: Machine, name: str) -> None:
    assert machine.metabase.kind(f"W3SVC/1/ROOT/{name}") == "IIsWebVirtualDir"


def test_the_activesync_directory_is_ready_for_the_proxy(machine: Machine) -> None:
    facts = {
        name: machine.metabase.get(EAS, name)
        for name in ("AccessSSLFlags", "AuthFlags", "NTAuthenticationProviders", "AppPoolId", "HttpRedirect")
    }

    assert facts == {
        "AccessSSLFlags": 0,
        "AuthFlags": 6,
        "NTAuthenticationProviders": "Negotiate,NTLM",
        "AppPoolId": "ExchangeApplicationPool",
        "HttpRedirect": "",
    }
    assert machine.metabase.is_inherited(EAS, "AccessSSLFlags")
    assert machine.metabase.get("W3SVC/1", "ServerBindings") == (":80:",)


def test_a_further_site_has_its_own_directory_site_and_object(machine: Machine, forest: Forest) -> None:
    path = add_site(machine, 101, "Phones", bindings=(":8080:phones",), ssl_flags=264, directory_ssl_flags=8)

    assert path == "W3SVC/101/ROOT/Microsoft-Server-ActiveSync"
    assert machine.iis.sites() == ["1", "101"]
    assert machine.metabase.own(path)["AccessSSLFlags"] == 264
    assert machine.metabase.saved_get(path, "AccessSSLFlags") == 264
    assert (
        forest.directory.find(forest.directory_dn("EX01", "Microsoft-Server-ActiveSync", 101)).get(
            "msExchAccessSSLFlags"
        )
        == 8
    )


@pytest.mark.parametrize(("version", "role"), [(2007, Role.CAS2007), (2010, Role.CAS2010)])
def test_a_client_access_server_requires_ssl_and_lets_legacy_mailboxes_through(
    forest: Forest, version: int, role: Role
) -> None:
    cas = client_access("CAS01", forest, version)
    home = r"C:\Program Files\Microsoft\Exchange Server" + (r"\V14" if version == 2010 else "")

    assert cas.role is role
    assert cas.metabase.get(EAS, "AccessSSL128") is True
    assert b'key="BlockLegacyMailboxes" value="false"' in cas.files.read(rf"{home}\ClientAccess\Sync\web.config")
    assert cas.ds2mb.writes == 0


def test_there_is_no_client_access_server_of_another_version(forest: Forest) -> None:
    with pytest.raises(ValueError, match="2003"):
        client_access("CAS01", forest, 2003)


def test_the_registry_names_windows_exchange_and_the_machine(machine: Machine) -> None:
    read = machine.registry.get

    assert read(r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentVersion") == "5.2"
    assert read(r"HKLM:\SOFTWARE\Microsoft\PowerShell\1\PowerShellEngine", "PowerShellVersion") == "2.0"
    assert read(r"HKLM:\SOFTWARE\Microsoft\Exchange\Setup", "NewestBuild") == 7638
    assert read(r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName", "ComputerName") == "EX01"
    assert read(r"SYSTEM\CurrentControlSet\Services\NntpSvc", "Start") == 4


def test_the_temporary_folder_of_the_environment_exists(machine: Machine, forest: Forest) -> None:
    cas = client_access("CAS01", forest)

    assert machine.files.is_directory(machine.environment["TEMP"])
    assert cas.files.is_directory(cas.environment["TEMP"])
    assert environment(machine, "LAB\\phone")["USERNAME"] == "phone"


def test_localhost_is_the_machine_itself(machine: Machine, forest: Forest) -> None:
    other = exchange_2003("EX02", forest)
    forest.network.publish(machine.fqdn, 80, ("127.0.0.1", 1001))
    forest.network.publish(other.fqdn, 80, ("127.0.0.1", 1002))

    assert machine.resolve("localhost", 80) == ("127.0.0.1", 1001)
    assert other.resolve("127.0.0.1", 80) == ("127.0.0.1", 1002)
    assert other.resolve("ex01.lab.example", 80) == ("127.0.0.1", 1001)


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ("NT AUTHORITY\\SYSTEM", True),
        ("LAB\\Administrator", True),
        ("LAB\\phone", False),
        ("OTHER\\administrator", False),
    ],
)
def test_administrators_are_the_system_and_who_is_marked_so(machine: Machine, user: str, may: bool) -> None:
    machine.forest.add_user("phone", "secret", mailbox_server="EX01")

    assert machine.is_administrator(user) is may


def test_two_machines_share_nothing_that_changes(machine: Machine, forest: Forest) -> None:
    other = exchange_2003("EX02", forest)
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.metabase.save()
    machine.files.write(MARKER, b"1")
    machine.registry.set("SYSTEM", "x", 1)
    machine.services.stop("POP3Svc")

    assert other.metabase.get(EAS, "AccessSSLFlags") == 0
    assert other.metabase.saved_get(EAS, "AccessSSLFlags") == 0
    assert not other.files.exists(MARKER)
    assert other.registry.get("SYSTEM", "x") is None
    assert other.services.get("POP3Svc").is_running


def test_the_same_seed_makes_the_same_machine(forest: Forest, clock: DrivenClock) -> None:
    first = exchange_2003("EX01", forest, seed=7)
    second = exchange_2003("EX01", Forest(clock), seed=7)

    assert [each.pid for each in first.processes.list()] == [each.pid for each in second.processes.list()]


def weight(forest: Forest, first: int) -> float:
    """Bytes of a machine, over fifty of them; whatever else goes on in this process can only add to it."""
    gc.collect()
    tracemalloc.start()
    machines = [exchange_2003(f"EX{number:03}", forest) for number in range(first, first + 50)]
    gc.collect()
    found = tracemalloc.get_traced_memory()[0] / len(machines)
    tracemalloc.stop()
    return found


def test_a_machine_weighs_less_than_sixty_kilobytes_and_needs_no_thread(forest: Forest) -> None:
    exchange_2003("EX000", forest)
    before = set(threading.enumerate())

    assert min(weight(forest, first) for first in (1, 101, 201)) < 60 * 1024
    assert set(threading.enumerate()) <= before
