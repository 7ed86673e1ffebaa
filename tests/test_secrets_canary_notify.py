"""The address of somebody who is told holds a secret too: it shows up nowhere, whatever the service does with it."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping

import pytest
from mailbox_service import Mailbox, open_mailbox
from test_secrets_canary import CANARY, RING, SOURCES, Cage, cage, leaks

from agent.lab.layout import SECRETS

__all__ = ["cage"]

PLACES: dict[str, tuple[dict[str, str], str]] = {
    "environment": ({"url_env": "CANARY_OF_THE_TEST"}, ""),
    "file": ({"url_file": f"{SECRETS}/url"}, ""),
    "keyring": ({"keyring": "easfix-notify"}, RING),
}

DEFECT = """
import apprise
def broken(self, url):
    raise RuntimeError("cannot work with " + url)
apprise.Apprise.add = broken
"""
"""A defect of the library whose own words hold the whole address."""

CHATTER = """
import agent.notify, logging
real = agent.notify._deliver
def talk(url, message):
    logging.getLogger("urllib3.connectionpool").warning("Retrying after connection broken: %s", url)
    logging.getLogger("apprise.plugins").error("could not send to %s", url)
    return real(url, message)
agent.notify._deliver = talk
"""
"""Libraries that log the whole address."""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as found:
        yield found


def urls(mailbox: Mailbox) -> Mapping[str, str]:
    """The canary in the path, as a password, and as the value of a question; and as no address at all."""
    quoted = urllib.parse.quote(CANARY, safe="")
    port = mailbox.server_address[1]
    return {
        "good": f"json://127.0.0.1:{port}/{quoted}?:token={quoted}",
        "too odd for HTTP": f"json://easfix:{quoted}@127.0.0.1:{port}/{quoted}?+X-Token={quoted}",
        "down": f"json://easfix:{quoted}@127.0.0.1:9/{quoted}",
        "nonsense": f"nosuch://{CANARY}",
        "token": f"slack://{quoted}/{quoted}/{quoted}",
        "bare": CANARY,
    }


def arrange(cage: Cage, url: str, place: str) -> tuple[str, Mapping[str, str]]:
    """Put the address where the configuration looks for it; the logon's password is another secret in a file."""
    notify, before = PLACES[place]
    path = cage.home / SECRETS / "url"
    path.write_text(url, encoding="utf-8")
    path.chmod(0o600)
    cage.configure(SOURCES["file"][0], notify=[notify], logs={"file": "easfix.log", "level": "debug"})
    return before, {"CANARY_OF_THE_TEST": url}


TICK, CHANGE = ("run", "--once", "-vv"), ("apply", "--yes", "-vv")


def job(cage: Cage, before: str, environment: Mapping[str, str], *lines: tuple[str, ...]) -> list[int]:
    """A tick that tells of drift, a change that is told, and what follows."""
    return [cage.easfix(*line, before=before, environment=environment).code for line in (TICK, CHANGE, *lines)]


@pytest.mark.parametrize("place", PLACES)
def test_a_told_job_leaves_no_trace_of_the_address(cage: Cage, mailbox: Mailbox, place: str) -> None:
    before, environment = arrange(cage, urls(mailbox)["good"], place)

    after = job(cage, before, environment, ("run", "--once", "--json"), ("show", "last", "--json"))

    assert after == [2, 0, 0, 0], cage.ran
    assert len(mailbox.letters) == 3  # drift, the change, and its end
    said = json.dumps([{"title": each["title"], "message": each["message"]} for each in mailbox.letters])
    assert leaks(said.encode()) == []
    cage.search()


@pytest.mark.parametrize("kind", ["too odd for HTTP", "down", "nonsense", "token", "bare"])
def test_an_address_that_does_not_work_is_not_quoted(cage: Cage, mailbox: Mailbox, kind: str) -> None:
    before, environment = arrange(cage, urls(mailbox)[kind], "file")

    assert job(cage, before, environment) == [2, 0], cage.ran
    assert b"notify[0]: " in cage.ran[1].err
    cage.search()


@pytest.mark.parametrize("spoil", [DEFECT, CHATTER], ids=["defect", "chatter"])
def test_a_library_that_talks_is_not_heard(cage: Cage, mailbox: Mailbox, spoil: str) -> None:
    before, environment = arrange(cage, urls(mailbox)["good"], "file")
    mailbox.status = 500

    assert job(cage, before + spoil, environment) == [2, 0], cage.ran
    assert b"notify[0]: " in cage.ran[1].err
    cage.search()
