"""Claims about iisreset. domain 2.6, 5"""

import threading

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.build import client_access
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine
from agent.lab.world.service import ServiceState, StartMode

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
DEADLINE = 10.0
GOOD = (
    "\r\nAttempting stop...\r\nInternet services successfully stopped\r\n"
    "Attempting start...\r\nInternet services successfully restarted\r\n"
)


def reset(machine: Machine, line: str = "") -> tuple[int, str]:
    result = machine.iisreset.run(line.split())
    return result.exit_code, result.output


def stopped(machine: Machine) -> set[str]:
    never_ran = {"TermService", "NntpSvc", "MSExchangeES", "MSExchangeSRS", "MSExchangePOP3", "MSExchangeIMAP4"}
    return {each.name for each in machine.services.list() if not each.is_running} - never_ran


@pytest.mark.parametrize("line", ["", "/restart", "-RESTART", "/noforce", "/Restart /NoForce /Timeout:90"])
def test_a_reset_stops_and_starts_everything_on_iisadmin(machine: Machine, line: str) -> None:
    seen: list[str] = []
    machine.services.on_transition(lambda each, _, new: seen.append(each.name) if new is ServiceState.STOPPED else None)

    assert reset(machine, line) == (0, GOOD)
    assert set(seen) == {"W3SVC", "SMTPSVC", "RESvc", "POP3Svc", "IMAP4Svc", "IISADMIN"}
    assert seen[-1] == "IISADMIN"
    assert stopped(machine) == set()
    assert machine.counters.iisresets == 1


def test_a_reset_costs_what_it_is_set_to_and_three_quarters_of_it_is_time_without_mail(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.iisreset.seconds = 40
    reset(machine)

    assert clock.monotonic() == 40
    assert machine.counters.seconds_without_mail() == 30


def test_a_reset_can_cost_nothing(machine: Machine, clock: DrivenClock) -> None:
    machine.iisreset.seconds = 0
    reset(machine)

    assert (clock.monotonic(), machine.counters.seconds_without_mail()) == (0, 0)


def test_an_orderly_reset_saves_the_metabase(machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    reset(machine, "/noforce")

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    assert machine.metabase.saved_get(EAS, "AccessSSLFlags") == 8


@pytest.mark.parametrize("line", ["", "/noforce"])
def test_a_reset_that_loses_the_change_loses_what_was_not_saved_and_only_that(machine: Machine, line: str) -> None:
    machine.iisreset.loses_change = True
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.metabase.save()
    machine.metabase.set(EAS, "AccessSSLFlags", 0)

    assert reset(machine, line)[0] == 0
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    assert stopped(machine) == set()


def test_with_force_a_stuck_service_is_killed_at_the_limit_and_the_unsaved_change_is_lost(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.iisreset.seconds = 0
    machine.services.get("SMTPSVC").stuck = True
    machine.metabase.set(EAS, "AccessSSLFlags", 8)

    assert reset(machine) == (0, GOOD)
    assert clock.monotonic() == 20
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 0
    assert machine.counters.iisreset_kills == 1
    assert stopped(machine) == set()


def test_without_force_a_stuck_service_fails_the_reset_and_what_had_stopped_stays_stopped(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.iisreset.seconds = 0
    machine.services.get("SMTPSVC").stuck = True
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    code, output = reset(machine, "/noforce")

    assert code != 0
    assert "(2147943453, 8007041d)" in output
    assert clock.monotonic() == 20
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    assert stopped(machine) == {"W3SVC", "SMTPSVC"}
    assert machine.counters.services_down_that_ran_before() == ["SMTPSVC", "W3SVC"]


@pytest.mark.parametrize(("line", "limit"), [("/noforce", 20), ("/stop /noforce", 60), ("/noforce /timeout:5", 5)])
def test_each_command_has_its_own_limit(machine: Machine, clock: DrivenClock, line: str, limit: int) -> None:
    machine.iisreset.seconds = 0
    machine.services.get("SMTPSVC").stuck = True
    reset(machine, line)

    assert clock.monotonic() == limit


def test_a_slow_service_within_the_limit_only_takes_longer(machine: Machine, clock: DrivenClock) -> None:
    machine.iisreset.seconds = 0
    machine.services.get("SMTPSVC").stop_seconds = 15
    machine.services.get("W3SVC").start_seconds = 7

    assert reset(machine, "/noforce") == (0, GOOD)
    assert clock.monotonic() == 22


def test_a_start_brings_back_only_what_starts_automatically(machine: Machine) -> None:
    machine.services.set_start_mode("POP3Svc", StartMode.MANUAL)
    reset(machine)

    assert stopped(machine) == {"POP3Svc"}


def test_a_reset_can_leave_an_automatic_service_behind(machine: Machine) -> None:
    machine.iisreset.leaves_stopped = {"resvc"}

    assert reset(machine) == (0, GOOD)
    assert stopped(machine) == {"RESvc"}


def test_a_service_that_cannot_start_fails_the_reset(machine: Machine) -> None:
    machine.services.get("W3SVC").broken = True
    code, output = reset(machine)

    assert code != 0
    assert "Restart attempt failed." in output
    assert "W3SVC" in stopped(machine)


def test_a_disabled_iisadmin_fails_the_start_with_the_documented_words(machine: Machine) -> None:
    machine.services.set_start_mode("IISADMIN", StartMode.DISABLED)
    code, output = reset(machine)

    assert code != 0
    assert "dependent on them failed to start" in output


def test_stop_and_start_do_their_half(machine: Machine) -> None:
    assert reset(machine, "/stop")[0] == 0
    assert {"IISADMIN", "W3SVC", "SMTPSVC"} <= stopped(machine)
    code, output = reset(machine, "/start")

    assert (code, "Internet services successfully started" in output) == (0, True)
    assert stopped(machine) == set()
    assert machine.counters.iisresets == 1


def test_a_reset_on_an_iis_that_is_already_stopped_starts_it(machine: Machine) -> None:
    reset(machine, "/stop")

    assert reset(machine) == (0, GOOD)
    assert stopped(machine) == set()


def test_status_shows_each_service_with_its_state(machine: Machine) -> None:
    machine.services.stop("POP3Svc")
    code, output = reset(machine, "/status")

    assert code == 0
    assert "Status for IIS Admin Service ( IISADMIN ) : Running\r\n" in output
    assert "Status for Microsoft Exchange POP3 ( POP3Svc ) : Stopped\r\n" in output
    assert machine.counters.iisresets == 0


@pytest.mark.parametrize("line", ["", "/restart", "/stop", "/start", "/reboot", "/status"])
def test_a_disabled_iisreset_does_nothing_and_fails(machine: Machine, line: str) -> None:
    assert reset(machine, "/disable")[0] == 0
    code, output = reset(machine, line)

    assert (code, machine.iisreset.is_disabled) == (1, True)
    assert "disabled" in output
    assert stopped(machine) == set()
    assert machine.online
    assert machine.counters.iisresets == 0


def test_an_enabled_iisreset_works_again(machine: Machine) -> None:
    reset(machine, "/disable")
    reset(machine, "/enable")

    assert reset(machine) == (0, GOOD)


@pytest.mark.parametrize("line", ["/frobnicate", "/stop /start", "/timeout:soon", "otherserver", "/stop:5"])
def test_a_wrong_command_line_shows_the_usage_and_changes_nothing(machine: Machine, line: str) -> None:
    code, output = reset(machine, line)

    assert code != 0
    assert "/NOFORCE" in output
    assert stopped(machine) == set()


def test_help_is_not_a_failure(machine: Machine) -> None:
    code, output = reset(machine, "/?")

    assert (code, "Usage:" in output) == (0, True)


def test_reboot_restarts_the_machine(machine: Machine, clock: DrivenClock) -> None:
    assert reset(machine, "/reboot")[0] == 0
    assert not machine.online
    clock.advance(machine.reboot_seconds)

    assert machine.online


def test_reboot_on_error_restarts_the_machine_only_on_error(machine: Machine) -> None:
    reset(machine, "/noforce /rebootonerror")
    assert machine.counters.reboots == 0
    machine.services.get("SMTPSVC").stuck = True
    reset(machine, "/noforce /rebootonerror")

    assert machine.counters.reboots == 1


def test_a_reset_leaves_its_marks_in_the_system_log(machine: Machine) -> None:
    reset(machine)
    marks = [(entry.event_id, entry.strings) for entry in machine.logs.entries("System") if entry.source == "IISCTLS"]

    assert marks == [(3202, ("NT AUTHORITY\\SYSTEM",)), (3201, ("NT AUTHORITY\\SYSTEM",))]


def test_only_an_administrator_may_reset(machine: Machine) -> None:
    out: list[bytes] = []
    code = machine.processes.run_attached("iisreset", None, b"", out.append, owner="LAB\\phone")

    assert code == 1
    assert b"Access denied" in b"".join(out)
    assert stopped(machine) == set()


def test_a_reset_whose_shell_dies_on_the_way_goes_no_further(forest: Forest, machine: Machine) -> None:
    reached, killed = threading.Event(), threading.Event()
    shell = machine.processes.spawn("wsmprovhost.exe", owner="LAB\\administrator")

    def kill_when_down(_: object, __: object, new: ServiceState) -> None:
        if new is ServiceState.STOPPED and not machine.services.get("IISADMIN").is_running:
            machine.processes.kill_tree(shell)
            killed.set()
        reached.set()

    machine.services.on_transition(kill_when_down)
    code = machine.processes.run_attached("iisreset.exe /noforce", shell)

    assert killed.is_set()
    assert code == 1
    assert {"IISADMIN", "W3SVC", "SMTPSVC"} <= stopped(machine)


def test_a_reset_made_through_wmi_outlives_the_shell(machine: Machine) -> None:
    shell = machine.processes.spawn("wsmprovhost.exe", owner="LAB\\administrator")
    process = machine.processes.spawn_detached("iisreset.exe /noforce")
    machine.processes.kill_tree(shell)

    assert machine.processes.wait(process, DEADLINE) == 0
    assert stopped(machine) == set()


def test_on_iis_7_the_activation_service_goes_too(forest: Forest) -> None:
    cas = client_access("CAS01", forest)
    seen: list[str] = []
    cas.services.on_transition(lambda each, _, new: seen.append(each.name) if new is ServiceState.STOPPED else None)

    assert cas.iisreset.run([]).exit_code == 0
    assert set(seen) == {"W3SVC", "WAS", "IISADMIN"}
    assert stopped(cas) == set()
