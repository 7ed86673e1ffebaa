"""Each limit of domain 6.1, met by an unmodified client."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests
from practice import DEADLINE, Loop, Practice, invoke
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, WinRS

from agent.lab.winrm.quotas import Quotas


def test_the_defaults_are_those_of_winrm_2_on_server_2003() -> None:
    quotas = Quotas()

    assert (quotas.envelope_bytes, quotas.operation_seconds, quotas.shell_idle_seconds) == (153600, 60.0, 180.0)
    assert (quotas.shell_bytes, quotas.processes_per_shell, quotas.shells_per_user) == (157286400, 15, 5)


def test_a_user_may_have_five_shells_and_not_six(lab: Practice) -> None:
    pools = [lab.pool() for _ in range(6)]
    for pool in pools[:5]:
        pool.open()
    with pytest.raises(WSManFaultError) as caught:
        pools[5].open()

    assert caught.value.code == 2150859173
    assert "maximum number of 5 concurrent shells" in caught.value.reason


def test_a_closed_shell_makes_room(lab: Practice) -> None:
    pools = [lab.pool() for _ in range(6)]
    for pool in pools[:5]:
        pool.open()
    pools[0].close()
    pools[5].open()

    assert len(lab.server.service.shells) == 5


def test_shells_are_counted_for_each_user_alone(lab: Practice) -> None:
    lab.forest.accounts.add("second", "pw", is_admin=True)
    for _ in range(5):
        lab.pool().open()
    with lab.pool(username=r"LAB\second", password="pw") as pool:
        version = pool.protocol_version

    assert version == "2.1"


def test_the_sixteenth_command_without_a_signal_is_refused(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    with lab.pool() as pool:
        for _ in range(15):
            PowerShell(pool).add_script("quick").invoke()
        with pytest.raises(WSManFaultError) as caught:
            PowerShell(pool).add_script("quick").invoke()

    assert caught.value.code == 2150859174
    assert "maximum number of 15 concurrent operations" in caught.value.reason


def test_signalled_commands_do_not_count(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    with lab.pool() as pool:
        outputs = [invoke(pool, "quick").output for _ in range(20)]

    assert outputs == [[1]] * 20


def test_nothing_to_receive_is_a_timeout_fault_after_the_operation_timeout(lab: Practice) -> None:
    started = threading.Event()

    def wait(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        started.set()
        engine.stopping.wait(DEADLINE)

    lab.scripts["wait"] = wait
    with lab.pool() as pool:
        shell = PowerShell(pool).add_script("wait")
        shell.begin_invoke()
        started.wait(DEADLINE)
        before = lab.clock.monotonic()
        fault = lab.drive(lambda: _fault_of(pool, shell._command_id))
        took = lab.clock.monotonic() - before

    assert (fault.code, fault.reason) == (
        2150858793,
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
    )
    assert took >= 20


def test_an_operation_timeout_above_sixty_seconds_is_cut_to_sixty(lab: Practice) -> None:
    lab.scripts["wait"] = lambda engine, sink, arguments, input: engine.stopping.wait(DEADLINE)
    with lab.pool() as pool:
        shell = PowerShell(pool).add_script("wait")
        shell.begin_invoke()
        before = lab.clock.monotonic()
        fault = lab.drive(lambda: _fault_of(pool, shell._command_id, 3600), step=1.0)
        took = lab.clock.monotonic() - before

    assert fault.code == 2150858793
    assert 60 <= took < 3600


def _fault_of(pool: RunspacePool, command_id: str, timeout: int | None = None) -> WSManFaultError:
    with pytest.raises(WSManFaultError) as caught:
        pool.shell.receive("stdout", command_id, timeout)
    return caught.value


def test_pypsrp_goes_on_after_a_timeout_fault(lab: Practice) -> None:
    go = threading.Event()

    def slow(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        go.wait(DEADLINE)
        sink.output("at last")

    lab.scripts["slow"] = slow
    with lab.pool() as pool:
        shell = PowerShell(pool).add_script("slow")
        shell.begin_invoke()
        lab.drive(shell.poll_invoke)
        go.set()
        output = shell.end_invoke()

    assert output == ["at last"]


def test_a_shell_idle_for_180_seconds_is_gone(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    pool = lab.pool()
    pool.open()
    invoke(pool, "quick")
    host = lab.engines[0].process
    lab.clock.advance(181)

    assert lab.loop.until(lambda: len(lab.server.service.shells) == 0)
    with pytest.raises(WSManFaultError) as caught:
        invoke(pool, "quick")
    assert caught.value.code == 2150858843
    assert not host.is_alive


def test_a_request_starts_the_idle_time_anew(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    with lab.pool() as pool:
        for _ in range(3):
            lab.clock.advance(170)
            shell = invoke(pool, "quick")

    assert shell.output == [1]


def test_a_request_larger_than_the_envelope_is_too_large(lab: Practice) -> None:
    shell = WinRS(lab.wsman())
    shell.open()
    with pytest.raises(WinRMTransportError) as caught:
        Process(shell, "echo " + "x" * 153600).invoke()

    assert caught.value.code == 413


def test_a_sealed_request_a_little_too_large_is_too_large_as_well(lab: Practice) -> None:
    shell = WinRS(lab.wsman())
    shell.open()
    with pytest.raises(WinRMTransportError) as caught:
        Process(shell, "echo " + "x" * 153000).invoke()

    assert caught.value.code == 413


def test_no_answer_is_larger_than_the_envelope_the_client_allows(lab: Practice) -> None:
    sizes: list[int] = []
    lab.scripts["much"] = lambda engine, sink, arguments, input: sink.output("x" * 300_000)
    wsman = lab.wsman(max_envelope_size=32768)
    session = wsman.transport._build_session()
    session.hooks["response"].append(lambda answer, **_: sizes.append(len(answer.content)))
    wsman.transport.session = session
    with RunspacePool(wsman) as pool:
        shell = invoke(pool, "much")

    assert shell.output == ["x" * 300_000]
    assert 20_000 < max(sizes) < 32768 + 512  # the frame of a sealed message is not in the envelope


def test_an_envelope_below_the_minimum_is_refused(lab: Practice) -> None:
    with pytest.raises(WSManFaultError) as caught:
        lab.wsman(max_envelope_size=4096).get_server_config()

    assert caught.value.code == 2150858878


def test_a_shell_whose_output_outgrows_its_memory_dies_with_its_children(winrm_loop: Loop) -> None:
    lab = Practice(winrm_loop, quotas=Quotas(shell_bytes=1024 * 1024))
    try:
        children = []

        def flood(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
            children.append(engine.machine.processes.spawn("child.exe", engine.process))
            while not engine.stopping.is_set():
                sink.output("x" * 65536)

        lab.scripts["flood"] = flood
        with lab.pool() as pool:
            shell = PowerShell(pool).add_script("flood")
            shell.begin_invoke()
            with pytest.raises(WSManFaultError) as caught:
                shell.end_invoke()
            with pytest.raises(WSManFaultError) as again:
                PowerShell(pool).add_script("flood").invoke()
    finally:
        lab.close()

    assert (caught.value.code, again.value.code) == (2150859117, 2150859117)
    assert not children[0].is_alive


def test_the_configuration_a_client_reads_names_the_quotas(lab: Practice) -> None:
    wsman = lab.wsman()
    wsman.update_max_payload_size()
    body = wsman.get_server_config("config/winrs")
    values = {element.tag.rpartition("}")[2]: element.text for element in body.iter()}

    assert wsman.max_envelope_size == 153600
    assert values["MaxShellsPerUser"] == "5"
    assert values["MaxProcessesPerShell"] == "15"
    assert values["IdleTimeout"] == "180000"
    assert values["MaxMemoryPerShellMB"] == "150"


def test_headers_above_16_kilobytes_are_refused(lab: Practice) -> None:
    answer = requests.post(lab.endpoint, headers={"X-Long": "x" * 17000}, timeout=DEADLINE)

    assert answer.status_code == 431
