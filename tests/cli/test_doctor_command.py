"""`easfix doctor` over the real wire: each fault of the lab is named where it belongs, and nothing is changed."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import agent.cli.doctor
from agent.cli.main import call
from agent.doctor.network import Network
from agent.doctor.ways import real
from agent.lab.clock import Clock, Timer
from agent.lab.fleet import Fleet
from agent.lab.layout import Layout
from agent.lab.world.machine import Machine

ASKED = 12  # requests to WinRM for a visit, the fallback and both logons included
FAULTS: dict[str, tuple[str, dict[str, str], str, int]] = {
    # server: fault, what is not good, state, logons (with the fallback there are two ways in)
    "EX01": ("require-ssl", {}, "right", 1),
    "EX02": ("unreachable", {"port-winrm": "bad", "port-http": "bad"}, "unreachable", 0),
    "EX03": ("auth-denied", {"logon": "bad"}, "unreachable", 1),
    "EX04": ("not-admin", {"administrator": "bad"}, "failed", 1),
    "EX05": ("psrp-disabled", {"remoting": "warn"}, "right", 2),
    "EX06": ("iisreset-disabled", {"iisreset": "bad"}, "failed", 1),
    "EX07": ("disk-full", {"disk": "bad"}, "failed", 1),
    "EX08": ("slow=0.05", {}, "right", 1),
    "EX09": ("garbage-answer", {"logon": "bad"}, "unreachable", 1),
    "EX10": ("old-service-pack", {"exchange": "bad"}, "failed", 1),
    "EX11": ("reset-mid-answer", {"script": "unknown"}, "unknown", 2),
    "EX12": ("service-down=IISADMIN", {"port-http": "bad", "adsi": "bad"}, "failed", 1),
    "EX13": ("http-filtered", {}, "right", 1),
    "EX14": ("healthy", {"clock": "bad"}, "failed", 1),  # its clock is set wrong below
}
NAMES = list(FAULTS)


class Ahead(Clock):
    """A clock that is wrong by so much, and goes on like another one."""

    def __init__(self, right: Clock, by: timedelta) -> None:
        self._right, self._by = right, by

    def now(self) -> datetime:
        return self._right.now() + self._by

    def monotonic(self) -> float:
        return self._right.monotonic()

    def sleep(self, seconds: float, woken: Callable[[], bool] = lambda: False) -> None:
        self._right.sleep(seconds, woken)

    def call_later(self, seconds: float, function: Callable[[], None]) -> Timer:
        return self._right.call_later(seconds, function)


@dataclass(frozen=True)
class Photograph:
    """Everything on a machine that a command could change."""

    memory: object
    disk: object
    files: Mapping[str, tuple[int, datetime]]
    services: Mapping[str, tuple[str, str]]
    registry: Mapping[str, object]
    counts: Mapping[str, int]

    @classmethod
    def of(cls, machine: Machine) -> Photograph:
        counts = machine.counters.all_counts()
        reading = {"logons", "logon_failures", "requests_served", "scripts", "winrm_requests"}
        return cls(
            dict(machine.metabase.memory.keys) if machine.metabase.loaded else None,
            dict(machine.metabase.disk.keys),
            {path: found for path, found in _files(machine, "C:") if "\\LogFiles" not in path},
            {each.name: (str(each.state), str(each.start_mode)) for each in machine.services.list()},
            dict(_registry(machine, "")),
            {name: count for name, count in counts.items() if name not in reading},
        )


def _files(machine: Machine, folder: str) -> Iterator[tuple[str, tuple[int, datetime]]]:
    for entry in machine.files.list(folder):
        yield entry.path, (entry.size, entry.last_write)
        if entry.is_directory:
            yield from _files(machine, entry.path)


def _registry(machine: Machine, key: str) -> Iterator[tuple[str, object]]:
    yield key, tuple(machine.registry.values(key)) if key else ()
    for name in machine.registry.children(key):
        yield from _registry(machine, f"{key}\\{name}".strip("\\"))


@dataclass(frozen=True)
class Told:
    """What one call of doctor over the whole fleet came to."""

    code: int
    document: dict[str, Any]
    before: Mapping[str, Photograph]
    after: Mapping[str, Photograph]

    def server(self, name: str) -> dict[str, Any]:
        return next(each for each in self.document["servers"] if each["name"] == name)

    def checks(self, name: str) -> dict[str, dict[str, str]]:
        return {check["check"]: check for check in self.server(name)["checks"]}


@pytest.fixture(autouse=True, scope="module")
def no_dns() -> Iterator[None]:
    """No name leaves this machine."""

    def quiet(seconds: float) -> Network:
        return replace(real(seconds), resolve=lambda _: ())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agent.cli.doctor, "network", quiet)
        yield


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    orders = [f"{fault}@{name}" for name, (fault, *_) in FAULTS.items()]
    with Fleet(len(FAULTS), 2, [*orders, "psrp-disabled@CAS02"], seed=1) as fleet:
        machine = fleet["EX14"].machine
        machine.clock = Ahead(machine.clock, timedelta(minutes=20))
        yield fleet


@pytest.fixture(scope="module")
def home(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    Layout(made).write(fleet, 0, "")
    return made


@pytest.fixture(scope="module")
def told(fleet: Fleet, home: Path) -> Told:
    """Everybody asked once; each test reads from it."""
    before = {name: Photograph.of(node.machine) for name, node in fleet.nodes.items()}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = call(["--config", str(home / "config.yaml"), "doctor", "--json", "-q"])
    after = {name: Photograph.of(node.machine) for name, node in fleet.nodes.items()}
    return Told(code, json.loads(printed.getvalue()), before, after)


@pytest.mark.parametrize("name", NAMES)
def test_each_fault_is_named_where_it_belongs(told: Told, name: str) -> None:
    _, expected, state, _ = FAULTS[name]
    checks = told.checks(name).values()
    failed = {each["check"]: each["verdict"] for each in checks if each["verdict"] != "good"}
    told_itself = {check: verdict for check, verdict in failed.items() if not _not_asked(told, name, check)}

    assert told_itself == expected
    assert told.server(name)["state"] == state


def _not_asked(told: Told, name: str, check: str) -> bool:
    return told.checks(name)[check]["evidence"].startswith("not asked: ")


@pytest.mark.parametrize("name", [*NAMES, "CAS01", "CAS02"])
def test_every_line_that_failed_says_how_to_mend_it(told: Told, name: str) -> None:
    for check in told.checks(name).values():
        assert check["evidence"]
        assert bool(check["mend"]) == (check["verdict"] != "good"), check


@pytest.mark.parametrize("name", NAMES)
def test_one_visit_with_one_logon_and_few_requests(told: Told, fleet: Fleet, name: str) -> None:
    counts = fleet[name].machine.counters.all_counts()

    assert counts.get("logons", 0) + counts.get("logon_failures", 0) == FAULTS[name][3]
    assert counts.get("winrm_requests", 0) <= ASKED


@pytest.mark.parametrize("name", [*NAMES, "CAS01", "CAS02"])
def test_nothing_was_changed_on_the_server(told: Told, name: str) -> None:
    before, after = told.before[name], told.after[name]

    assert after == before


def test_proxies_are_looked_at_too(told: Told) -> None:
    found = {name: told.checks(name) for name in ("CAS01", "CAS02")}

    assert [told.server(name)["kind"] for name in ("CAS01", "CAS02", "EX01")] == ["proxy", "proxy", "back-end"]
    assert {check["verdict"] for check in found["CAS01"].values()} == {"good"}
    assert found["CAS01"]["https"]["evidence"].startswith("TLSv1.")
    assert found["CAS02"]["remoting"]["verdict"] == "warn"
    assert not {"adsi", "iisreset", "disk", "exchange", "test-user"} & set(found["CAS01"])


def test_what_is_good_has_its_evidence(told: Told) -> None:
    found = {name: check["evidence"] for name, check in told.checks("EX01").items()}

    assert found["identity"] == "the server is ex01.lab.example"
    assert found["remoting"] == "PowerShell remoting (PSRP)"
    assert found["quotas"] == "MaxShellsPerUser 5, MaxProcessesPerShell 15, MaxMemoryPerShellMB 150"
    assert found["exchange"] == "Exchange 2003 build 7638, Service Pack 2"
    assert found["test-user"] == "phone-ex01 is configured"
    assert "NTLM as LAB\\easfix" in found["authentication"]
    assert "Access" not in found["logon"]


def test_the_clock_says_by_how_much(told: Told) -> None:
    assert "20 minutes ahead of this machine" in told.checks("EX14")["clock"]["evidence"]


def test_the_document_is_the_usual_envelope(told: Told) -> None:
    document = told.document

    assert (document["schema"], document["command"], document["exit_code"]) == ("easfix/1", "doctor", told.code)
    assert told.code == 3
    assert document["workstation"]["verdict"] == "good"
    assert {check["subject"] for check in document["workstation"]["checks"]} == {"this workstation"}
    assert {"journal", "log", "playbook", "ntlm", "kerberos", "credentials.default"} <= {
        check["check"] for check in document["workstation"]["checks"]
    }
    assert [each["name"] for each in document["servers"]] == [*NAMES, "CAS01", "CAS02"]


def test_no_secret_is_told(told: Told, fleet: Fleet) -> None:
    text = json.dumps(told.document)

    assert fleet.administrator.password not in text
    assert not any(phone.password in text for phone in fleet.phones.values())


# --- for people, and the exit codes ----------------------------------------------------------------------------------


def doctor(home: Path, *arguments: str) -> int:
    return call(["--config", str(home / "config.yaml"), "doctor", "-q", *arguments])


def test_a_fleet_in_order_is_a_line_each(home: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    code = doctor(home, "--limit", "EX01")
    lines = capsys.readouterr().out.splitlines()

    assert code == 0
    assert [line.split()[0] for line in lines if line and "Exit code" not in line] == [
        "this",
        "EX01",
        "CAS01",
        "CAS02",
        "warn",
        "->",
    ]
    assert lines[-1].endswith("Exit code 0: ready.")


def test_only_what_failed_is_shown_unless_asked_for(home: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    doctor(home, "--limit", "EX06")
    short = capsys.readouterr().out
    call(["--config", str(home / "config.yaml"), "doctor", "-v", "--limit", "EX06"])
    long = capsys.readouterr().out

    assert "-> Run `iisreset /enable` on the server" in short
    assert "PowerShell remoting (PSRP)" not in short
    assert "PowerShell remoting (PSRP)" in long


def test_what_could_not_be_made_is_one_line(home: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    code = doctor(home, "--limit", "EX02")
    shown = capsys.readouterr().out

    assert code == 3
    assert shown.count("not asked: ") == 1
    assert "logon, identity, remoting, clock" in shown


def test_what_could_not_be_told_is_4(home: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(home, "--limit", "EX11") == 4
    assert "cannot tell" in capsys.readouterr().out


def test_an_unknown_server_is_64(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(home, "--limit", "EX99") == 64


def test_a_configuration_that_is_not_there_is_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(tmp_path) == 78


@pytest.fixture
def other(home: Path, tmp_path: Path) -> Callable[..., Path]:
    """Another directory with the same configuration, but for the changes."""

    def made(**changes: Any) -> Path:
        found = yaml.safe_load((home / "config.yaml").read_text(encoding="utf-8"))
        for each in found["credentials"].values():
            each["password_file"] = str(home / each["password_file"])
        for each in found["proxies"]:
            each["https"]["ca"] = str(home / each["https"]["ca"])
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({**found, **changes}), encoding="utf-8")
        return tmp_path

    return made


def test_a_wrong_password_is_tried_on_two_servers_at_most(
    other: Callable[..., Path], fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = other()
    wrong = directory / "wrong"
    wrong.write_text("not the password", encoding="ascii")
    wrong.chmod(0o600)
    found = yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))
    found["credentials"]["default"]["password_file"] = str(wrong)
    (directory / "config.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")
    before = {name: node.machine.counters.logon_failures for name, node in fleet.nodes.items()}
    code = doctor(directory, "--json", "--limit", "EX01,EX06,EX08,EX10")
    refused = [node.machine.counters.logon_failures - before[name] for name, node in fleet.nodes.items()]
    document = json.loads(capsys.readouterr().out)
    logons = [check["verdict"] for each in document["servers"] for check in each["checks"] if check["check"] == "logon"]
    fleet.administrator.locked = False
    fleet.administrator.bad_passwords = 0

    assert code == 3
    assert (sum(refused), max(refused)) == (2, 1)
    assert sorted(logons) == ["bad"] * 2 + ["unknown"] * 4


def test_a_log_that_cannot_be_written_is_told_beside_the_rest(
    other: Callable[..., Path], told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = other(logs={"file": "config.yaml/easfix.log"})
    code = doctor(directory, "--json", "--limit", "EX01")
    document = json.loads(capsys.readouterr().out)
    verdicts = {check["check"]: check["verdict"] for check in document["workstation"]["checks"]}

    assert code == 3
    assert (verdicts["log"], document["workstation"]["verdict"]) == ("bad", "bad")
    assert document["servers"][0]["state"] == "right"


@pytest.mark.skipif(os.name == "nt", reason="rights of files are those of POSIX")
def test_a_password_file_that_others_can_read_is_told_and_not_used(
    other: Callable[..., Path], fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = other()
    found = yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))
    open_one = directory / "open"
    open_one.write_text(fleet.administrator.password, encoding="ascii")
    open_one.chmod(0o644)
    found["credentials"]["default"]["password_file"] = str(open_one)
    (directory / "config.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")
    before = fleet["EX01"].machine.counters.logons
    code = doctor(directory, "--limit", "EX01")
    shown = capsys.readouterr().out

    assert code == 3
    assert shown.count(f"chmod 600 {open_one}") == 4
    assert fleet["EX01"].machine.counters.logons == before
