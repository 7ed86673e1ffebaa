"""`config check` finds what a first run would stumble over, and reads no password to do so."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import call
from agent.config import check
from agent.errors import ConfigError

Refused = Callable[[str], ConfigError]
FILE = "servers: [EX01]\ncredentials: {default: {username: LAB\\a, password_file: secret.txt}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "servers: names no server"),
        ("servers: []", 1, "servers: names no server"),
        ("servers: [EX01]\njournal: mysql://x\n", 2, "a journal cannot be kept in mysql"),
        ("servers: [EX01]\njournal: .\n", 2, "is a directory"),
        ("servers: [EX01]\nwinrm:\n  ca: none.pem\n", 3, "none.pem cannot be read"),
        ("servers: [EX01]\nwinrm:\n  ca: config.yaml\n", 3, "holds no certificate"),
        ("servers: [EX01]\nproxies:\n  - name: C\n    https: {ca: none.pem}\n", 4, "proxies.0.https.ca: "),
        ("servers:\n  - name: EX01\n    winrm: {ca: none.pem}\n", 3, "servers.0.winrm.ca: "),
        (FILE, 2, "secret.txt cannot be read"),
        (FILE.replace("password_file: secret.txt", "password_env: NOT_SET_HERE"), 2, "NOT_SET_HERE is not set"),
    ],
)
def test_what_is_not_there_is_told_with_its_line(text: str, line: int, says: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check(path)

    assert says in caught.value.message
    assert caught.value.where == f"{path}:{line}"
    assert caught.value.next_step


def test_a_credential_set_that_nobody_uses_may_wait(path: Path) -> None:
    path.write_text(FILE.replace("{default:", "{default: {}, other:"), encoding="utf-8")

    assert check(path).servers


def test_a_password_is_neither_fetched_nor_shown(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("agent.config.secrets._password", lambda *given: fetched.append(given) or "canary")
    path.write_text(FILE, encoding="utf-8")
    secret = path.with_name("secret.txt")
    secret.write_text("canary", encoding="utf-8")
    secret.chmod(0o600)
    code = call(["config", "check", "--config", str(path)])
    said = capsys.readouterr()

    assert code == 0
    assert "canary" not in said.out + said.err
    assert fetched == []


def test_the_document_of_a_refusal_names_the_whole_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("servers: []", encoding="utf-8")
    code = call(["config", "check", "--json", "--config", str(path)])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["exit_code"], document["command"]) == (78, 78, "config check")
