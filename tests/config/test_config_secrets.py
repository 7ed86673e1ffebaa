"""Passwords come from where the configuration says, once, and are shown to nobody."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from agent.config import Credential, Secrets, nobody
from agent.errors import NoTerminal, SecretMissing

CANARY = "kanari-4711"


def secrets(**credential: object) -> Secrets:
    return Secrets({"Default": Credential.model_validate({"username": "LAB\\easfix", **credential})})


def password(found: Secrets) -> str | None:
    logon = found.logon("default")
    return logon.password.get_secret_value() if logon.password else None


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PW", CANARY)

    assert password(secrets(password_env="MY_PW")) == CANARY


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_comes_from_a_file_without_its_line_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "pw"
    path.write_bytes(f" {CANARY} {end}".encode())
    path.chmod(0o600)

    assert password(secrets(password_file=str(path))) == f" {CANARY} "


@pytest.mark.skipif(os.name == "nt", reason="mode bits are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "pw"
    path.write_text(CANARY)
    path.chmod(mode)

    with pytest.raises(SecretMissing) as caught:
        password(secrets(password_file=str(path)))

    assert caught.value.next_step == f"chmod 600 {path}"


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise keyring.errors.KeyringLocked(CANARY)
        return CANARY if (service, username) == ("easfix", "LAB\\easfix") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())  # type: ignore[no-untyped-call]  # keyring's own base class
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_a_password_comes_from_the_keyring() -> None:
    assert password(secrets(keyring="easfix")) == CANARY


@pytest.mark.usefixtures("ring")
def test_a_keyring_without_it_says_how_to_put_it_there() -> None:
    with pytest.raises(SecretMissing) as caught:
        password(secrets(keyring="other"))

    assert caught.value.next_step == "keyring set other LAB\\easfix"


@pytest.mark.usefixtures("ring")
def test_a_keyring_that_fails_does_not_talk() -> None:
    with pytest.raises(SecretMissing) as caught:
        password(secrets(keyring="locked"))

    assert "KeyringLocked" in caught.value.message
    assert CANARY not in caught.value.message


def test_sixteen_threads_ask_the_operator_once() -> None:
    asked: list[str] = []
    asked_again = threading.Event()
    barrier = threading.Barrier(16)

    def prompt(question: str) -> str:
        """Takes its time, so that whoever is not kept out comes in as well."""
        if asked:
            asked_again.set()
        asked.append(question)
        asked_again.wait(0.2)
        return CANARY

    found = Secrets({"default": Credential(username="LAB\\easfix", prompt=True)}, prompt)

    def logon(_: int) -> str | None:
        barrier.wait(30)
        return password(found)

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(logon, range(16)))

    assert answers == {CANARY}
    assert asked == ["Password of LAB\\easfix: "]


def test_nobody_is_asked_without_a_terminal() -> None:
    with pytest.raises(NoTerminal, match="no terminal"):
        Secrets({"default": Credential(username="u", prompt=True)}, nobody).logon("default")


def test_no_password_is_a_ticket_or_the_logon_that_is_there() -> None:
    assert password(Secrets({"default": Credential()})) is None


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        ({"password_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
        ({"password_file": "/nowhere/pw"}, "cannot be read"),
    ],
)
def test_a_missing_password_says_where_it_was_looked_for(credential: dict[str, str], says: str) -> None:
    with pytest.raises(SecretMissing, match=says) as caught:
        password(secrets(**credential))

    assert caught.value.where == f"credentials.Default.{next(iter(credential))}"


def test_an_empty_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PW", "")

    with pytest.raises(SecretMissing, match="empty"):
        password(secrets(password_env="MY_PW"))


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(SecretMissing, match="no such credential set"):
        secrets().logon("other")


def test_a_logon_shows_no_password_and_the_listener_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PW", CANARY)
    heard: list[str] = []
    credential = Credential(username="u", password_env="MY_PW")
    logon = Secrets({"default": credential}, on_fetched=heard.append).logon("default")

    assert CANARY not in f"{logon!r} {logon}"
    assert heard == [CANARY]
