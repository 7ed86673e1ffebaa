"""A secret that is planted shows up nowhere: not in output, journal, logs, plans, arguments, tracebacks or files.

Each run is a process of its own, so that its arguments, its environment and those of its children can be read, and what
it leaves behind is searched byte by byte for the secret in every form in which it could have been written.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import urllib.parse
import xml.sax.saxutils
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import Secrets, load
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, SECRETS, Layout
from agent.transport.credentials import Credentials, Secret

CANARY = """K4n"a'ri<&>%41:\\n\\\\x\U0001f426é]]>;$(id)`x`"""
"""Quotes, XML, percent, colon, backslashes, a bird, and what a shell or PowerShell would run."""

MARK = "K4n"
"""Nothing but the canary begins so."""

ROOT = Path(__file__).resolve().parent.parent
RUN = "from agent.cli.main import run\nrun()\n"

DEFECT = """
import agent.fleet
from agent.cli.session import known_secrets
def broken(self, server):
    visit = self.connect(server)
    raise RuntimeError("it went wrong with " + secret())
def secret():
    import os
    return os.environ["CANARY_OF_THE_TEST"]
agent.fleet.Looker.one = broken
"""
"""A defect whose own words hold the secret."""

RING = """
import keyring, keyring.backend
class Ring(keyring.backend.KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        import os
        return os.environ["CANARY_OF_THE_TEST"]
    def set_password(self, service, username, password): ...
    def delete_password(self, service, username): ...
keyring.set_keyring(Ring())
"""

PROMPT = """
import getpass, os, sys
class Terminal:
    def __getattr__(self, name): return getattr(sys.__stdin__, name)
    def isatty(self): return True
sys.stdin = Terminal()
getpass.getpass = lambda prompt, stream=None: os.environ["CANARY_OF_THE_TEST"]
"""

WATCH = """
import subprocess, os
real = subprocess.Popen.__init__
def watched(self, args, *rest, **more):
    with open(os.environ["CHILDREN_OF_THE_TEST"], "a") as file:
        file.write(repr(args) + repr(more.get("env")) + chr(10))
    return real(self, args, *rest, **more)
subprocess.Popen.__init__ = watched
"""
"""Every child that is started is written down with its arguments and its environment."""


def forms(secret: str) -> set[bytes]:
    """Every way in which a text is commonly written."""
    texts = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        xml.sax.saxutils.escape(secret),
        xml.sax.saxutils.quoteattr(secret)[1:-1],
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        secret.encode("unicode_escape").decode(),
    }
    found = {text.encode(encoding) for text, encoding in itertools.product(texts, ("utf-8", "utf-16-le"))}
    raw = [secret.encode("utf-8"), secret.encode("utf-16-le")]
    return found | {base64.b64encode(text) for text in raw} | {text.hex().encode() for text in raw}


def leaks(content: bytes) -> list[bytes]:
    """What of the secret is in there; the mark alone betrays a form that nobody thought of."""
    return [form for form in (*forms(CANARY), MARK.encode(), MARK.encode("utf-16-le")) if form in content]


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: bytes


class Cage:
    """A lab whose administrator has the canary for a password, and a directory where everything is written."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home = home
        self.fleet = fleet
        self.temp = home / "tmp"
        self.temp.mkdir()
        self.ran: list[Ended] = []
        self.cmdlines: list[bytes] = []

    @property
    def config(self) -> Path:
        return self.home / CONFIG_FILE

    def configure(self, credential: Mapping[str, Any], **settings: Any) -> None:
        """Say where the password is to come from."""
        found = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        found["credentials"]["default"] = {"username": self.fleet.administrator.qualified, "auth": "ntlm", **credential}
        found.update(settings)
        self.config.write_text(yaml.safe_dump(found), encoding="utf-8")

    def easfix(self, *arguments: str, before: str = "", environment: Mapping[str, str] | None = None) -> Ended:
        """One command line in a process of its own, looked at from outside while it runs."""
        given = {
            **os.environ,
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.temp)),
            "CHILDREN_OF_THE_TEST": str(self.home / "children.txt"),
            **(environment or {}),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", WATCH + before + RUN, "--config", str(self.config), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=given, cwd=self.home,
        )  # fmt: skip
        cmdline = Path(f"/proc/{process.pid}/cmdline")
        if cmdline.exists():
            self.cmdlines.append(cmdline.read_bytes())
        out, err = process.communicate(timeout=240)
        self.ran.append(Ended(process.returncode, out, err))
        return self.ran[-1]

    def search(self) -> None:
        """Nothing that was written, said or started holds the secret, but for the file that is its home."""
        for ended in self.ran:
            assert leaks(ended.out) == []
            assert leaks(ended.err) == []
        for cmdline in self.cmdlines:
            assert leaks(cmdline) == []
        seen = [path for path in self.home.rglob("*") if path.is_file() and path.parent.name != SECRETS]
        for path in seen:
            assert leaks(path.read_bytes()) == [], path
        assert seen


@pytest.fixture
def cage(tmp_path: Path) -> Iterator[Cage]:
    pace = Pace(restart_seconds=0.2, warm_up_seconds=0.0)
    with Fleet(2, 1, ["require-ssl@EX01", "healthy@EX02"], seed=1, pace=pace) as fleet:
        object.__setattr__(fleet.administrator, "password", CANARY)
        layout = Layout(tmp_path)
        layout.write(fleet, 0, "")
        (tmp_path / SECRETS / "elsewhere").write_text(CANARY + "\n", encoding="utf-8")
        (tmp_path / SECRETS / "elsewhere").chmod(0o600)
        yield Cage(tmp_path, fleet)
        layout.remove()


SOURCES: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "environment": ({"password_env": "CANARY_OF_THE_TEST"}, "", {"CANARY_OF_THE_TEST": CANARY}),
    "file": ({"password_file": f"{SECRETS}/elsewhere"}, "", {}),
    "keyring": ({"keyring": "easfix"}, RING, {"CANARY_OF_THE_TEST": CANARY}),
    "prompt": ({"prompt": True}, PROMPT, {"CANARY_OF_THE_TEST": CANARY}),
}


def test_the_search_would_find_it() -> None:
    """The test of the test: each form is found, in whatever it is wrapped."""
    for form in forms(CANARY):
        assert leaks(b"before " + form + b" after"), form
    assert leaks(b"nothing of the kind") == []


@pytest.mark.parametrize(("source", "way"), [*((source, "psrp") for source in SOURCES), ("file", "winrm")])
def test_a_whole_job_leaves_no_trace_of_the_password(cage: Cage, source: str, way: str) -> None:
    credential, before, environment = SOURCES[source]
    cage.configure(credential, transport=way, logs={"file": "easfix.log", "level": "debug"})

    def easfix(*arguments: str) -> Ended:
        return cage.easfix(*arguments, before=before, environment=environment)

    checked = easfix("check", "-vv")
    planned = easfix("plan", "-o", "plan.json", "--json")
    applied = easfix("apply", "plan.json", "--yes", "-vv", "--reason", f"because of {CANARY}", "--change", CANARY)
    shown = easfix("show", "last", "--json")

    assert [each.code for each in (checked, planned, applied, shown)] == [2, 2, 0, 0], applied.err.decode()
    assert b"because of ********" in shown.out
    cage.cmdlines[2:3] = []  # there the operator wrote it himself
    cage.search()


@pytest.mark.parametrize("way", ["psrp", "winrm"])
def test_a_logon_that_is_refused_does_not_say_with_what(cage: Cage, way: str) -> None:
    object.__setattr__(cage.fleet.administrator, "password", "another one")
    cage.configure(SOURCES["file"][0], transport=way, logs={"file": "easfix.log", "level": "debug"})
    ended = cage.easfix("check", "-vv", "--limit", "EX01", "--json")

    assert ended.code == 4
    assert b"unreachable" in ended.out
    cage.search()


def test_a_server_that_breaks_off_does_not_make_it_talk(cage: Cage) -> None:
    cage.fleet.fault("reset-mid-answer@EX01")
    cage.configure(SOURCES["file"][0], logs={"file": "easfix.log", "level": "debug"})
    ended = cage.easfix("check", "-vv", "--limit", "EX01")

    assert ended.code != 0
    cage.search()


def test_a_defect_whose_own_words_hold_the_secret_does_not_tell(cage: Cage) -> None:
    credential, _, environment = SOURCES["environment"]
    cage.configure(credential)
    ended = cage.easfix("check", before=DEFECT, environment=environment)

    assert ended.code == 4
    assert b"a defect of easfix: RuntimeError" in ended.err
    (report,) = cage.temp.glob("easfix-defect-*.txt")
    assert "it went wrong with ********" in report.read_text(encoding="utf-8")
    cage.search()


BROKEN = [
    f"credentials: {{default: {{username: x, password: {json.dumps(CANARY)}}}}}\nservers: [EX01]\n",
    f"credentials: {{default: {{username: x, password_env: [{json.dumps(CANARY)}]}}}}\nservers: [EX01]\n",
    f"credentials: {{default: {json.dumps(CANARY)}}}\nservers: [EX01]\n",
    f"credentials: {{default: {{username: x, keyring: {json.dumps(CANARY)}, prompt: true}}}}\nservers: [EX01]\n",
    f"journal: postgresql://me:{urllib.parse.quote(CANARY, safe='')}@host/db\nservers: [EX01]\n",
    f"credentials:\n  default:\n    password: {CANARY}\n   broken\n",
    f"credentials:\n  default:\n    password: '{CANARY}\n",
]
"""A password put where none belongs, in a file that is refused for it or for something else."""


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("json_too", [False, True])
def test_a_broken_configuration_is_not_quoted(tmp_path: Path, text: str, json_too: bool) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUN, "--config", str(config), "config", "check", *(["--json"] if json_too else [])]
    ended = subprocess.run(command, capture_output=True, timeout=120)

    assert ended.returncode == 78, ended.stderr
    assert leaks(ended.stdout + ended.stderr) == []


def test_a_secret_in_the_environment_is_not_quoted(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01]\n", encoding="utf-8")
    command = [sys.executable, "-c", RUN, "--config", str(config), "config", "check"]
    environment = {**os.environ, "EASFIX_CREDENTIALS__DEFAULT__PASSWORD": CANARY}
    ended = subprocess.run(command, capture_output=True, timeout=120, env=environment)

    assert ended.returncode == 78
    assert leaks(ended.stdout + ended.stderr) == []


def test_nothing_that_holds_a_password_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("credentials: {default: {username: x, password_env: MY_PW}}\n", encoding="utf-8")
    monkeypatch.setenv("MY_PW", CANARY)
    found = load(config)
    secrets = Secrets(found.credentials)
    logon = secrets.logon("default")
    assert logon.password is not None
    credentials = Credentials("x", Secret(logon.password.get_secret_value()))
    said = [
        repr(each) + str(each) + format(each) for each in (found, secrets, logon, credentials, credentials.password)
    ]

    assert leaks("\n".join(said).encode()) == []
    assert leaks(found.model_dump_json().encode()) == []
    assert leaks(repr(vars(secrets)).encode()) == []
