"""Telling people through Apprise: within a deadline, and without a word about where they live."""

from __future__ import annotations

import logging
import re
import threading
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

APP = "easfix"
REJECTED = "the address is not one that Apprise understands"
UNANSWERED = "no answer came within {seconds:g} s"

_STATUS = re.compile(r"\berror=(\d{3})\b")
_LONG_ENOUGH = 8
_CERTAINLY_LONG = 20


@dataclass(frozen=True, slots=True)
class Message:
    """What is told; `is_bad` where somebody should act."""

    title: str
    body: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody who is told; `where` is the place in the configuration, which may be shown, as the URL may not."""

    where: str
    url: str = field(repr=False)


def tell(message: Message, addresses: Sequence[Address], seconds: float) -> tuple[str, ...]:
    """Tell everybody at the same time; who could not be told, and why, in words that hold no address.

    Whoever has not answered after so many seconds is not waited for any longer, and holds up no end of the process.
    """
    _silence()
    sent = {each.where: _begin(each, message) for each in addresses}
    wait(sent.values(), seconds)
    return tuple(f"{where}: {words}" for where, future in sent.items() if (words := _outcome(future, seconds)))


def secret_parts(url: str) -> Iterator[str]:
    """What of an address may be a secret: itself, its password, and every part that looks like a token."""
    yield url
    credentials, _, _ = url.partition("://")[2].partition("?")[0].rpartition("@")
    yield from _forms(credentials.partition(":")[2])
    for part in re.split(r"[/?&=#:@]+", url.partition("://")[2]):
        if _looks_like_a_token(part):
            yield from _forms(part)


def _forms(part: str) -> Iterable[str]:
    return filter(None, {part, urllib.parse.unquote(part), urllib.parse.unquote_plus(part)})


def _looks_like_a_token(part: str) -> bool:
    """Long, and mixed as no word is; the name of a host, with its dots, is none."""
    if len(part) < _LONG_ENOUGH or re.fullmatch(r"[\w-]+(\.[\w-]+)+", part):
        return False
    is_mixed = any(each.isdigit() for each in part) or not (part.islower() or part.isupper() or part.istitle())
    return is_mixed or len(part) >= _CERTAINLY_LONG


def _silence() -> None:
    """Apprise logs what it is given to send and where to; nobody but its own result is to hear that."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _begin(address: Address, message: Message) -> Future[str]:
    """A thread that nobody has to wait for, which a pool's threads are not."""
    future: Future[str] = Future()

    def deliver() -> None:
        try:
            future.set_result(_deliver(address.url, message))
        except BaseException as error:  # carried to the one who waits; its own words may hold the address
            future.set_exception(error)

    threading.Thread(target=deliver, name=f"tell {address.where}", daemon=True).start()
    return future


def _deliver(url: str, message: Message) -> str:
    """Why it could not be delivered; empty when it was."""
    import apprise  # slow to import, and seldom needed

    # Without a time of its own it works in this thread, and not in a pool that the end of the process waits for.
    asset = apprise.AppriseAsset(
        app_id=APP, app_desc=APP, app_url="", async_mode=False, storage_mode="memory", service_timeout=0
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(url):
        return REJECTED
    kind = apprise.NotifyType.WARNING if message.is_bad else apprise.NotifyType.INFO
    result = service.notify(
        title=message.title, body=message.body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
    )
    return "" if result else _reason(result)


def _reason(result: Any) -> str:
    """The few facts of Apprise's own account that can hold no secret."""
    said = " ".join(str(entry.message) for entry in result.logs())
    if status := _STATUS.search(said):
        return f"the service answered {status[1]}"
    if "onnection error" in said:
        return "no connection to the service came about, or it broke"
    return "the service did not take it"


def _outcome(future: Future[str], seconds: float) -> str:
    if not future.done():
        return UNANSWERED.format(seconds=seconds)
    error = future.exception()
    return type(error).__name__ if error is not None else future.result()
