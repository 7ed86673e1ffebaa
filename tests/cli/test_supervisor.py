"""The heartbeat: a supervisor hears that we are ready and alive, and hears nothing once there is no sign of life."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.supervisor import Heart, Supervisor

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's socket is of the Unix family")


class Listener:
    """The supervisor's end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.settimeout(60)

    def hear(self) -> str:
        return self.socket.recv(4096).decode()

    @property
    def is_silent(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(60)
        return False


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    found = Listener(str(tmp_path / "notify"))
    yield found
    found.socket.close()


def test_a_supervisor_hears_each_state(listener: Listener) -> None:
    supervisor = Supervisor(listener.address)
    supervisor.ready()
    supervisor.status("next tick\nat noon")
    supervisor.stopping()

    assert [listener.hear() for _ in range(3)] == ["READY=1", "STATUS=next tick at noon", "STOPPING=1"]


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="names without a file are of Linux")
def test_a_socket_may_have_a_name_without_a_file(tmp_path: Path) -> None:
    listener = Listener(f"@easfix-{tmp_path}")
    Supervisor(listener.address).ready()

    assert listener.hear() == "READY=1"
    listener.socket.close()


def test_nobody_listens_and_nothing_happens(tmp_path: Path) -> None:
    Supervisor().ready()
    Supervisor(str(tmp_path / "gone")).ready()

    assert Supervisor("", 10).watchdog is None


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": "/x"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "30000000"}, None),
    ],
)
def test_the_environment_says_whether_there_is_a_watchdog(environment: dict[str, str], watchdog: float | None) -> None:
    assert Supervisor.of(environment, 42).watchdog == watchdog


def test_a_heart_beats_while_there_are_signs_of_life(listener: Listener) -> None:
    with Heart(Supervisor(listener.address, 0.15), lambda: 0.0, patience=10):
        beats = [listener.hear(), listener.hear()]

    assert beats == ["WATCHDOG=1", "WATCHDOG=1"]


def test_a_heart_without_a_sign_of_life_is_silent_until_the_next(listener: Listener) -> None:
    time = 0.0
    heart = Heart(Supervisor(listener.address), lambda: time, patience=10)
    time = 10.0
    heart.beat()

    assert listener.hear() == "WATCHDOG=1"

    time = 10.5
    heart.beat()

    assert listener.is_silent

    heart.sign()
    time = 20.5
    heart.beat()

    assert listener.hear() == "WATCHDOG=1"


def test_without_a_watchdog_there_is_no_thread_and_no_beat(listener: Listener) -> None:
    with Heart(Supervisor(listener.address), lambda: 0.0, patience=10) as heart:
        heart.sign()

    assert listener.is_silent
