"""Claims about services. domain 5.1, 5.2"""

from collections.abc import Callable

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine
from agent.lab.world.service import ServiceState, StartMode

ON_IISADMIN = {"SMTPSVC", "RESvc", "POP3Svc", "IMAP4Svc", "NntpSvc", "W3SVC"}


def refusal(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(WorldError) as caught:
        action()
    return caught.value.kind


def state(machine: Machine, name: str) -> ServiceState:
    return machine.services.get(name).state


def test_a_fresh_machine_runs_what_starts_automatically_and_what_that_needs(machine: Machine) -> None:
    running = {each.name for each in machine.services.list() if each.is_running}
    automatic = {each.name for each in machine.services.list() if each.start_mode is StartMode.AUTOMATIC}

    assert running == automatic | {"HTTPFilter"}


def test_everything_the_reference_names_depends_on_iisadmin(machine: Machine) -> None:
    assert {each.name for each in machine.services.dependents("IISADMIN")} == ON_IISADMIN


def test_the_mail_protocols_share_inetinfo_and_the_web_service_does_not(machine: Machine) -> None:
    shared = {each.name for each in machine.services.list() if each.host_process == "inetinfo.exe"}

    assert shared == {"IISADMIN", "SMTPSVC", "RESvc", "POP3Svc", "IMAP4Svc"}
    assert len({machine.services.get(name).process_id for name in shared}) == 1
    assert machine.services.get("W3SVC").host_process == "svchost.exe"


def test_in_isolation_mode_http_ssl_lives_in_inetinfo_and_stops_with_iis(forest: Forest) -> None:
    machine = exchange_2003("EX05", forest, isolation_mode=True)

    assert machine.services.get("HTTPFilter").host_process == "inetinfo.exe"
    machine.services.stop("IISADMIN", force=True)
    assert state(machine, "HTTPFilter") is ServiceState.STOPPED


def test_a_stop_is_refused_while_dependents_run(machine: Machine) -> None:
    assert refusal(lambda: machine.services.stop("IISADMIN")) is ErrorKind.DEPENDENTS_RUNNING
    assert state(machine, "IISADMIN") is ServiceState.RUNNING


def test_a_forced_stop_takes_the_dependents_along_first(machine: Machine) -> None:
    order: list[str] = []
    machine.services.on_transition(
        lambda each, _, new: order.append(each.name) if new is ServiceState.STOPPED else None
    )
    machine.services.stop("RpcSs", force=True)

    assert order[-1] == "RpcSs"
    assert order.index("W3SVC") < order.index("IISADMIN") < order.index("RpcSs")
    assert order.index("MSExchangeIS") < order.index("MSExchangeSA")


def test_a_start_brings_up_what_it_depends_on(machine: Machine) -> None:
    machine.services.stop("IISADMIN", force=True)
    machine.services.stop("HTTPFilter")
    machine.services.start("W3SVC")

    assert {state(machine, name) for name in ("IISADMIN", "HTTPFilter", "W3SVC")} == {ServiceState.RUNNING}
    assert state(machine, "SMTPSVC") is ServiceState.STOPPED


def test_a_disabled_service_does_not_start_and_what_needs_it_says_so(machine: Machine) -> None:
    machine.services.stop("IISADMIN", force=True)
    machine.services.set_start_mode("IISADMIN", StartMode.DISABLED)

    assert refusal(lambda: machine.services.start("IISADMIN")) is ErrorKind.SERVICE_DISABLED
    assert refusal(lambda: machine.services.start("W3SVC")) is ErrorKind.DEPENDENCY_FAILED
    assert machine.registry.get(r"SYSTEM\CurrentControlSet\Services\IISADMIN", "Start") == 4


def test_a_request_returns_at_once_and_the_state_follows_in_time(machine: Machine, clock: DrivenClock) -> None:
    machine.services.get("W3SVC").stop_seconds = 5
    machine.services.request_stop("W3SVC")
    clock.advance(4)
    assert state(machine, "W3SVC") is ServiceState.STOP_PENDING
    clock.advance(1)

    assert state(machine, "W3SVC") is ServiceState.STOPPED


def test_a_slow_dependency_makes_a_start_wait_for_it(machine: Machine, clock: DrivenClock) -> None:
    machine.services.stop("IISADMIN", force=True)
    machine.services.get("IISADMIN").start_seconds = 4
    machine.services.get("W3SVC").start_seconds = 3
    machine.services.request_start("W3SVC")
    clock.advance(6.9)
    assert (state(machine, "IISADMIN"), state(machine, "W3SVC")) == (ServiceState.RUNNING, ServiceState.START_PENDING)
    clock.advance(0.1)

    assert state(machine, "W3SVC") is ServiceState.RUNNING


def test_a_pending_service_takes_no_further_request(machine: Machine) -> None:
    machine.services.get("W3SVC").stop_seconds = 5
    machine.services.request_stop("W3SVC")

    assert refusal(lambda: machine.services.request_stop("W3SVC")) is ErrorKind.SERVICE_BUSY
    assert refusal(lambda: machine.services.request_start("W3SVC")) is ErrorKind.SERVICE_RUNNING


def test_a_stuck_service_never_stops_and_the_caller_gives_up(machine: Machine, clock: DrivenClock) -> None:
    machine.services.get("SMTPSVC").stuck = True

    assert refusal(lambda: machine.services.stop("SMTPSVC", seconds=30)) is ErrorKind.SERVICE_TIMEOUT
    clock.advance(86400)
    assert state(machine, "SMTPSVC") is ServiceState.STOP_PENDING


def test_a_broken_service_ends_up_stopped_with_an_event(machine: Machine) -> None:
    machine.services.stop("POP3Svc")
    machine.services.get("POP3Svc").broken = True

    assert refusal(lambda: machine.services.start("POP3Svc")) is ErrorKind.SERVICE_TIMEOUT
    assert state(machine, "POP3Svc") is ServiceState.STOPPED
    assert machine.logs.entries("System")[-2].event_id == 7000


def test_the_death_of_inetinfo_stops_all_in_it_and_what_depends_on_them(machine: Machine) -> None:
    process = machine.services.get("IISADMIN").process
    assert process is not None
    machine.processes.kill(process)

    stopped = {each.name for each in machine.services.list() if not each.is_running}
    assert stopped >= {"IISADMIN", "SMTPSVC", "RESvc", "POP3Svc", "IMAP4Svc", "W3SVC"}
    crashed = {entry.strings[0] for entry in machine.logs.entries("System") if entry.event_id == 7034}
    assert "IIS Admin Service" in crashed
    assert "World Wide Web Publishing Service" not in crashed


def test_a_pending_stop_that_is_overtaken_by_a_crash_leaves_nothing_behind(
    machine: Machine, clock: DrivenClock
) -> None:
    machine.services.get("SMTPSVC").stop_seconds = 30
    machine.services.request_stop("SMTPSVC")
    process = machine.services.get("IISADMIN").process
    assert process is not None
    machine.processes.kill(process)
    machine.services.start("SMTPSVC")
    clock.advance(60)

    assert state(machine, "SMTPSVC") is ServiceState.RUNNING


def test_a_host_process_ends_with_its_last_service(machine: Machine) -> None:
    pid = machine.services.get("IISADMIN").process_id
    machine.services.stop("IISADMIN", force=True)
    assert machine.processes.find(pid) is None
    machine.services.start("IISADMIN")

    assert machine.services.get("IISADMIN").process_id not in (0, pid)


def test_each_change_is_an_event_of_the_service_control_manager(machine: Machine) -> None:
    machine.services.stop("POP3Svc")
    entry = machine.logs.entries("System")[-1]

    assert (entry.source, entry.event_id) == ("Service Control Manager", 7036)
    assert entry.message == "The Microsoft Exchange POP3 service entered the stopped state."


def test_a_service_can_be_paused_and_continued(machine: Machine) -> None:
    machine.services.pause("SMTPSVC")
    assert state(machine, "SMTPSVC") is ServiceState.PAUSED
    assert refusal(lambda: machine.services.pause("SMTPSVC")) is ErrorKind.SERVICE_BUSY
    machine.services.resume("SMTPSVC")

    assert state(machine, "SMTPSVC") is ServiceState.RUNNING


def test_a_service_is_found_by_short_name_and_for_net_by_display_name(machine: Machine) -> None:
    assert machine.services.get("w3svc").name == "W3SVC"
    assert machine.services.find("world wide web publishing service").name == "W3SVC"
    assert refusal(lambda: machine.services.get("World Wide Web Publishing Service")) is ErrorKind.SERVICE_UNKNOWN


def test_starting_what_runs_and_stopping_what_is_stopped_is_quiet_when_blocking_and_an_error_as_a_request(
    machine: Machine,
) -> None:
    machine.services.start("W3SVC")
    machine.services.stop("NntpSvc")

    assert refusal(lambda: machine.services.request_start("W3SVC")) is ErrorKind.SERVICE_RUNNING
    assert refusal(lambda: machine.services.request_stop("NntpSvc")) is ErrorKind.SERVICE_NOT_STARTED


@pytest.mark.parametrize("version", [2007, 2010])
def test_a_client_access_server_runs_exchange_and_iis_7(forest: Forest, version: int) -> None:
    running = {each.name for each in client_access("CAS01", forest, version).services.list() if each.is_running}

    assert {"WAS", "W3SVC", "IISADMIN", "MSExchangeTransport", "MSExchangeServiceHost", "WinRM"} <= running
    assert not {"MSExchangeSA", "SMTPSVC"} & running
