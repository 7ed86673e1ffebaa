"""What every hostile kind of answer costs: bytes that were read, and memory at its peak; no timing decides.

The server is a bare listener, so that nothing but the probe counts. Whatever it sends, no more is read than the head
and the beginning of a body, and a few copies of that are all that is ever held.
"""

from __future__ import annotations

import gzip
import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from loopback import Listener
from phones import now

from agent.lab.web.phrases import LANGUAGES
from agent.model import Server, Verdict
from agent.probe import Answer, ask, probe
from agent.probe.endtoend import judge_folders
from agent.probe.judge import judge
from agent.probe.talk import MOST_BODY, MOST_HEAD

MOST_READ = MOST_HEAD + MOST_BODY + 2 * 8192  # what is looked at, and the pieces that it came in
MOST_MEMORY = 20 * (MOST_HEAD + MOST_BODY)
"""Text, bytes and copies of all that is ever looked at; an answer that was kept whole would be far larger."""

SECONDS = 30.0
MEGABYTE = 1024 * 1024
Listen = Callable[..., Listener]


def head(status: str, *lines: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")).encode("latin-1")


def page(language: str) -> bytes:
    """A page of a megabyte in this language and its character set, which says nothing of 403.4."""
    found = LANGUAGES[language]
    words = next(iter(found.phrases.values()))[0].encode(found.codec, "replace")
    return b"<html><title>" + words + b"</title>" + words * (MEGABYTE // max(1, len(words)))


FOREVER = itertools.repeat
BLOCK = b"x" * 65536
FORBIDDEN = head("403 Forbidden", "Content-Type: text/html")
BOMB = gzip.compress(bytes(64 * MEGABYTE))
KINDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "an endless body": lambda: itertools.chain([FORBIDDEN], FOREVER(BLOCK)),
    "an endless body in chunks": lambda: itertools.chain(
        [head("403 No", "Transfer-Encoding: chunked")], FOREVER(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    ),
    "chunks of one byte": lambda: itertools.chain(
        [head("403 No", "Transfer-Encoding: chunked")], FOREVER(b"1\r\nx\r\n" * 1000)
    ),
    "a length of terabytes": lambda: itertools.chain([head("403 No", f"Content-Length: {10**14}")], FOREVER(BLOCK)),
    "a drip of single bytes": lambda: itertools.chain([FORBIDDEN], FOREVER(b"x")),
    "headers without an end": lambda: itertools.chain([b"HTTP/1.1 403 No\r\n"], FOREVER(b"X-Bomb: x\r\n" * 99)),
    "one header without an end": lambda: itertools.chain([b"HTTP/1.1 403 No\r\nX-Bomb: "], FOREVER(BLOCK)),
    "interim answers without an end": lambda: FOREVER(head("100 Continue") * 100),
    "nothing but a first line": lambda: itertools.chain([b"HTTP/1.1 403 "], FOREVER(b"No" * 4096)),
    "a gzip bomb": lambda: [head("403 No", "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}"), BOMB],
    "an unknown character set": lambda: [head("403 No", "Content-Type: text/html; charset=x-none"), bytes(MEGABYTE)],
    **{
        f"the character set {name}": lambda name=name: [
            head("403 No", f"Content-Type: text/html; charset={name}"), b"<title>403.4</title>" + b"a-" * MEGABYTE
        ]
        for name in ("utf-16", "utf-7", "punycode", "idna", "undefined", "zlib", "unicode_escape")
    },
    **{
        f"a page in {name}": lambda name=name: [
            head("403 No", f"Content-Type: text/html; charset={LANGUAGES[name].codec}"), page(name)
        ]
        for name in LANGUAGES
    },
    "a page of nothing but <": lambda: [FORBIDDEN, b"<" * MEGABYTE],
    "a page of nothing but titles": lambda: [FORBIDDEN, b"<title>" * (MEGABYTE // 7)],
    "quotes that do not end": lambda: [head("401 No", "WWW-Authenticate: Basic " + '"\\' * 12_000), b"x"],
    "thousands of challenges": lambda: [head("401 No", *["WWW-Authenticate: a b"] * 1000), b"x"],
}  # fmt: skip


class Spent:
    """Peak memory of a block, in bytes."""

    def __enter__(self) -> Spent:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_is_read_than_is_looked_at(listen: Listen, kind: str) -> None:
    listener = listen(endless=KINDS[kind]())
    answer = ask("127.0.0.1", listener.port, "ex01.lab.example", time.monotonic, seconds=SECONDS)

    assert 0 < answer.received <= MOST_READ
    assert len(answer.content) <= MOST_BODY
    assert judge(answer).verdict in (Verdict.BAD, Verdict.UNKNOWN)


@pytest.mark.parametrize("kind", KINDS)
def test_little_memory_is_held(listen: Listen, kind: str) -> None:
    pieces = KINDS[kind]()
    ready = list(pieces) if isinstance(pieces, list) else pieces  # the listener's own bytes are made before
    listener = listen(endless=ready)
    server = Server("EX01", "127.0.0.1", "ex01.lab.example", http_port=listener.port)
    with Spent() as spent:
        proof = probe(server, now, time.monotonic, seconds=SECONDS)

    assert proof.verdict in (Verdict.BAD, Verdict.UNKNOWN)
    assert proof.cause != ""
    assert spent.most < MOST_MEMORY


def test_a_character_set_that_lies_does_not_hide_the_cause(listen: Listen) -> None:
    for name in ("punycode", "undefined", "idna", "x-none"):
        body = b"<title>HTTP Error 403.4 - Forbidden</title>"
        listener = listen(
            head("403 No", f"Content-Type: text/html; charset={name}", f"Content-Length: {len(body)}"), body
        )
        answer = ask("127.0.0.1", listener.port, "ex01.lab.example", time.monotonic, seconds=SECONDS)

        assert judge(answer).cause == "ssl-required"


HEADER = b"\x03\x01\x6a"
WBXML: dict[str, bytes] = {
    "cut short": HEADER + b"\x00\x00\x07\x56\x4c\x03",
    "a string table of gigabytes": HEADER + b"\x8f\xff\xff\xff\x7f" + bytes(MOST_BODY),
    "elements within elements": HEADER + b"\x00\x00\x07" + b"\x56" * MOST_BODY,
    "switches of page and nothing else": HEADER + b"\x00" + b"\x00\x07" * (MOST_BODY // 2),
    "text without an end": HEADER + b"\x00\x00\x07\x56\x4c\x03" + b"1" * MOST_BODY,
    "a number without an end": HEADER + b"\xff" * MOST_BODY,
    "an opaque of gigabytes": HEADER + b"\x00\x00\x07\x56\x4c\xc3\x8f\xff\xff\xff\x7f" + bytes(MOST_BODY),
    "texts in thousands": HEADER + b"\x00\x00\x07\x56" + b"\x03a\x00" * (MOST_BODY // 3),
    "not WBXML at all": b"<html>" * (MOST_BODY // 6),
    "a gzip bomb": BOMB[:MOST_BODY],
}


@pytest.mark.parametrize("kind", WBXML)
def test_broken_wbxml_is_no_proof_and_costs_little_memory(kind: str) -> None:
    answer = Answer(200, content=WBXML[kind])
    with Spent() as spent:
        found = judge_folders(answer)

    assert (found.verdict, found.cause) == (Verdict.BAD, "foldersync-no-wbxml")
    assert spent.most < MOST_MEMORY
