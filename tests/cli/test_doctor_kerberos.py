"""`easfix doctor` with Kerberos against a real KDC: what it foretells, and what the logon then says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kdc import REALM, Realm, require

import agent.cli.doctor
from agent.cli.main import call
from agent.doctor.ways import real
from agent.lab.fleet import Fleet
from agent.lab.layout import Layout
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.server import WinrmServer

PASSWORD = "right-horse"
Verdicts = dict[str, str]


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    require()
    made = Realm(tmp_path_factory.mktemp("realm"))
    made.add_service("HTTP/ex01.lab.example")
    made.add_user("easfix", PASSWORD)
    yield made
    made.close()


@pytest.fixture(scope="module")
def fleet(realm: Realm) -> Iterator[Fleet]:
    with Fleet(servers=1, proxies=0, faults=[], seed=1) as fleet:
        yield fleet


@pytest.fixture
def doctor(
    fleet: Fleet, realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Verdicts]]:
    """Runs the command with such credentials; gives what is not good on EX01."""
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'ccache'}")
    names = {"ex01.lab.example": ("127.0.0.1",)}
    quiet = lambda seconds: replace(real(seconds), resolve=lambda host: names.get(host, ()))  # noqa: E731 - one line
    monkeypatch.setattr(agent.cli.doctor, "network", quiet)
    authority = Authority(fleet.forest.accounts, keytab=realm.keytab)
    node = fleet["EX01"]
    listener = WinrmServer(node.machine, authority, faults=node.wire)
    port = fleet.call(listener.start())
    Layout(tmp_path).write(fleet, 0, "")

    def run(password: str | None = PASSWORD, auth: str = "kerberos") -> Verdicts:
        path = tmp_path / "config.yaml"
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        found["servers"][0]["winrm"]["port"] = port
        found["credentials"]["default"] = {"username": f"easfix@{REALM}", "auth": auth}
        if password is not None:
            (tmp_path / "secret").write_text(password, encoding="ascii")
            (tmp_path / "secret").chmod(0o600)
            found["credentials"]["default"]["password_file"] = "secret"
        path.write_text(yaml.safe_dump(found), encoding="utf-8")
        call(["--config", str(path), "doctor", "-q", "--json"])
        (server,) = json.loads(capsys.readouterr().out)["servers"]
        checks = [each for each in server["checks"] if not each["evidence"].startswith("not asked: ")]
        return {each["check"]: each["verdict"] for each in checks if each["verdict"] != "good"}

    yield run
    node.wire.set(clock_skew_seconds=0.0)
    fleet.call(listener.stop())
    authority.close()


# The realm of these tests has AES only, which the lab's server takes: a real Server 2003 would not.
def test_a_logon_that_works_is_believed_over_what_was_foretold(doctor: Callable[..., Verdicts]) -> None:
    assert doctor() == {"kerberos-encryption": "warn"}


def test_a_wrong_password_is_the_domains_word(doctor: Callable[..., Verdicts]) -> None:
    assert doctor("wrong") == {"kerberos-encryption": "bad", "logon": "bad"}


def test_no_ticket_is_seen_before_and_at_the_logon(doctor: Callable[..., Verdicts]) -> None:
    assert doctor(None) == {"authentication": "bad", "kerberos-encryption": "bad", "logon": "bad"}


def test_a_server_whose_clock_is_off_refuses_the_ticket(doctor: Callable[..., Verdicts], fleet: Fleet) -> None:
    fleet["EX01"].wire.set(clock_skew_seconds=900.0)
    before = fleet["EX01"].machine.counters.logon_failures

    assert doctor() == {"kerberos-encryption": "bad", "logon": "bad"}
    assert fleet["EX01"].machine.counters.logon_failures == before + 1
