"""A fleet is really there while it is entered, by the same names and choices for the same seed, and gone after."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleetlab import FAST, Visitor, eventually, listens
from pypsrp.exceptions import WSManFaultError

from agent.lab.clock import DrivenClock
from agent.lab.fleet import MIX, Fleet, mix
from agent.lab.winrm.quotas import Quotas


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread and no file of a lab outlives the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    yield

    assert eventually(lambda: {each.name for each in set(threading.enumerate()) - threads} == set())
    assert list(tmp_path.iterdir()) == []


def descriptors() -> int:
    """How many files this process holds open, where the system tells."""
    held = Path("/proc/self/fd")
    return len(list(held.iterdir())) if held.exists() else 0


def ports(fleet: Fleet) -> list[int]:
    return [port for node in fleet.nodes.values() for port in (node.ports.winrm, node.ports.http, node.ports.https)]


def test_every_port_answers_as_soon_as_the_fleet_is_entered() -> None:
    with Fleet(8, 3, [], pace=FAST) as fleet:
        closed = [port for port in ports(fleet) if not listens(port)]

        assert closed == []
        assert len(set(ports(fleet))) == 11 * 3


def test_servers_and_proxies_are_named_and_numbered() -> None:
    with Fleet(2, 3, [], pace=FAST) as fleet:
        assert [node.machine.name for node in fleet.servers] == ["EX01", "EX02"]
        assert [str(node.machine.role) for node in fleet.proxies] == ["cas2007", "cas2010", "cas2007"]
        assert fleet["ex01"] is fleet["EX01"]


def test_after_a_hundred_servers_the_names_grow() -> None:
    with Fleet(101, 0, [], pace=FAST) as fleet:
        assert [fleet.servers[8].machine.name, fleet.servers[100].machine.name] == ["EX09", "EX101"]


def test_a_fleet_that_was_left_has_given_everything_back(quiet: None) -> None:
    with Fleet(3, 1, pace=FAST) as fleet:
        used = ports(fleet)
        Visitor(fleet).run("EX01", "1")

    assert not [port for port in used if listens(port)]


@pytest.mark.parametrize(
    "text", ["while ($true) { }", "Start-Sleep -Seconds 3600", "[Threading.Thread]::Sleep(3600000)", "iisreset.exe"]
)
def test_a_fleet_can_be_left_while_a_script_runs(text: str, quiet: None) -> None:
    with Fleet(1, 0, []) as fleet:
        counters = fleet["EX01"].machine.counters
        visitor = Visitor(fleet)
        client = threading.Thread(target=_run_and_fail, args=(visitor, text))
        client.start()
        assert eventually(lambda: counters.scripts_run == 1)
    client.join(30)

    assert not client.is_alive()


def _run_and_fail(visitor: Visitor, text: str) -> None:
    with pytest.raises(Exception):  # noqa: B017 - how the client notices is its own affair
        visitor.run("EX01", text)


def test_a_fleet_whose_fault_does_not_fit_leaves_nothing_behind(quiet: None) -> None:
    with pytest.raises(ValueError, match="there is no service NOSUCH"), Fleet(2, 1, ["stuck-service=NOSUCH@EX02"]):
        pass


def test_making_a_fleet_opens_nothing(quiet: None) -> None:
    files = descriptors()
    Fleet(5, 2)

    assert descriptors() == files


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_of_open_files_that_is_too_low_is_raised() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("the hard limit of this machine is low itself")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with Fleet(80, 0, [], pace=FAST) as fleet:
            assert all(listens(port) for port in ports(fleet))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- chance ----------------------------------------------------------------------------------------------------


def facts(fleet: Fleet) -> list[object]:
    """What of a fleet is left to chance."""
    machines = [node.machine for node in fleet.nodes.values()]
    pids = [[process.pid for process in machine.processes.list()] for machine in machines]
    return [[order.text for order in fleet.orders], pids, [machine.rng.random() for machine in machines]]


def test_the_same_seed_makes_the_same_fleet_and_another_another() -> None:
    with Fleet(4, 1, seed=7) as one, Fleet(4, 1, seed=7) as same, Fleet(4, 1, seed=8) as other:
        first = facts(one)

        assert facts(same) == first
        assert facts(other) != first


def test_passwords_are_fresh_whatever_the_seed() -> None:
    one, same = Fleet(2, 0, seed=7), Fleet(2, 0, seed=7)
    words = [user.password for fleet in (one, same) for user in fleet.forest.accounts.users()]

    assert len(set(words)) == len(words)
    assert all(len(word) >= 24 for word in words)


def test_without_a_seed_one_is_chosen_and_told() -> None:
    assert Fleet(1, 0).seed != Fleet(1, 0).seed


def test_the_mix_shows_each_common_case_and_begins_again() -> None:
    shown = mix(len(MIX) + 1)

    assert shown[0] == "require-ssl@EX01"
    assert {"healthy@EX02", "inherited-ssl@EX04", "psrp-disabled@EX07", "unreachable@EX12"} <= set(shown)
    assert shown[-1] == f"require-ssl@EX{len(MIX) + 1}"


def test_the_mix_can_be_entered() -> None:
    with Fleet(len(MIX), 2, pace=FAST) as fleet:
        found = {account.name: account.faults for account in fleet.truth()}

        assert found["EX07"] == ["require-ssl@EX07", "psrp-disabled@EX07"]
        assert found["EX02"] == []


# --- what a test can choose ------------------------------------------------------------------------------------


def test_a_fleet_runs_by_a_clock_that_the_test_drives() -> None:
    clock = DrivenClock(auto=True)
    with Fleet(1, 0, ["require-ssl@EX01"], clock=clock) as fleet:
        machine = fleet["EX01"].machine
        machine.iisreset.run(["/noforce"])

        assert clock.monotonic() > 10
        assert machine.counters.seconds_without_mail() > 5


def test_a_fleet_has_the_quotas_it_is_given() -> None:
    with Fleet(1, 0, [], quotas=Quotas(shells_per_user=0)) as fleet, pytest.raises(WSManFaultError):
        Visitor(fleet).run("EX01", "1")


def test_two_fleets_in_one_process_do_not_know_each_other() -> None:
    with Fleet(1, 1, ["require-ssl@EX01"], pace=FAST) as one, Fleet(1, 1, [], pace=FAST) as other:
        assert Visitor(one).phone("CAS01", "EX01").status == 403
        assert Visitor(other).phone("CAS01", "EX01").status == 200
        assert Visitor(one).run("EX01", "hostname") == Visitor(other).run("EX01", "hostname")


def test_the_phone_users_are_in_the_directory_with_their_mailbox() -> None:
    fleet = Fleet(1, 0, [])
    found = fleet.forest.directory.search(fleet.forest.directory.domain_dn, "(sAMAccountName=easfix)")

    assert [each.get("userPrincipalName") for each in found] == ["easfix@lab.example"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net")
def test_a_fleet_listens_on_loopback_only() -> None:
    with Fleet(3, 2, pace=FAST) as fleet:
        mine = {f"{port:04X}" for port in ports(fleet)}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        bound = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[1].partition(":")[2] in mine}
        other = Path("/proc/net/tcp6").read_text(encoding="ascii") if Path("/proc/net/tcp6").exists() else ""

        assert bound == {"0100007F"}
        assert not any(line.split()[1].rpartition(":")[2] in mine for line in other.splitlines()[1:])


def test_another_address_of_this_machine_refuses() -> None:
    with Fleet(1, 0, []) as fleet, socket.socket() as made:
        assert made.connect_ex(("127.0.0.2", fleet["EX01"].ports.winrm)) != 0
