"""The web server follows the machine: stopped, restarted, recycled, rebooted, unplugged."""

from __future__ import annotations

import socket
import threading

import pytest
from looping import DEADLINE
from weblab import PATH, Client, Lab

from agent.lab.web.iis import IisServer

POOL = "ExchangeApplicationPool"


def refuses(lab: Lab, server: IisServer, port: int = 80) -> bool:
    """Whether a connection is refused once the server has settled."""
    assert lab.settled(server)
    try:
        socket.create_connection(server.endpoint(port), timeout=DEADLINE).close()
    except ConnectionRefusedError:
        return True
    return False


def finish(thread: threading.Thread, lab: Lab) -> None:
    """Move the clock until the thread is done."""
    for _ in range(2000):
        if not thread.is_alive():
            return
        lab.clock.advance(1.0)
        thread.join(0.01)
    raise AssertionError("the operation never ended")


def in_background(lab: Lab, operation: object, *arguments: object) -> None:
    thread = threading.Thread(target=operation, args=arguments, daemon=True)  # type: ignore[arg-type]  # any callable
    thread.start()
    finish(thread, lab)


def ask_by_the_clock(lab: Lab, client: Client) -> tuple[int, float]:
    """The status, and how many of the clock's seconds the answer took."""
    start = lab.clock.monotonic()
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(client.ask().status), daemon=True)
    thread.start()
    thread.join(0.2)
    finish(thread, lab)
    return answers[0], lab.clock.monotonic() - start


def test_a_stopped_service_refuses_and_a_started_one_answers_at_the_same_port(lab: Lab) -> None:
    server = lab.iis()
    in_background(lab, lab.ex01.services.stop, "W3SVC")
    stopped = refuses(lab, server)
    in_background(lab, lab.ex01.services.start, "W3SVC")

    assert stopped and not refuses(lab, server)


def test_stopping_cuts_those_who_are_connected(lab: Lab) -> None:
    server = lab.iis()
    client = lab.client(server)
    client.ask()
    in_background(lab, lab.ex01.services.stop, "W3SVC")

    assert lab.loop.until(lambda: server.connections == 0)


def test_the_first_answer_after_an_iisreset_takes_the_warm_up(lab: Lab) -> None:
    server = lab.iis(warm_up_seconds=7.0)
    before = ask_by_the_clock(lab, lab.client(server))[1]
    in_background(lab, lab.ex01.iisreset.run, ["/noforce"])
    assert not refuses(lab, server)
    status, seconds = ask_by_the_clock(lab, lab.client(server))
    again = ask_by_the_clock(lab, lab.client(server))[1]

    assert (status, before, again) == (401, 0.0, 0.0) and seconds >= 7.0


def test_a_recycled_pool_warms_up_and_no_connection_is_cut(lab: Lab) -> None:
    server = lab.iis(warm_up_seconds=5.0)
    client = lab.client(server)
    client.ask()
    lab.ex01.iis.recycle(POOL)
    status, seconds = ask_by_the_clock(lab, client)

    assert status == 401 and seconds >= 5.0


def test_a_stopped_pool_is_503_for_its_directories_only(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.iis.stop_pool(POOL)
    answer = lab.client(server).ask()

    assert (answer.status, answer.body) == (503, b"<h1>Service Unavailable</h1>")
    assert lab.client(server).ask("GET", "/").status == 200


def test_a_directory_in_a_pool_that_does_not_exist_is_503(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "AppPoolId", "Gone")

    assert lab.client(server).ask().status == 503


def test_a_stopped_site_refuses_while_the_service_runs(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.iis.stop_site("1")
    stopped = refuses(lab, server)
    lab.ex01.iis.start_site("1")

    assert stopped and not refuses(lab, server)


def test_a_machine_that_reboots_refuses_until_it_is_back(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.reboot(300)
    away = refuses(lab, server)
    lab.clock.advance(400)

    assert away and lab.loop.until(lambda: 80 in server.open_ports) and not refuses(lab, server)


def test_an_unplugged_machine_refuses(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.set_online(False)
    away = refuses(lab, server)
    lab.ex01.set_online(True)

    assert away and not refuses(lab, server)


def test_other_machines_go_on(lab: Lab) -> None:
    first, second = lab.iis(), lab.iis(lab.ex02)
    in_background(lab, lab.ex01.services.stop, "W3SVC")

    assert refuses(lab, first) and not refuses(lab, second)


@pytest.mark.parametrize("cas_ports", [(443, 80)])
def test_a_cas_follows_its_service_too(lab: Lab, cas_ports: tuple[int, int]) -> None:
    cas = lab.cas()
    in_background(lab, lab.cas01.services.stop, "W3SVC")
    assert lab.settled(cas)
    refused = 0
    for port in cas_ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(cas.endpoint(port), timeout=DEADLINE)
        refused += 1
    in_background(lab, lab.cas01.services.start, "W3SVC")
    assert lab.settled(cas)

    assert refused == 2 and lab.phone(cas).ask().status == 401


def test_a_stopped_server_gives_everything_back(lab: Lab) -> None:
    server = lab.iis()
    client = lab.client(server)
    client.ask()
    endpoint = server.endpoint(80)
    lab.loop.run(server.stop())
    lab.ex01.set_online(False)
    lab.ex01.set_online(True)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(endpoint, timeout=DEADLINE)


def test_a_cas_whose_sync_pool_is_stopped_is_503(lab: Lab) -> None:
    cas = lab.cas()
    lab.cas01.iis.stop_pool("MSExchangeSyncAppPool")

    assert lab.phone(cas).ask().status == 503


def test_a_cas_warms_up_after_its_own_iisreset(lab: Lab) -> None:
    cas = lab.cas(warm_up_seconds=9.0)
    in_background(lab, lab.cas01.iisreset.run, ["/noforce"])
    assert lab.settled(cas)
    status, seconds = ask_by_the_clock(lab, lab.phone(cas))

    assert status == 401 and seconds >= 9.0
