"""Claims about DS2MB: it overwrites exactly where the domain reference says so. domain 3"""

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.build import add_site, exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
DAY = 86400.0


@pytest.fixture
def clustered(forest: Forest) -> Machine:
    return exchange_2003("EVS01", forest, clustered=True)


def in_directory(machine: Machine, attribute: str, value: int, site: int = 1) -> None:
    dn = machine.forest.directory_dn(machine.name, "Microsoft-Server-ActiveSync", site)
    machine.directory.set(dn, attribute, value)


def restart_attendant(machine: Machine, clock: DrivenClock) -> None:
    machine.services.stop("MSExchangeSA", force=True)
    machine.services.start("MSExchangeSA")
    clock.advance(0)


def test_a_fresh_machine_agrees_with_the_directory(machine: Machine, clock: DrivenClock) -> None:
    machine.ds2mb.sync()
    clock.advance(DAY)

    assert machine.ds2mb.writes == 0


# --- authentication belongs to AD (3.2) ----------------------------------------------------------------------------


def test_a_change_of_authentication_in_the_metabase_is_overwritten_after_the_sync_period(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.metabase.set(EAS, "AuthFlags", 2)
    clock.advance(899)
    assert machine.metabase.get(EAS, "AuthFlags") == 2
    clock.advance(1)

    assert machine.metabase.get(EAS, "AuthFlags") == 6


def test_a_change_of_authentication_in_ad_arrives_within_fifteen_seconds(machine: Machine, clock: DrivenClock) -> None:
    in_directory(machine, "msExchAuthenticationFlags", 4)
    clock.advance(15)

    assert machine.metabase.get(EAS, "AuthFlags") == 4


def test_a_change_that_agrees_with_ad_stays(machine: Machine, clock: DrivenClock) -> None:
    machine.metabase.set(EAS, "AuthFlags", 2)
    in_directory(machine, "msExchAuthenticationFlags", 2)
    clock.advance(DAY)

    assert machine.metabase.get(EAS, "AuthFlags") == 2
    assert machine.ds2mb.writes == 0


def test_a_change_of_authentication_that_survived_an_iisreset_is_still_overwritten(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.metabase.set(EAS, "AuthFlags", 2)
    clock.advance(890)
    machine.iisreset.run(["/stop"])
    clock.advance(60)
    machine.iisreset.run(["/start"])
    clock.advance(900)

    assert machine.metabase.get(EAS, "AuthFlags") == 6


def test_nothing_is_copied_while_system_attendant_is_stopped(machine: Machine, clock: DrivenClock) -> None:
    machine.services.stop("MSExchangeSA", force=True)
    machine.metabase.set(EAS, "AuthFlags", 2)
    clock.advance(DAY)
    assert machine.metabase.get(EAS, "AuthFlags") == 2
    machine.services.start("MSExchangeSA")
    clock.advance(0)

    assert machine.metabase.get(EAS, "AuthFlags") == 6


# --- SSL on the default virtual server of a standalone machine belongs to IIS (3.3) ---------------------------------


def test_ssl_on_the_default_virtual_server_stays_whatever_ad_says(machine: Machine, clock: DrivenClock) -> None:
    in_directory(machine, "msExchAccessSSLFlags", 8)
    machine.metabase.set(EAS, "AccessSSLFlags", 256)
    clock.advance(DAY)
    restart_attendant(machine, clock)
    machine.reboot(120)
    clock.advance(DAY)

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 256


# --- SSL elsewhere belongs to AD (3.3) ------------------------------------------------------------------------------


def test_ssl_on_a_further_virtual_server_comes_back_at_a_reboot_and_not_before(
    machine: Machine, clock: DrivenClock
) -> None:
    path = add_site(machine, 100, "Mobile", ssl_flags=8)
    machine.metabase.set(path, "AccessSSLFlags", 0)
    clock.advance(DAY)
    assert machine.metabase.get(path, "AccessSSLFlags") == 0
    machine.reboot(120)
    clock.advance(121)

    assert machine.metabase.get(path, "AccessSSLFlags") == 8
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 0


def test_ssl_on_a_cluster_comes_back_at_a_failover(clustered: Machine, clock: DrivenClock) -> None:
    in_directory(clustered, "msExchAccessSSLFlags", 8)
    clock.advance(15)
    clustered.metabase.set(EAS, "AccessSSLFlags", 0)
    clock.advance(DAY)
    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 0
    clustered.fail_over(30)
    clock.advance(31)

    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 8


def test_ssl_on_a_cluster_comes_back_when_system_attendant_restarts(clustered: Machine, clock: DrivenClock) -> None:
    in_directory(clustered, "msExchAccessSSLFlags", 8)
    clock.advance(15)
    clustered.metabase.set(EAS, "AccessSSLFlags", 0)
    restart_attendant(clustered, clock)

    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 8


def test_an_iisreset_does_not_bring_ssl_back(clustered: Machine, clock: DrivenClock) -> None:
    in_directory(clustered, "msExchAccessSSLFlags", 8)
    clock.advance(15)
    clustered.metabase.set(EAS, "AccessSSLFlags", 0)
    clustered.iisreset.run([])
    clock.advance(DAY)

    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 0


def test_where_ad_owns_ssl_a_change_in_ad_is_the_cure_that_lasts(clustered: Machine, clock: DrivenClock) -> None:
    in_directory(clustered, "msExchAccessSSLFlags", 8)
    clock.advance(15)
    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 8
    in_directory(clustered, "msExchAccessSSLFlags", 0)
    clock.advance(15)
    clustered.fail_over(30)
    clock.advance(DAY)

    assert clustered.metabase.get(EAS, "AccessSSLFlags") == 0


def test_it_says_where_ad_owns_ssl(machine: Machine, clustered: Machine) -> None:
    owned = [machine.ds2mb.owns_ssl(EAS), machine.ds2mb.owns_ssl("W3SVC/100/ROOT/x"), clustered.ds2mb.owns_ssl(EAS)]

    assert owned == [False, True, True]


# --- the fault that brings SSL back (3.4) ---------------------------------------------------------------------------


def test_with_revert_after_a_cleared_flag_comes_back_from_ad_after_so_many_seconds(
    machine: Machine, clock: DrivenClock
) -> None:
    in_directory(machine, "msExchAccessSSLFlags", 8)
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.ds2mb.revert_after = 40
    machine.metabase.set(EAS, "AccessSSLFlags", 0)
    clock.advance(39)
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 0
    clock.advance(1)

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8


def test_with_revert_after_it_comes_back_again_and_again(machine: Machine, clock: DrivenClock) -> None:
    in_directory(machine, "msExchAccessSSLFlags", 8)
    machine.ds2mb.revert_after = 40
    for _ in range(3):
        machine.metabase.set(EAS, "AccessSSLFlags", 0)
        clock.advance(40)

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    assert machine.ds2mb.writes == 3


def test_a_settled_machine_has_nothing_on_its_way(machine: Machine, clock: DrivenClock) -> None:
    in_directory(machine, "msExchAuthenticationFlags", 2)
    machine.ds2mb.settle()
    clock.advance(DAY)

    assert machine.metabase.get(EAS, "AuthFlags") == 6


def test_a_directory_that_ad_does_not_know_is_left_alone(machine: Machine, clock: DrivenClock) -> None:
    machine.metabase.create("W3SVC/1/ROOT/exchange-oma", "IIsWebVirtualDir")
    machine.metabase.set("W3SVC/1/ROOT/exchange-oma", "AuthFlags", 2)
    clock.advance(DAY)

    assert machine.metabase.get("W3SVC/1/ROOT/exchange-oma", "AuthFlags") == 2


def test_a_directory_missing_from_the_metabase_is_not_made_again(machine: Machine, clock: DrivenClock) -> None:
    machine.metabase.delete(EAS)
    in_directory(machine, "msExchAuthenticationFlags", 4)
    clock.advance(DAY)

    assert not machine.metabase.exists(EAS)
