"""A password shows nowhere."""

from __future__ import annotations

import pickle
import traceback

import pytest

from agent.transport.credentials import Credentials, Secret

CANARY = "canary-7f3a"


def test_no_text_of_it_shows_the_password() -> None:
    held = Credentials("LAB\\administrator", Secret(CANARY))

    for text in (repr(held), str(held), f"{held}", f"{held.password}", f"{held.password!r}"):
        assert CANARY not in text


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Credentials("u", Secret(CANARY)))


def test_a_traceback_does_not_show_it() -> None:
    with pytest.raises(TypeError) as caught:
        raise TypeError(f"no use for {Credentials('u', Secret(CANARY))}")
    text = "".join(traceback.format_exception(caught.value))

    assert CANARY not in text


def test_equal_secrets_make_one_account() -> None:
    assert len({Credentials("u", Secret("a")), Credentials("u", Secret("a")), Credentials("u", Secret("b"))}) == 2


@pytest.mark.parametrize(
    ("user", "is_principal"), [("a@lab.example", True), ("LAB\\a", False), ("a", False), ("", True)]
)
def test_a_kdc_is_asked_for_principals_only(user: str, is_principal: bool) -> None:
    assert Credentials(user).is_principal is is_principal


def test_reveal_gives_it_away() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_what_is_made_of_a_secret_is_made_once_and_as_secret() -> None:
    secret, made = Secret("a"), []

    def make(text: str) -> str:
        made.append(text)
        return CANARY

    found = [secret.once(make), secret.once(make)]

    assert made == ["a"]
    assert CANARY not in repr(found) + str(found)
    assert found[0].reveal() == CANARY
