"""The addresses of those who are told come from where the configuration says, and are shown to nobody."""

import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import pytest

from agent.config import check, load, notice_address
from agent.config.conduct import NoticeEntry
from agent.errors import ConfigError, SecretMissing

ADDRESS = "json://easfix:kanari-4711@127.0.0.1/"


def address(**entry: str) -> str:
    return notice_address("notify[0]", NoticeEntry.model_validate(entry))


def config(tmp_path: Path, notify: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(f"servers: [EX01]\njournal: journal.db\nnotify: [{notify}]\n", encoding="utf-8")
    return path


def secret_file(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{ADDRESS}\n", encoding="utf-8")
    path.chmod(mode)
    return path


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return ADDRESS if (service, username) == ("easfix-notify", "notify") else None

    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


@pytest.fixture
def ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())  # type: ignore[no-untyped-call]  # keyring's own base class
    yield
    keyring.set_keyring(before)


def test_an_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_URL", f" {ADDRESS} ")

    assert address(url_env="MY_URL") == ADDRESS


def test_an_address_comes_from_a_file(tmp_path: Path) -> None:
    assert address(url_file=str(secret_file(tmp_path / "url"))) == ADDRESS


@pytest.mark.usefixtures("ring")
def test_an_address_comes_from_the_keyring() -> None:
    assert address(keyring="easfix-notify") == ADDRESS


@pytest.mark.usefixtures("ring")
def test_a_keyring_without_it_says_how_to_put_it_there() -> None:
    with pytest.raises(SecretMissing) as caught:
        address(keyring="other")

    assert caught.value.next_step == "keyring set other notify"


@pytest.mark.parametrize(
    ("entry", "where"),
    [({"url_env": "NOT_SET_ANYWHERE"}, "notify[0].url_env"), ({"url_file": "/nowhere/url"}, "notify[0].url_file")],
)
def test_a_missing_address_says_where_it_was_looked_for(entry: dict[str, str], where: str) -> None:
    with pytest.raises(SecretMissing) as caught:
        address(**entry)

    assert caught.value.where == where


def test_an_empty_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_URL", "  ")

    with pytest.raises(SecretMissing, match="empty"):
        address(url_env="MY_URL")


posix = pytest.mark.skipif(os.name == "nt", reason="mode bits are POSIX")


@posix
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="can be read by others"):
        address(url_file=str(secret_file(tmp_path / "url", 0o640)))


@posix
def test_what_systemd_hands_over_may_show_the_mask_of_its_access_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over = tmp_path / "credentials"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed_over))

    assert address(url_file=str(secret_file(handed_over / "url", 0o440))) == ADDRESS


@posix
@pytest.mark.parametrize(("place", "mode"), [("credentials", 0o444), ("elsewhere", 0o440)])
def test_beside_systemd_the_rule_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, mode: int) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))

    with pytest.raises(SecretMissing, match="can be read by others"):
        address(url_file=str(secret_file(tmp_path / place / "url", mode)))


def test_a_check_finds_an_address_that_is_not_there(tmp_path: Path) -> None:
    path = config(tmp_path, "{url_env: EASFIX_NOTIFY_URL}, {url_file: nowhere}")

    with pytest.raises(ConfigError) as caught:
        check(path)

    assert "EASFIX_NOTIFY_URL is not set" in caught.value.message
    assert "nowhere cannot be read" in caught.value.message


def test_a_check_is_content_with_addresses_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASFIX_NOTIFY_URL", ADDRESS)
    secret_file(tmp_path / "url")

    assert len(check(config(tmp_path, "{url_env: EASFIX_NOTIFY_URL}, {url_file: url}")).notify) == 2


def test_a_variable_named_for_a_notice_is_not_taken_for_a_misspelt_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASFIX_NOTIFYS", ADDRESS)

    assert load(config(tmp_path, "{url_env: EASFIX_NOTIFYS}")).notify
    with pytest.raises(ConfigError, match="means nothing"):
        load(config(tmp_path, "{url_env: ANOTHER}"))
