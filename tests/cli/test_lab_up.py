"""`easfix lab up` as a program drives it: ready when all ports answer, and nothing left behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from lab_process import DEADLINE, EASFIX, easfix, listens

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def test_the_ready_line_comes_when_every_port_answers_and_names_the_next_command(up: Any) -> None:
    lab = up("--servers", "5", "--proxies", "2", "--fault", "healthy@EX01")
    closed = [port for port in lab.ports() if not listens(port)]

    assert closed == []
    assert lab.ready.startswith(f"ready: easfix --config {lab.home / 'config.yaml'} check")
    assert "5 servers, 2 proxies, seed " in lab.ready


def test_with_json_the_ready_line_is_one_document_with_the_endpoints(up: Any) -> None:
    lab = up("--servers", "2", "--json")
    document = json.loads(lab.ready)

    assert document["ready"] is True
    assert document["config"] == str(lab.home / "config.yaml")
    assert document["pid"] == lab.process.pid
    assert {key: value for key, value in document.items() if key not in ("ready", "config")} == lab.file()


def test_the_configuration_it_writes_is_one_the_other_commands_take(up: Any) -> None:
    lab = up("--servers", "2", "--fault", "require-ssl@EX01")
    done = easfix("config", "check", "--config", str(lab.home / "config.yaml"))

    assert done.returncode == 0, done.stderr


def test_without_a_fault_the_mix_is_shown_and_twelve_servers_stand(up: Any) -> None:
    found = up("--json").ready
    document = json.loads(found)

    assert len(document["machines"]) == 12 + 2
    assert {"require-ssl@EX01", "clustered-ds2mb@EX09", "unreachable@EX12"} <= set(document["faults"])


def test_the_same_seed_gives_the_same_choices_and_fresh_passwords(up: Any, tmp_path: Path) -> None:
    one = up("--servers", "3", "--seed", "42", home=tmp_path / "one")
    two = up("--servers", "3", "--seed", "42", home=tmp_path / "two")
    secrets = [(lab.home / "secrets" / "easfix").read_text(encoding="utf-8") for lab in (one, two)]

    assert "seed 42" in one.ready and "seed 42" in two.ready
    assert one.file()["faults"] == two.file()["faults"]
    assert secrets[0] != secrets[1]


def test_the_machines_really_answer(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0", "--fault", "require-ssl@EX01")
    machine = lab.file()["machines"][0]
    connection = http.client.HTTPConnection("127.0.0.1", machine["http"], timeout=DEADLINE)
    connection.request("OPTIONS", "/Microsoft-Server-ActiveSync", headers={"Host": machine["fqdn"]})
    status = connection.getresponse().status
    connection.close()

    assert status == 403


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_only(up: Any) -> None:
    lab = up("--servers", "3", "--proxies", "1")
    inodes = {_inode(path) for path in Path(f"/proc/{lab.process.pid}/fd").iterdir()}
    addresses = set()
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{lab.process.pid}/net/{table}")
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()[1:]] if path.exists() else []
        addresses |= {row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}

    assert addresses == {"0100007F"}


def _inode(path: Path) -> str:
    try:
        found = re.fullmatch(r"socket:\[(\d+)\]", str(path.readlink()))
    except FileNotFoundError:
        return ""
    return found[1] if found else ""


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_asked_to_end_it_leaves_nothing_behind(name: str, up: Any, tmp_path: Path) -> None:
    lab = up("--servers", "3", "--proxies", "1", home=tmp_path / "new" / "practice")
    ports = lab.ports()
    code, said = lab.end(getattr(signal, name))

    assert (code, said) == (0, "")
    assert not [port for port in ports if listens(port)]
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


@posix
def test_asked_to_end_before_it_is_ready_it_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home = tmp_path / "practice"
    process = subprocess.Popen(
        [*EASFIX, "lab", "up", "--dir", str(home), "--servers", "200"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    waiting = threading.Event()
    while not (home / "lab.lock").exists() and process.poll() is None:
        waiting.wait(0.005)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=DEADLINE)

    assert (process.returncode, said) == (0, "")
    assert [path.name for path in tmp_path.rglob("*")] == ["tmp"]


@posix
def test_what_easfix_wrote_stays_when_the_lab_ends(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0")
    (lab.home / "journal.db").write_text("the record")
    lab.end()

    assert [path.name for path in lab.home.iterdir()] == ["journal.db"]


@posix
def test_after_kill_9_a_new_lab_takes_the_directory_and_clears_up(up: Any) -> None:
    first = up("--servers", "4", "--proxies", "0")
    first.process.kill()
    first.process.wait(DEADLINE)
    dead = easfix("lab", "truth", "--dir", str(first.home))
    second = up("--servers", "2", "--proxies", "0")
    phones = sorted(path.name for path in (second.home / "secrets").iterdir())
    truth = easfix("lab", "truth", "--dir", str(second.home), "--json")
    second.end()

    assert dead.returncode == 78 and "ended without clearing up" in dead.stderr
    assert phones == ["easfix", "phone-ex01", "phone-ex02"]
    assert len(json.loads(truth.stdout)["machines"]) == 2
    assert not second.home.exists()
