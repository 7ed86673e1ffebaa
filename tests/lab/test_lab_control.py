"""The line to a running lab answers whoever has the token, refuses everybody else, and survives nonsense."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleetlab import DEADLINE, FAST
from ports import HeldPort

from agent.lab.control import LIMIT, Control, LabGone, ask
from agent.lab.faults import FaultError
from agent.lab.fleet import Fleet

TOKEN = "the right token"


class Line:
    """A lab's directory with a control behind it."""

    def __init__(self, fleet: Fleet, directory: Path) -> None:
        self.fleet = fleet
        self.directory = directory
        self.control = Control(fleet, TOKEN, patience=DEADLINE)
        self.port = fleet.call(self.control.start())
        self.write(self.port, TOKEN)

    def write(self, port: int, token: str) -> None:
        (self.directory / "lab.json").write_text(json.dumps({"control": {"host": "127.0.0.1", "port": port}}))
        (self.directory / "lab.token").write_text(token + "\n", encoding="utf-8")

    def say(self, content: bytes) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as connection:
            connection.sendall(content)
            found = b""
            while part := connection.recv(65536):
                found += part
        answer: dict[str, Any] = json.loads(found)
        return answer


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Fleet(2, 1, [], pace=FAST) as fleet:
        made = Line(fleet, tmp_path)
        yield made
        fleet.call(made.control.stop())


def test_the_truth_is_told_to_whoever_has_the_token(line: Line) -> None:
    answer = ask(line.directory, "truth")

    assert [each["name"] for each in answer["machines"]] == ["EX01", "EX02", "CAS01"]
    assert [each["name"] for each in answer["users"]] == [r"LAB\easfix", r"LAB\phone-ex01", r"LAB\phone-ex02"]


def test_a_fault_is_in_force_when_the_answer_is_there(line: Line) -> None:
    ask(line.directory, "fault", fault="unreachable@EX01")
    with socket.socket() as made:
        refused = made.connect_ex(("127.0.0.1", line.fleet["EX01"].ports.winrm))

    assert refused != 0


def test_a_fault_that_cannot_be_is_answered_with_the_labs_own_words(line: Line) -> None:
    with pytest.raises(FaultError, match="did you mean slow"):
        ask(line.directory, "fault", fault="slov@EX01")


@pytest.mark.parametrize("token", ["", "wrong", "the right tokem", "Größe", None, 7, ["the right token"], {}])
def test_a_wrong_token_learns_nothing(line: Line, token: object) -> None:
    answer = line.say(json.dumps({"token": token, "do": "truth"}).encode() + b"\n")

    assert answer == {"error": "wrong token"}


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"GET / HTTP/1.1\n",
        b"\xff\xfe\x00\n",
        b"[" * 60_000 + b"\n",
        b'{"token":\n',
        b"[]\n",
        b"null\n",
        b'"x"\n',
    ],
)
def test_garbage_is_answered_with_an_error_and_the_lab_goes_on(line: Line, content: bytes) -> None:
    answer = line.say(content)

    assert answer["error"] in ("not JSON", "wrong token")
    assert ask(line.directory, "truth")["machines"]


def test_a_question_that_is_too_long_is_refused(line: Line) -> None:
    answer = line.say(b'{"token": "' + b"x" * LIMIT + b'"}\n')

    assert str(LIMIT) in answer["error"]
    assert ask(line.directory, "truth")["machines"]


def test_an_unknown_question_is_named(line: Line) -> None:
    with pytest.raises(FaultError, match="no such question: dance"):
        ask(line.directory, "dance")


def test_many_may_ask_at_once(line: Line) -> None:
    answers: list[int] = []
    askers = [
        threading.Thread(target=lambda: answers.append(len(ask(line.directory, "truth")["machines"])))
        for _ in range(16)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(DEADLINE)

    assert answers == [3] * 16


def test_those_who_say_nothing_do_not_keep_the_lab_from_ending(tmp_path: Path) -> None:
    with Fleet(1, 0, []) as fleet:
        line = Line(fleet, tmp_path)
        silent = [socket.create_connection(("127.0.0.1", line.port), timeout=DEADLINE) for _ in range(5)]
        ask(tmp_path, "truth")
        fleet.call(line.control.stop())

        for each in silent:
            with each:
                assert _is_closed(each)


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_whoever_says_nothing_for_too_long_is_cut_off(tmp_path: Path) -> None:
    with Fleet(1, 0, []) as fleet:
        control = Control(fleet, TOKEN, patience=0.05)
        port = fleet.call(control.start())
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            assert _is_closed(connection)
        fleet.call(control.stop())


def test_without_a_lab_the_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabGone, match=r"no lab runs in .*: there is no lab\.json"):
        ask(tmp_path, "truth")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"control": 1}', '{"control": {"host": 1, "port": "x"}}'])
def test_a_spoilt_file_is_no_lab(line: Line, content: str) -> None:
    (line.directory / "lab.json").write_text(content)

    with pytest.raises(LabGone, match="does not answer"):
        ask(line.directory, "truth")


def test_a_lab_that_ended_without_clearing_up_is_gone(line: Line) -> None:
    with HeldPort() as held:  # nobody answers there
        line.write(held.number, TOKEN)

        with pytest.raises(LabGone, match="ended without clearing up"):
            ask(line.directory, "truth")


def test_another_lab_on_the_old_port_is_not_taken_for_this_one(line: Line) -> None:
    line.write(line.port, "the token of another lab")

    with pytest.raises(LabGone, match="something else answers"):
        ask(line.directory, "truth")
