"""People are told over a real connection: the message arrives, and no server can hold a run up or make it talk."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from mailbox_service import TOKEN, Mailbox, open_mailbox

from agent.notify import Address, Message, secret_parts, tell

MESSAGE = Message("easfix: 1 changed", "EX01: changed\nsee: easfix show r1", is_bad=True)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as found:
        yield found


def test_a_message_arrives_as_it_is(mailbox: Mailbox) -> None:
    untold = tell(MESSAGE, [mailbox.address()], 30)

    assert untold == ()
    (letter,) = mailbox.letters
    assert (letter["title"], letter["message"], letter["type"]) == (MESSAGE.title, MESSAGE.body, "warning")
    assert letter["authorization"].startswith("Basic ")


def test_good_news_is_no_warning(mailbox: Mailbox) -> None:
    tell(Message("easfix", "all done"), [mailbox.address()], 30)

    assert mailbox.letters[0]["type"] == "info"


def test_markup_and_escapes_are_left_alone(mailbox: Mailbox) -> None:
    body = r"W3SVC\new <b>1</b> & *2* ü €"
    tell(Message("easfix", body), [mailbox.address()], 30)

    assert mailbox.letters[0]["message"] == body


def test_a_service_that_is_down_is_named_by_its_place_only(mailbox: Mailbox) -> None:
    untold = tell(MESSAGE, [Address("notify[1]", f"json://x:{TOKEN}@127.0.0.1:9/{TOKEN}"), mailbox.address()], 30)

    assert untold == ("notify[1]: no connection to the service came about, or it broke",)
    assert len(mailbox.letters) == 1


def test_a_service_that_fails_is_said_with_its_status(mailbox: Mailbox) -> None:
    mailbox.status = 500

    assert tell(MESSAGE, [mailbox.address()], 30) == ("notify[0]: the service answered 500",)


def test_a_service_that_does_not_answer_is_not_waited_for(mailbox: Mailbox) -> None:
    mailbox.may_answer.clear()

    assert tell(MESSAGE, [mailbox.address()], 0.5) == ("notify[0]: no answer came within 0.5 s",)


def test_nobody_waits_for_another_to_answer(mailbox: Mailbox) -> None:
    """Both have been asked before either has answered."""
    mailbox.may_answer.clear()
    with ThreadPoolExecutor() as pool:
        untold = pool.submit(tell, MESSAGE, [mailbox.address("notify[0]"), mailbox.address("notify[1]")], 120)
        asked = [mailbox.asked.acquire(timeout=60) for _ in range(2)]
        mailbox.may_answer.set()

        assert asked == [True, True]
        assert untold.result() == ()


@pytest.mark.parametrize("url", ["nosuch://x", "", "json://", "http://[::1", "\0", "mailto://a:b@c", "slack://x", "é"])
def test_an_address_that_means_nothing_is_said_and_not_shown(url: str) -> None:
    (untold,) = tell(MESSAGE, [Address("notify[0]", url)], 30)

    assert untold == "notify[0]: the address is not one that Apprise understands"


def test_an_error_of_the_library_is_said_by_its_kind_only(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    import apprise

    def broken(self: object, url: str) -> bool:
        raise RuntimeError(f"cannot work with {url}")

    monkeypatch.setattr(apprise.Apprise, "add", broken)

    assert tell(MESSAGE, [mailbox.address()], 30) == ("notify[0]: RuntimeError",)


def test_nothing_is_logged_about_the_address(mailbox: Mailbox) -> None:
    """A handler of the root logger hears every library, as the log of a run does."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(f"{record.name} {record.getMessage()}")

    ear, root, apprise = Ear(), logging.getLogger(), logging.getLogger("apprise")
    levels = root.level, apprise.level
    root.addHandler(ear)
    root.setLevel(logging.WARNING)
    apprise.setLevel(logging.DEBUG)
    try:
        mailbox.status = 500
        tell(MESSAGE, [mailbox.address(), Address("notify[1]", f"nosuch://{TOKEN}")], 30)
        logging.getLogger("another").warning("is heard")
    finally:
        root.removeHandler(ear)
        root.setLevel(levels[0])
        apprise.setLevel(levels[1])

    assert heard == ["another is heard"]


def test_an_address_does_not_show_itself(mailbox: Mailbox) -> None:
    assert TOKEN not in repr(mailbox.address()) + str(mailbox.address())


def test_the_end_of_the_process_does_not_wait_for_a_service(mailbox: Mailbox) -> None:
    """The service has been asked, and answers after a minute at the earliest."""
    mailbox.may_answer.clear()
    code = (
        "import sys, apprise; from agent.notify import Address, Message, tell\n"
        "print(tell(Message('t', 'b'), [Address('notify[0]', sys.argv[1])], 2))"
    )
    url = mailbox.address().url.replace("/t0ken", "?rto=100&x=/t0ken")
    command = [sys.executable, "-W", "ignore", "-c", code, url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=45)

    assert ended.returncode == 0
    assert "no answer came" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        ("json://easfix:pw@127.0.0.1:8080/messages/abc", {"pw"}, {"easfix", "127.0.0.1", "messages", "abc", "8080"}),
        ("slack://TokenAAA1/TokenBBB2/TokenCCCCC3", {"TokenAAA1", "TokenBBB2", "TokenCCCCC3"}, set()),
        ("mailto://me:p%40ss@mail.example.com?to=you@example.com", {"p%40ss", "p@ss"}, {"mail.example.com"}),
        ("json://h/?token=a1b2c3d4e5", {"a1b2c3d4e5"}, {"token"}),
        ("tgram://123456789:AAbbCCdd/-100", {"123456789", "AAbbCCdd"}, set()),
        ("json://u:p@w@h.example.com/", {"p@w"}, {"h.example.com"}),
    ],
)
def test_what_may_be_a_secret_is_known_and_names_are_not(url: str, hidden: set[str], shown: set[str]) -> None:
    found = set(secret_parts(url))

    assert {url} | hidden <= found
    assert not shown & found
