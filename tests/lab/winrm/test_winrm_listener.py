"""Up and down: the ports of a machine, its reboot, its WinRM service, and the faults of the wire."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests
from practice import DEADLINE, PASSWORD, Loop, Practice, invoke
from pypsrp.exceptions import AuthenticationError
from pypsrp.powershell import PowerShell

from agent.lab.web.authority import LabAuthority
from agent.lab.winrm.connection import OVERSIZED_BYTES
from agent.lab.winrm.faults import WireFaults

GONE = (requests.RequestException, ConnectionError)


def answers(lab: Practice) -> bool:
    try:
        return requests.post(lab.endpoint, timeout=DEADLINE).status_code == 401
    except requests.ConnectionError:
        return False


def test_an_unreachable_machine_refuses_connections_and_comes_back_on_its_port(lab: Practice) -> None:
    lab.faults.set(unreachable=True)
    assert lab.loop.until(lambda: not _is_listening(lab))
    assert not answers(lab)
    lab.faults.set(unreachable=False)

    assert lab.loop.until(lambda: _is_listening(lab))
    assert answers(lab)


def _is_listening(lab: Practice) -> bool:
    return all(listener.server is not None for listener in lab.server._listeners)


def test_becoming_unreachable_cuts_a_running_session(lab: Practice) -> None:
    started = threading.Event()

    def wait(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        started.set()
        engine.stopping.wait(DEADLINE)

    lab.scripts["wait"] = wait
    pool = lab.pool()
    pool.open()
    shell = PowerShell(pool).add_script("wait")
    shell.begin_invoke()
    started.wait(DEADLINE)
    timer = threading.Timer(0, lambda: lab.faults.set(unreachable=True))
    timer.start()

    with pytest.raises(GONE):
        shell.end_invoke()
    assert len(lab.server.service.shells) == 1  # the server lives on, only the network is away


def test_a_reboot_ends_every_shell_and_the_machine_answers_again(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    pool = lab.pool()
    pool.open()
    invoke(pool, "quick")
    engine = lab.engines[0]
    lab.machine.reboot(60)
    assert lab.loop.until(lambda: not _is_listening(lab) and len(lab.server.service.shells) == 0)
    lab.clock.advance(61)  # type: ignore[attr-defined] # the fixture's clock is a driven one
    assert lab.loop.until(lambda: _is_listening(lab))

    with lab.pool() as fresh:
        assert invoke(fresh, "quick").output == [1]
    assert not engine.process.is_alive


def test_stopping_the_winrm_service_closes_the_port(lab: Practice) -> None:
    lab.machine.services.stop("WinRM")
    assert lab.loop.until(lambda: not _is_listening(lab))
    assert not answers(lab)
    lab.machine.services.start("WinRM")

    assert lab.loop.until(lambda: _is_listening(lab))


def test_stop_leaves_no_process_and_no_port_behind(winrm_loop: Loop) -> None:
    lab = Practice(winrm_loop)
    lab.scripts["wait"] = lambda engine, sink, arguments, input: engine.stopping.wait(DEADLINE)
    pool = lab.pool()
    pool.open()
    PowerShell(pool).add_script("wait").begin_invoke()
    before = {process.pid for process in lab.machine.processes.list() if process.name == "wsmprovhost.exe"}
    lab.close()

    assert len(before) == 1
    assert not any(process.name == "wsmprovhost.exe" for process in lab.machine.processes.list())
    assert not answers(lab)


def test_a_slow_machine_waits_before_each_answer(lab: Practice) -> None:
    lab.faults.set(slow_seconds=7)
    before = lab.clock.monotonic()
    lab.drive(lambda: requests.post(lab.endpoint, timeout=DEADLINE), step=1.0)

    assert lab.clock.monotonic() - before >= 7


def test_reset_mid_answer_breaks_off_after_the_script_ran(lab: Practice) -> None:
    ran: list[int] = []

    def once(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        ran.append(1)
        sink.output("done")

    lab.scripts["once"] = once
    pool = lab.pool()
    pool.open()
    lab.faults.set(reset_mid_answer=True)

    with pytest.raises(GONE):
        invoke(pool, "once")
    assert ran == [1]


def test_auth_denied_refuses_the_right_password(lab: Practice) -> None:
    lab.faults.set(auth_denied=True)
    with pytest.raises(AuthenticationError):
        lab.pool().open()

    assert lab.user.bad_passwords == 0


def test_a_garbage_answer_is_no_soap(lab: Practice) -> None:
    lab.faults.set(garbage_answer=True)

    with pytest.raises(Exception) as caught:
        lab.pool().open()
    assert "ParseError" in type(caught.value).__name__


def test_an_oversized_answer_is_larger_than_any_envelope(lab: Practice) -> None:
    sizes: list[int] = []
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    pool = lab.pool()
    pool.open()
    hooks = pool.connection.transport.session.hooks["response"]
    hooks.append(lambda answer, **_: sizes.append(len(answer.content)))
    lab.faults.set(oversized_answer=True)
    shell = invoke(pool, "quick")

    assert max(sizes) > OVERSIZED_BYTES
    assert shell.output == [1]


def test_faults_are_set_by_name_and_an_unknown_name_is_an_error() -> None:
    faults = WireFaults()
    seen: list[dict[str, Any]] = []
    faults.on_change(lambda: seen.append(faults.active()))
    faults.set(slow_seconds=2.5, psrp_disabled=True)

    assert seen == [{"slow_seconds": 2.5, "psrp_disabled": True}]
    with pytest.raises(AttributeError):
        faults.set(unreacheable=True)


def test_https_takes_plain_envelopes_and_sealed_ones(winrm_loop: Loop) -> None:
    lab = Practice(winrm_loop, context=LabAuthority().context("ex01.lab.example"))
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    outputs = []
    try:
        for encryption in ("auto", "always"):
            with lab.pool(port=lab.tls_port, ssl=True, cert_validation=False, encryption=encryption) as pool:
                outputs += invoke(pool, "quick").output
        wrong = lab.wsman(port=lab.tls_port, ssl=True, cert_validation=False, password=PASSWORD + "x")
        with pytest.raises(AuthenticationError):
            wrong.get_server_config()
    finally:
        lab.close()

    assert outputs == [1, 1]


def test_two_hundred_machines_share_one_loop_without_a_task_each(winrm_loop: Loop) -> None:
    import asyncio

    from agent.lab.winrm.server import WinrmServer
    from agent.lab.world.build import exchange_2003

    lab = Practice(winrm_loop)
    machines = [exchange_2003(f"M{number:03}", lab.forest) for number in range(200)]
    servers = [WinrmServer(machine, lab.authority) for machine in machines]
    tasks: list[int] = []

    async def start() -> list[int]:
        ports = [await server.start() for server in servers]
        tasks.append(len(asyncio.all_tasks()))
        return ports

    async def stop() -> None:
        for server in servers:
            await server.stop()

    ports = winrm_loop.run(start())
    statuses = {requests.post(f"http://127.0.0.1:{port}/wsman", timeout=DEADLINE).status_code for port in ports[::20]}
    winrm_loop.run(stop())
    lab.close()

    assert len(set(ports)) == 200
    assert statuses == {401}
    assert tasks[0] < 10


def test_a_reboot_nobody_had_time_to_notice_still_ends_the_shells(lab: Practice) -> None:
    pool = lab.pool()
    pool.open()
    shells = lab.server.service.shells
    lab.loop.run(_reboot_at_once(lab))

    assert lab.loop.until(lambda: len(shells) == 0)
    assert lab.loop.until(lambda: _is_listening(lab))


async def _reboot_at_once(lab: Practice) -> None:
    """On the loop's own thread, so that it cannot look in between."""
    lab.machine.reboot(1)
    lab.clock.advance(2)  # type: ignore[attr-defined] # the fixture's clock is a driven one


def test_stop_does_not_wait_for_a_slow_answer(winrm_loop: Loop) -> None:
    lab = Practice(winrm_loop)
    lab.faults.set(slow_seconds=3600)
    gone: list[bool] = []

    def ask() -> None:
        try:
            requests.post(lab.endpoint, timeout=DEADLINE)
        except requests.ConnectionError:
            gone.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    assert lab.loop.until(lambda: bool(lab.server._connections))
    lab.close()
    asking.join(DEADLINE)

    assert gone == [True]
