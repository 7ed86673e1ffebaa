"""Servers on paper answer as the real scripts do on a machine of the lab: the same words to the same questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fake import FakeConnector
from paper import CHILD, EAS, Case, PaperServer
from paper_scripts import ScriptError, answer, hop

from agent.errors import ScriptFailed
from agent.lab.clock import DrivenClock
from agent.lab.fleet import Fleet, Pace
from agent.model import Record, Server
from agent.playbook import load

PACE = Pace(restart_seconds=12.0, warm_up_seconds=0.0, proxy_seconds=1.0)
OF_THE_MACHINE = {"Utc", "SavedAt", "ClaimedAt", "StartedAt", "EndedAt", "Seconds", "Bytes", "IisResetStatus",
                  "SslErrorPage", "Milliseconds", "Body", "FreeMegabytes"}  # fmt: skip
"""What differs from one machine to the next, or from one second to the next; whether it is there at all is compared."""

SCRIPTS = load().scripts
QUESTION = {"Run": "r1", "DeadlineSeconds": 600, "What": "restart"}
RESTART = {"Run": "r1", "TimeoutSeconds": 60, "DeadlineSeconds": 600}
HOP = {"Fqdn": "ex01.lab.example", "Port": 80, "TimeoutSeconds": 5}
ASK = {"Path": [EAS]}
WRITE = {"Path": EAS, "Before": 8, "After": 0, "Held": "explicit"}
BACK = {"Path": EAS, "Before": 0, "After": 8, "Held": "explicit"}
INHERITED = {"Held": "inherited"}
UNTIL_THE_END = 60.0

Step = tuple[str, dict[str, Any]] | float
"""A script with its arguments, or seconds that pass."""

ROUND: list[Step] = [
    ("detect", {}),
    ("hop", HOP),
    ("readback", {"Path": [EAS, f"{EAS}x"]}),
    ("restart-status", QUESTION),
    ("backup", {"Name": "easfix-r1"}),
    ("backup", {"Name": "easfix-r1"}),
    ("clear", {**WRITE, "Before": 264}),
    ("clear", {**WRITE, **INHERITED}),
    ("clear", {**WRITE, "Path": f"{EAS}x"}),
    ("clear", WRITE),
    ("clear", WRITE),
    ("readback", ASK),
    ("restart", RESTART),
    UNTIL_THE_END,
    ("restart-status", QUESTION),
    ("restart", RESTART),
    ("hop", HOP),
    ("readback", ASK),
    ("detect", {}),
    ("start-services", {"Name": ["SMTPSVC", "Nope"], "TimeoutSeconds": 5}),
    ("restart-status", QUESTION),
    ("close", {"Run": "r1", "DeadlineSeconds": 600}),
    ("close", {"Run": "r1", "DeadlineSeconds": 600}),
    ("restart-status", QUESTION),
    ("restore", {**BACK, "Before": 264}),
    ("restore", BACK),
    ("restore", BACK),
    ("readback", ASK),
    ("hop", HOP),
    ("detect", {}),
]
ON_INHERITED: list[Step] = [
    ("detect", {}),
    ("readback", ASK),
    ("clear", WRITE),
    ("clear", {**WRITE, **INHERITED}),
    ("readback", ASK),
    ("hop", HOP),
    ("detect", {}),
    ("restore", {**BACK, **INHERITED}),
    ("restore", {**BACK, **INHERITED}),
    ("readback", ASK),
    ("hop", HOP),
]
WITH_A_CHILD: list[Step] = [
    ("detect", {}),
    ("readback", {"Path": [EAS, CHILD]}),
    ("clear", {**WRITE, "Path": CHILD}),
    ("detect", {}),
    ("readback", {"Path": [EAS, CHILD]}),
]
WHILE_IT_RESTARTS: list[Step] = [
    ("clear", WRITE),
    ("restart", RESTART),
    4.0,
    ("restart-status", QUESTION),
    ("hop", HOP),
    ("readback", ASK),
    ("detect", {}),
    ("clear", WRITE),
    ("restore", BACK),
    ("backup", {"Name": "later"}),
    ("close", {"Run": "r1", "DeadlineSeconds": 600}),
]
UNSAVED: list[Step] = [
    ("backup", {"Name": "easfix-r1"}),
    ("clear", WRITE),
    ("readback", ASK),
    ("restart", RESTART),
    ("restart-status", QUESTION),
    ("restore", BACK),
    ("readback", ASK),
]
ONE_STAYS_DOWN: list[Step] = [
    ("clear", WRITE),
    ("restart", RESTART),
    UNTIL_THE_END,
    ("restart-status", QUESTION),
    ("start-services", {"Name": ["SMTPSVC"], "TimeoutSeconds": 5}),
    ("restart-status", QUESTION),
]
PUT_BACK_BY_DIRECTORY: list[Step] = [("clear", WRITE), ("readback", ASK), 30.0, ("readback", ASK), ("hop", HOP)]


class OnPaper:
    """The questions put to a server on paper."""

    def __init__(self, case: Case) -> None:
        self.time = 0.0
        self._server = PaperServer(case, lambda: self.time)

    def run(self, script: str, given: dict[str, Any]) -> list[Record]:
        if script == "hop":
            return hop(self._server, "CAS01", given)
        try:
            return answer(self._server, script, given)
        except ScriptError as error:
            raise ScriptFailed("EX01", f"{script}: {error}") from None

    def pass_on(self, seconds: float) -> None:
        self.time += seconds


class OnTheLab:
    """The same questions, each a real script on a machine of the lab."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        connect = FakeConnector(fleet)
        self._server = connect(Server("EX01", "127.0.0.1", "ex01.lab.example"))
        self._proxy = connect(Server("CAS01", "127.0.0.1", "cas01.lab.example"))

    def run(self, script: str, given: dict[str, Any]) -> list[Record]:
        return (self._proxy if script == "hop" else self._server).run(SCRIPTS[script], given)

    def pass_on(self, seconds: float) -> None:
        """In small pieces, with room in between for the workers to do what is due."""
        machine, room = self._fleet["EX01"].machine, threading.Event()
        for _ in range(int(seconds)):
            machine.clock.advance(1.0)
            room.wait(0.002)
        if seconds == UNTIL_THE_END:
            for each in machine.processes.list():
                while each.name == "powershell.exe" and each.is_alive and not each.done.wait(0.01):
                    machine.clock.advance(1.0)

    def cut_the_power(self) -> None:
        machine = self._fleet["EX01"].machine
        machine.reboot(90.0, graceful=False)
        self.pass_on(195.0)


@contextmanager
def lab(*faults: str) -> Iterator[OnTheLab]:
    with Fleet(1, 1, [f"{each}@EX01" for each in faults], seed=1, pace=PACE, clock=DrivenClock(auto=False)) as fleet:
        yield OnTheLab(fleet)


def told(where: OnPaper | OnTheLab, steps: list[Step]) -> list[tuple[str, Any]]:
    """What came of every question, without what is of the machine."""
    found: list[tuple[str, Any]] = []
    for step in steps:
        if isinstance(step, float):
            where.pass_on(step)
            continue
        try:
            found.append((step[0], [alike(each) for each in where.run(*step)]))
        except ScriptFailed as error:
            is_refused = "refused:" in error.message
            found.append((step[0], error.message if is_refused else f"{step[0]} failed"))
    return found


def alike(record: Record) -> Record:
    return {name: value is not None if name in OF_THE_MACHINE else plain(value) for name, value in record.items()}


def plain(value: Any) -> Any:
    """The realm of Basic, and the words of a failure, belong to the machine; a worker may have begun or be about to."""
    if value == "claimed":
        return "running"
    if isinstance(value, list):
        return [each.partition(" realm")[0] for each in value]
    return value.partition(" on computer")[0].strip() if isinstance(value, str) else value


def differences(at: int, paper: tuple[str, Any], script: tuple[str, Any]) -> list[str]:
    """Each property that reads otherwise."""
    if isinstance(paper[1], str) or isinstance(script[1], str) or len(paper[1]) != len(script[1]):
        return [] if paper == script else [f"{at} paper: {paper}", f"{at} script: {script}"]
    pairs = zip(sorted(paper[1], key=order), sorted(script[1], key=order), strict=True)
    return [
        f"{at} {paper[0]} {order(b)} {name}: {a.get(name, 'nothing')!r} on paper, {b.get(name, 'nothing')!r} in the lab"
        for a, b in pairs
        for name in sorted(a.keys() | b.keys())
        if a.get(name, "nothing") != b.get(name, "nothing")
    ]


def order(record: Record) -> tuple[str, str]:
    return str(record.get("Kind")), str(record.get("Path") or record.get("Name"))


SITUATIONS = {
    "required": (Case("EX01"), ["require-ssl"], ROUND),
    "inherited": (Case("EX01", is_inherited=True), ["inherited-ssl"], ON_INHERITED),
    "128-bit": (Case("EX01", word=264), ["require-ssl-128"], ON_INHERITED),
    "right": (Case("EX01", word=None), [], ON_INHERITED),
    "child": (Case("EX01", child=8), ["child-override"], WITH_A_CHILD),
    "restarting": (Case("EX01"), ["require-ssl"], WHILE_IT_RESTARTS),
    "unsaved": (Case("EX01", cannot_save=True), ["disk-full"], UNSAVED),
    "stays-down": (Case("EX01", stays_down="SMTPSVC"), ["left-stopped"], ONE_STAYS_DOWN),
    "front-end": (Case("EX01", is_front_end=True), ["front-end"], [("detect", {}), ("hop", HOP)]),
    "basic-only": (Case("EX01", word=None, is_basic_only=True), ["basic-only"], [("detect", {}), ("hop", HOP)]),
    "reverts": (Case("EX01", reverts_after=20.0), ["ds2mb-revert=20"], PUT_BACK_BY_DIRECTORY),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_paper_answers_as_the_scripts_do(situation: str) -> None:
    case, faults, steps = SITUATIONS[situation]
    with lab(*faults) as real:
        expected = told(real, steps)

    given = told(OnPaper(case), steps)
    assert [
        found for at, pair in enumerate(zip(given, expected, strict=True)) for found in differences(at, *pair)
    ] == []


@pytest.mark.parametrize("fault", ["require-ssl", "disk-full"])
def test_a_power_cut_takes_from_both_what_was_not_saved(fault: str) -> None:
    case = Case("EX01", cannot_save=fault == "disk-full", reboots_at=5.0)
    with lab(fault) as real:
        told(real, [("clear", WRITE)])
        real.cut_the_power()
        expected = told(real, [("readback", ASK), ("hop", HOP), ("restart-status", QUESTION)])
    paper = OnPaper(case)
    told(paper, [("clear", WRITE), 200.0])
    given = told(paper, [("readback", ASK), ("hop", HOP), ("restart-status", QUESTION)])

    assert given == expected


def test_a_power_cut_leaves_both_with_a_restart_without_an_end() -> None:
    with lab("require-ssl") as real:
        told(real, [("clear", WRITE), ("restart", RESTART), 4.0])
        real.cut_the_power()
        expected = told(real, [("restart-status", QUESTION), 600.0, ("restart-status", QUESTION), ("restart", RESTART)])
    paper = OnPaper(Case("EX01", reboots_at=5.0))
    told(paper, [("clear", WRITE), ("restart", RESTART), 200.0])
    given = told(paper, [("restart-status", QUESTION), 600.0, ("restart-status", QUESTION), ("restart", RESTART)])

    assert given == expected
