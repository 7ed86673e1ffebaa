"""Unmodified pypsrp over NTLM: what a script says arrives, what the client gives is used."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from practice import DEADLINE, Practice, invoke
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from standin import ScriptError

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.powershell.values import Long


def test_a_pool_speaks_protocol_2_1(lab: Practice) -> None:
    with lab.pool() as pool:
        told = pool.application_private_data.data["PSVersionTable"]

    assert (pool.protocol_version, pool.ps_version, pool.serialization_version) == ("2.1", "2.0", "1.1.0.1")
    assert {str(key): str(value) for key, value in told.items()}["PSRemotingProtocolVersion"] == "2.1"


def test_a_property_bag_arrives_with_its_values(lab: Practice) -> None:
    lab.scripts["bag"] = lambda engine, sink, arguments, input: sink.output(
        CustomObject(
            {"Kind": "server", "Build": 7638, "Big": Long(2**40), "Names": ["a", "b"], "None": None, "On": True}
        )
    )
    with lab.pool() as pool:
        (bag,) = invoke(pool, "bag").output

    assert bag.extended_properties == {
        "Kind": "server",
        "Build": 7638,
        "Big": 2**40,
        "Names": ["a", "b"],
        "None": None,
        "On": True,
    }


def test_null_output_is_an_object(lab: Practice) -> None:
    lab.scripts["null"] = lambda engine, sink, arguments, input: sink.output(None)
    with lab.pool() as pool:
        shell = invoke(pool, "null")

    assert shell.output == [None]


def test_each_stream_arrives_in_its_own_place(lab: Practice) -> None:
    def speak(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        sink.warning("careful")
        sink.verbose("in detail")
        sink.debug("inside")
        half = {"Activity": "Saving", "ActivityId": 3, "StatusDescription": "half", "PercentComplete": 50}
        sink.progress(CustomObject(half))
        error = ClrError("no such thing", "System.ArgumentException")
        sink.error(ErrorRecord(error, "NoThing,Get-Thing", "ObjectNotFound", "x", activity="Get-Thing"))

    lab.scripts["speak"] = speak
    with lab.pool() as pool:
        shell = invoke(pool, "speak")
    (error,) = shell.streams.error
    (progress,) = shell.streams.progress

    assert [str(record) for record in shell.streams.warning] == ["careful"]
    assert [str(record) for record in shell.streams.verbose] == ["in detail"]
    assert [str(record) for record in shell.streams.debug] == ["inside"]
    assert (progress.activity, progress.activity_id, progress.percent_complete) == ("Saving", 3, 50)
    assert (str(error), error.fq_error, error.category, error.reason) == (
        "no such thing",
        "NoThing,Get-Thing",
        13,
        "ArgumentException",
    )
    assert error.message == "ObjectNotFound: (x:String) [Get-Thing], ArgumentException"
    assert error.exception.types[0] == "System.ArgumentException"


def test_a_script_that_fails_says_why(lab: Practice) -> None:
    def fail(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        sink.output("before")
        raise ScriptError("it broke")

    lab.scripts["fail"] = fail
    with lab.pool() as pool:
        shell = invoke(pool, "fail")

    assert shell.output == ["before"]
    assert shell.state == PSInvocationState.FAILED
    assert str(shell.streams.error[-1]) == "it broke"


def test_arguments_arrive_by_position_and_by_name(lab: Practice) -> None:
    seen: list[Any] = []
    lab.scripts["take"] = lambda engine, sink, arguments, input: seen.extend(arguments)
    with lab.pool() as pool:
        shell = PowerShell(pool)
        shell.add_script("take").add_argument("text").add_argument(5).add_parameter("List", ["a", "b"])
        shell.invoke()

    assert seen == ["text", 5, ["a", "b"]]


def test_pipeline_input_arrives_in_order_and_ends(lab: Practice) -> None:
    def echo(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        for item in input:
            sink.output(item)

    lab.scripts["echo"] = echo
    with lab.pool() as pool:
        shell = invoke(pool, "echo", input=["message 1", 2, ["3", 3]])

    assert shell.output == ["message 1", 2, ["3", 3]]


def test_a_megabyte_of_output_arrives_whole(lab: Practice) -> None:
    text = "".join(f"{number:08d}" for number in range(131072))
    lab.scripts["much"] = lambda engine, sink, arguments, input: sink.output(text)
    with lab.pool() as pool:
        shell = invoke(pool, "much")

    assert len(text) == 1024 * 1024
    assert shell.output == [text]


def test_many_objects_arrive_in_order(lab: Practice) -> None:
    def count(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        for number in range(2000):
            sink.output(number)

    lab.scripts["count"] = count
    with lab.pool() as pool:
        shell = invoke(pool, "count")

    assert shell.output == list(range(2000))


def test_a_script_of_400_kilobytes_is_put_together(lab: Practice) -> None:
    script = "# " + "é" * 200 * 1024
    lab.scripts[script] = lambda engine, sink, arguments, input: sink.output(len(script))
    with lab.pool() as pool:
        shell = invoke(pool, script)

    assert len(script.encode()) > 400 * 1024
    assert shell.output == [len(script)]


def test_a_session_keeps_its_variables_from_script_to_script(lab: Practice) -> None:
    lab.scripts["set"] = lambda engine, sink, arguments, input: engine.variables.update(x=arguments[0])
    lab.scripts["get"] = lambda engine, sink, arguments, input: sink.output(engine.variables["x"])
    with lab.pool() as pool:
        invoke(pool, "set", 42)
        shell = invoke(pool, "get")

    assert shell.output == [42]


def test_scripts_run_as_the_user_who_logged_on(lab: Practice) -> None:
    lab.scripts["who"] = lambda engine, sink, arguments, input: sink.output(engine.user)
    with lab.pool(username="administrator@LAB.EXAMPLE") as pool:
        shell = invoke(pool, "who")

    assert shell.output == [r"LAB\administrator"]


def test_two_pipelines_of_a_pool_of_two_run_at_once(lab: Practice) -> None:
    meeting = threading.Barrier(2)
    lab.scripts["meet"] = lambda engine, sink, arguments, input: sink.output(meeting.wait(DEADLINE) >= 0)
    pool = RunspacePool(lab.wsman(), max_runspaces=2)
    with pool:
        first, second = (PowerShell(pool).add_script("meet") for _ in range(2))
        first.begin_invoke()
        second.begin_invoke()
        outputs = first.end_invoke() + second.end_invoke()

    assert outputs == [True, True]
    assert len(lab.engines) == 2


def test_a_second_pipeline_waits_for_the_only_runspace(lab: Practice) -> None:
    go = threading.Event()
    order: list[str] = []

    def first(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        go.wait(DEADLINE)
        order.append("first")

    lab.scripts["first"] = first
    lab.scripts["second"] = lambda engine, sink, arguments, input: order.append("second")
    with lab.pool() as pool:
        one, two = PowerShell(pool).add_script("first"), PowerShell(pool).add_script("second")
        one.begin_invoke()
        two.begin_invoke()
        go.set()
        one.end_invoke()
        two.end_invoke()

    assert order == ["first", "second"]
    assert len(lab.engines) == 1


def test_a_pool_tells_how_many_runspaces_are_free(lab: Practice) -> None:
    with RunspacePool(lab.wsman(), max_runspaces=3) as pool:
        available = pool.get_available_runspaces()

    assert available == 3


def test_a_pool_grows_when_asked(lab: Practice) -> None:
    with lab.pool() as pool:
        pool.max_runspaces = 4
        available = pool.get_available_runspaces()

    assert available == 4


def test_a_signal_stops_a_script_and_says_stopped(lab: Practice) -> None:
    started = threading.Event()

    def endless(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        started.set()
        engine.stopping.wait(DEADLINE)

    lab.scripts["endless"] = endless
    with lab.pool() as pool:
        shell = PowerShell(pool).add_script("endless")
        shell.begin_invoke()
        started.wait(DEADLINE)
        pool.shell.signal("powershell/signal/ctrl_c", shell._command_id)
        shell.end_invoke()

    assert shell.state == PSInvocationState.STOPPED
    assert lab.engines[0].stopping.is_set()


def test_stop_with_the_clients_own_id_fails_as_on_winrm_2(lab: Practice) -> None:
    lab.scripts["wait"] = lambda engine, sink, arguments, input: engine.stopping.wait(DEADLINE)
    with lab.pool() as pool:
        shell = PowerShell(pool).add_script("wait")
        shell.begin_invoke()
        with pytest.raises(WSManFaultError) as caught:
            shell.stop()

    assert caught.value.code == 87


def test_closing_the_pool_ends_a_running_script_and_its_process(lab: Practice) -> None:
    started = threading.Event()

    def endless(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
        started.set()
        engine.stopping.wait(DEADLINE)

    lab.scripts["endless"] = endless
    with lab.pool() as pool:
        PowerShell(pool).add_script("endless").begin_invoke()
        started.wait(DEADLINE)
        host = lab.engines[0].process
        child = lab.machine.processes.spawn("child.exe", host)

    assert lab.loop.until(lambda: lab.engines[0].stopping.is_set())
    assert (host.is_alive, child.is_alive) == (False, False)


def test_command_metadata_is_refused_aloud(lab: Practice) -> None:
    with lab.pool() as pool:
        shell = PowerShell(pool)
        from pypsrp.messages import GetCommandMetadata

        shell._invoke(GetCommandMetadata(["*"], 1, None, None))
        shell.end_invoke()

    assert shell.state == PSInvocationState.FAILED
    assert "does not describe its commands" in str(shell.streams.error[-1])
