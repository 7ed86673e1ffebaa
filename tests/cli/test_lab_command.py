"""`easfix lab` as a program drives it: ready when all ports answer, truth, faults, and nothing left behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ordinary import ordinary_user

from agent.cli.main import call
from agent.lab.fleet import Fleet  # noqa: F401 - loaded while the rights are there: its files may be closed to others
from agent.lab.layout import Layout  # noqa: F401 - likewise

DEADLINE = 60.0
POSIX = sys.platform != "win32"
EASFIX = [sys.executable, "-c", "from agent.cli.main import run; run()"]
posix = pytest.mark.skipif(not POSIX, reason="signals are POSIX's")


class Lab:
    """A running `easfix lab up`."""

    def __init__(self, home: Path, *arguments: str, temporary: Path | None = None) -> None:
        self.home = home
        environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
        self.process = subprocess.Popen(
            [*EASFIX, "lab", "up", "--dir", str(home), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.ready = self._first_line()

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        timer = threading.Timer(DEADLINE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        return line

    def file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "lab.json").read_text(encoding="utf-8"))
        return found

    def ports(self) -> list[int]:
        machines = self.file()["machines"]
        return [each[name] for each in machines for name in ("winrm", "http", "https")]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; its exit code and what else it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out + err


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Any]:
    """Starts labs, below a folder of their own for temporary files, and ends those that still run."""
    labs: list[Lab] = []
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def start(*arguments: str, home: Path = tmp_path / "practice") -> Lab:
        labs.append(Lab(home, *arguments, temporary=temporary))
        return labs[-1]

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            lab.process.kill()
        lab.process.communicate(timeout=DEADLINE)


def easfix(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EASFIX, *arguments], capture_output=True, text=True, timeout=DEADLINE)


def listens(port: int) -> bool:
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


def flags(document: dict[str, Any], name: str) -> list[int]:
    machine = next(each for each in document["machines"] if each["name"] == name)
    return [each["flags_memory"] for each in machine["directories"] if each["path"].endswith("ActiveSync")]


# --- up --------------------------------------------------------------------------------------------------------


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


# --- the end ---------------------------------------------------------------------------------------------------


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


# --- refusals --------------------------------------------------------------------------------------------------


def test_a_second_lab_in_the_same_directory_is_refused_and_the_first_goes_on(up: Any) -> None:
    first = up("--servers", "1", "--proxies", "0")
    done = easfix("lab", "up", "--dir", str(first.home))

    assert done.returncode == 64
    assert f"a lab runs in {first.home} already" in done.stderr and "another directory" in done.stderr
    assert easfix("lab", "truth", "--dir", str(first.home)).returncode == 0


def test_a_configuration_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("servers: [PRODUCTION]\n")
    done = easfix("lab", "up", "--dir", str(tmp_path))

    assert done.returncode == 78
    assert str(tmp_path / "config.yaml") in done.stderr and "another directory" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("config.yaml", "servers: [PRODUCTION]\n")
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--servers", "0"], "0 is not between 1 and 2000"),
        (["--servers", "-3"], "-3 is not between"),
        (["--servers", "many"], "not a valid integer"),
        (["--proxies", "-1"], "-1 is not between"),
        (["--restart-seconds", "-1"], "not a number of seconds"),
        (["--restart-seconds", "nan"], "not a number of seconds"),
        (["--proxy-seconds", "inf"], "not a number of seconds"),
        (["--hop", "jump"], "'hang', '403'"),
        (["--fault", "requir-ssl@EX01"], "did you mean require-ssl?"),
        (["--fault", "require-ssl"], "NAME[=ARG]@SERVER"),
        (["--fault", "slow=-1@EX01"], "not a number of seconds"),
        (["--fault", "require-ssl@EX99"], "there is no server EX99; did you mean"),
        (["--fault", "require-ssl@CAS01"], "a fault of an Exchange 2003 server"),
        (["--fault", "stuck-service=SMPTSVC@EX01"], "did you mean SMTPSVC?"),
    ],
)
def test_a_wrong_option_is_64_with_a_hint_and_leaves_no_directory(
    arguments: Sequence[str], words: str, tmp_path: Path
) -> None:
    done = easfix("lab", "up", "--dir", str(tmp_path / "practice"), "--servers", "30", *arguments)

    assert done.returncode == 64
    assert words in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "practice").write_text("")
    done = easfix("lab", "up", "--dir", str(tmp_path / "practice"))

    assert done.returncode == 64
    assert "is a file" in done.stderr


def test_a_directory_that_cannot_be_made_is_78_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = easfix("lab", "up", "--dir", str(tmp_path / "file" / "practice"))

    assert done.returncode == 78
    assert "Not a directory" in done.stderr and "Name a directory" in done.stderr


@posix
def test_a_directory_that_cannot_be_written_is_78_and_says_where(
    own_temporary_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with ordinary_user(home):
            code = call(["lab", "up", "--dir", folder])
        home.chmod(0o700)

    assert code == 78
    assert folder in capsys.readouterr().err


@posix
def test_too_few_open_files_is_78_with_the_number_and_the_way_out(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))

    done = subprocess.run(
        [*EASFIX, "lab", "up", "--dir", str(tmp_path / "practice"), "--servers", "100"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        preexec_fn=limit,
    )

    assert done.returncode == 78
    assert "open files" in done.stderr and "ulimit -n" in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- truth and fault -------------------------------------------------------------------------------------------


def test_truth_and_fault_go_together(up: Any) -> None:
    lab = up("--servers", "2", "--proxies", "1", "--fault", "healthy@EX01")
    home = str(lab.home)
    before = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)
    injected = easfix("lab", "fault", "--dir", home, "require-ssl@EX01", "unreachable@ex02")
    after = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)
    shown = easfix("lab", "truth", "--dir", home, "ex01").stdout

    assert (flags(before, "EX01"), flags(after, "EX01")) == ([0], [8])
    assert injected.stdout.splitlines() == ["injected require-ssl@EX01", "injected unreachable@ex02"]
    assert [each["online"] for each in after["machines"]] == [True, False, True]
    assert after["schema"] == "easfix-lab/1"
    assert shown.startswith("EX01  back-end, up, 0 iisresets")
    assert "Microsoft-Server-ActiveSync: 8 (SSL), its own" in shown and "EX02" not in shown


def test_fault_with_json_is_one_document(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0")
    done = easfix("lab", "fault", "--dir", str(lab.home), "--json", "slow=0@EX01")

    assert json.loads(done.stdout) == {"schema": "easfix-lab/1", "injected": ["slow=0@EX01"]}


def test_a_fault_is_cleared_and_the_settings_stay(up: Any) -> None:
    lab = up("--servers", "1", "--proxies", "0", "--fault", "require-ssl@EX01", "--fault", "unreachable@EX01")
    home = str(lab.home)
    cleared = easfix("lab", "fault", "--dir", home, "--clear", "unreachable@EX01")
    after = json.loads(easfix("lab", "truth", "--dir", home, "--json").stdout)

    assert cleared.stdout == "lifted unreachable@EX01\n"
    assert (after["machines"][0]["online"], flags(after, "EX01")) == (True, [8])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fault", "--clear", "slow@EX01"], "slow is not in force on EX01"),
        (["truth", "ZZZZ"], "There are: EX01."),
        (["fault", "requir-ssl@EX01"], "did you mean require-ssl?"),
        (["fault", "slow=-2@EX01"], "not a number of seconds"),
        (["fault", "slow@EX07"], "there is no server EX07; there are: EX01"),
        (["fault", "front-end@EX01"], "when the lab is started"),
        (["fault"], "--help"),
        (["truth", "EX07"], "EX01"),
    ],
)
def test_what_a_running_lab_cannot_do_is_64_with_a_hint(arguments: list[str], words: str, shared: Lab) -> None:
    done = easfix("lab", *arguments, "--dir", str(shared.home))

    assert done.returncode == 64
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for the questions that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    lab = Lab(folder / "practice", "--servers", "1", "--proxies", "0")
    yield lab
    lab.process.terminate()
    lab.process.communicate(timeout=DEADLINE)


@pytest.mark.parametrize("arguments", [["truth"], ["fault", "slow@EX01"]])
def test_without_a_lab_it_is_78_and_says_how_to_start_one(arguments: list[str], tmp_path: Path) -> None:
    done = easfix("lab", *arguments, "--dir", str(tmp_path))

    assert done.returncode == 78
    assert "there is no lab.json" in done.stderr
    assert f"easfix lab up --dir {tmp_path}" in done.stderr


def test_an_error_with_json_is_one_document(tmp_path: Path) -> None:
    done = easfix("lab", "truth", "--dir", str(tmp_path), "--json")

    assert json.loads(done.stdout)["exit_code"] == 78


def test_the_faults_are_listed_with_a_sentence_each() -> None:
    listed = easfix("lab", "faults").stdout.splitlines()
    rows = json.loads(easfix("lab", "faults", "--json").stdout)["faults"]

    assert len(listed) == len(rows) > 27
    assert listed[1].split(maxsplit=1) == ["require-ssl", rows[1]["sentence"]]
    assert {"name", "argument", "default", "on", "at_start_only", "sentence"} == set(rows[0])


@posix
def test_a_reader_that_goes_away_is_no_error(up: Any) -> None:
    lab = up("--servers", "20", "--proxies", "0")
    line = " ".join([*(f"'{word}'" for word in EASFIX), "lab", "truth", "--dir", str(lab.home), "|", "head", "-1"])
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=DEADLINE)

    assert done.stdout.startswith("EX01")
    assert done.stderr == ""
