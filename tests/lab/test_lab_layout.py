"""What a lab writes is private where it must be, complete for the other commands, and gone afterwards."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleetlab import FAST

from agent import config
from agent.lab.claim import LOCK_FILE, Claim, Taken
from agent.lab.fleet import Fleet
from agent.lab.layout import Foreign, Layout

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(3, 2, ["require-ssl@EX01", "slow=0.01@EX02"], pace=FAST, seed=5) as made:
        yield made


@pytest.fixture
def home(fleet: Fleet, tmp_path: Path) -> Iterator[Path]:
    """A directory with a lab's files."""
    layout = Layout(tmp_path / "practice")
    layout.write(fleet, 4711, "token")
    yield layout.directory
    layout.remove()


@posix
def test_secrets_are_for_the_owner_only(home: Path) -> None:
    modes = {str(path.relative_to(home)): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    private = {name: mode for name, mode in modes.items() if name.startswith("secrets/") or name == "lab.token"}

    assert modes["secrets"] == 0o700
    assert set(private.values()) == {0o600}
    assert len(private) == 1 + 3 + 1  # the administrator, a phone for each server, the token


def test_no_password_stands_outside_the_secrets(home: Path, fleet: Fleet) -> None:
    words = [user.password for user in (fleet.administrator, *fleet.phones.values())]
    open_files = [path for path in home.iterdir() if path.is_file() and path.name != "lab.token"]

    assert len(open_files) == 4
    assert not [path for path in open_files if any(word in path.read_text(encoding="utf-8") for word in words)]


def test_the_configuration_is_one_that_easfix_takes(home: Path, fleet: Fleet) -> None:
    loaded = config.load(home / "config.yaml")
    first = loaded.servers[0]

    assert [server.name for server in loaded.servers] == ["EX01", "EX02", "EX03"]
    assert [proxy.name for proxy in loaded.proxies] == ["CAS01", "CAS02"]
    assert (first.fqdn, first.address, first.test_user) == ("ex01.lab.example", "127.0.0.1", "phone-ex01")
    assert first.http.port == fleet["EX01"].ports.http


def test_the_endpoints_are_told_with_the_process_and_the_faults(home: Path, fleet: Fleet) -> None:
    found = json.loads((home / "lab.json").read_text(encoding="utf-8"))

    assert (found["schema"], found["pid"], found["seed"]) == ("easfix-lab/1", os.getpid(), 5)
    assert found["faults"] == ["require-ssl@EX01", "slow=0.01@EX02"]
    assert found["control"] == {"host": "127.0.0.1", "port": 4711}
    assert {each["name"]: each["winrm"] for each in found["machines"]}["EX02"] == fleet["EX02"].ports.winrm


def test_afterwards_nothing_is_left_and_folders_that_were_made_are_gone(fleet: Fleet, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a" / "b" / "c")
    layout.write(fleet, 1, "token")
    layout.remove()

    assert list(tmp_path.iterdir()) == []


def test_what_others_put_there_stays(fleet: Fleet, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "practice")
    layout.write(fleet, 1, "token")
    (layout.directory / "journal.db").write_text("record")
    (layout.directory / "secrets" / "mine").write_text("secret")
    layout.remove()

    assert {path.name for path in layout.directory.rglob("*")} == {"journal.db", "secrets", "mine"}


@pytest.mark.parametrize("name", ["config.yaml", "lab.json", "lab.token", "lab-ca.pem"])
def test_a_file_of_somebody_else_is_never_replaced(name: str, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / name).write_text("production")
    layout = Layout(tmp_path)
    with pytest.raises(Foreign) as caught:
        layout.write(fleet, 1, "token")
    layout.remove()

    assert Path(caught.value.filename).name == name
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "production"}


def test_a_secret_of_somebody_else_is_never_replaced(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "phone-ex02").write_text("production")
    layout = Layout(tmp_path)
    with pytest.raises(Foreign):
        layout.write(fleet, 1, "token")
    layout.remove()

    assert {path.name for path in tmp_path.rglob("*")} == {"secrets", "phone-ex02"}
    assert (tmp_path / "secrets" / "phone-ex02").read_text() == "production"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_a_link_is_not_followed(fleet: Fleet, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice" / "config.yaml").symlink_to(target)
    with pytest.raises(Foreign):
        Layout(tmp_path / "practice").write(fleet, 1, "token")

    assert not target.exists()


# --- one lab at a time -----------------------------------------------------------------------------------------


def test_a_second_lab_in_the_same_directory_is_refused_and_the_first_goes_on(home: Path, fleet: Fleet) -> None:
    before = sorted(path.name for path in home.rglob("*"))
    with pytest.raises(Taken):
        Layout(home).claim()

    assert sorted(path.name for path in home.rglob("*")) == before


def test_when_the_first_has_ended_the_second_may(tmp_path: Path) -> None:
    first, second = Claim(tmp_path / "practice"), Claim(tmp_path / "practice")
    first.take()
    first.drop()
    second.take()
    second.drop()

    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_lab_left_is_cleared_away_and_nothing_else(fleet: Fleet, tmp_path: Path) -> None:
    directory = tmp_path / "practice"
    with Fleet(4, 0, []) as larger:
        dead = Layout(directory)
        dead.write(larger, 1, "old token")
        left = (directory / LOCK_FILE).read_bytes()
        kept = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        dead.remove()
    _lay_again(directory, {**kept, directory / LOCK_FILE: left, directory / "journal.db": b"record"})
    living = Layout(directory)
    living.write(fleet, 2, "new token")
    names = {path.name for path in directory.rglob("*")}
    living.remove()

    assert "phone-ex04" not in names and "phone-ex03" in names
    assert [path.name for path in directory.rglob("*")] == ["journal.db"]


def test_a_spoilt_note_of_a_dead_lab_deletes_nothing_outside(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "practice"
    outside.write_text("mine")
    inside.mkdir()
    made = ["../outside", str(outside), "", ".", "..", 7]
    (inside / LOCK_FILE).write_text(json.dumps({"pid": 1, "levels": 0, "made": made}))
    claim = Claim(inside)
    claim.take()
    claim.drop()

    assert outside.read_text() == "mine"
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"made": 3, "levels": 1}', '{"made": [], "levels": "x"}'])
def test_a_note_that_is_not_whole_is_no_obstacle(content: str, tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text(content)
    claim = Claim(tmp_path)
    claim.take()
    claim.drop()

    assert list(tmp_path.iterdir()) == []


def _lay_again(directory: Path, files: dict[Path, bytes]) -> None:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
