"""Where the configuration is looked for."""

from pathlib import Path

import pytest

from agent.config import find, user_config_file, user_state_directory
from agent.errors import ConfigError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and an empty home."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("EASFIX_CONFIG", raising=False)
    for name in ("XDG_CONFIG_HOME", "APPDATA", "HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    return path


def test_the_flag_wins_then_the_variable_then_here_then_the_users_own(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = make(user_config_file())
    assert find() == users

    here = make(nowhere / "here" / "config.yaml")
    assert find() == here

    monkeypatch.setenv("EASFIX_CONFIG", str(make(nowhere / "told.yaml")))
    assert find() == nowhere / "told.yaml"

    flag = make(nowhere / "flag.yaml")

    assert find(flag) == flag


def test_where_there_is_none_the_four_places_are_named(nowhere: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find()

    for place in ("--config", "EASFIX_CONFIG", str(nowhere / "here" / "config.yaml"), str(user_config_file())):
        assert place in caught.value.where
    assert "config.example.yaml" in caught.value.next_step


def test_a_place_that_was_named_is_not_passed_over(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(nowhere / "here" / "config.yaml")
    monkeypatch.setenv("EASFIX_CONFIG", "gone.yaml")

    with pytest.raises(ConfigError) as caught:
        find()

    assert "EASFIX_CONFIG" in caught.value.next_step
    assert caught.value.where == str(nowhere / "here" / "gone.yaml")


def test_each_system_has_its_own_directories() -> None:
    environ = {"APPDATA": "/roaming", "LOCALAPPDATA": "/local", "XDG_CONFIG_HOME": "/xc", "XDG_STATE_HOME": "/xs"}

    assert user_config_file("win32", environ) == Path("/roaming/easfix/config.yaml")
    assert user_config_file("linux", environ) == Path("/xc/easfix/config.yaml")
    assert user_config_file("darwin", environ).parts[-3:] == ("Application Support", "easfix", "config.yaml")
    assert user_state_directory("win32", environ) == Path("/local/easfix")
    assert user_state_directory("linux", environ) == Path("/xs/easfix")
