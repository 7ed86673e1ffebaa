"""Hostile answers, from a server and from a proxy: a clear verdict within the deadline, and little memory."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import pytest
from phones import Sights, now

from agent.lab.web.phrases import LANGUAGES
from agent.model import Proof, Server, Verdict
from agent.probe import Answer, probe
from agent.probe.endtoend import judge_folders
from agent.probe.talk import MOST_BODY, MOST_HEAD

DEADLINE = 3.0  # of a probe that is not to be answered
MOST_MEMORY = 20 * (MOST_HEAD + MOST_BODY)
"""Text, bytes and copies of all that is ever looked at; an answer that was kept whole would be far larger."""

FAULTS = ("http-endless", "http-drip=0.5", "http-header-bomb", "http-garbage", "http-reset", "http-filtered")
THROUGH = {
    "http-endless": {"foldersync-no-wbxml"},
    "http-drip=0.5": {"options-too-slow", "proxy-timed-out"},
    "http-header-bomb": {"options-no-http"},
    "http-garbage": {"options-no-http"},
    "http-reset": {"options-no-http", "options-broken-off"},
    "http-filtered": {"proxy-timed-out", "options-no-answer"},
}
HOP = {
    "http-endless": {"endless"},
    "http-drip=0.5": {"too-slow"},
    "http-header-bomb": {"no-http"},
    "http-garbage": {"no-http"},
    "http-reset": {"", "broken-off", "no-http"},  # the status may have come before the break
    "http-filtered": {"timed-out"},
}


class Spent:
    """Peak memory of a block, in bytes."""

    def __enter__(self) -> Spent:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def hop(server: Server) -> Proof:
    return probe(server, now, time.monotonic, seconds=DEADLINE)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hostile_proxy_gets_a_clear_verdict(sights: Sights, fault: str) -> None:
    sights.fleet.fault(f"{fault}@CAS01")
    proof = sights.through(seconds=DEADLINE)

    assert proof.cause in THROUGH[fault]
    assert proof.verdict is not Verdict.GOOD
    assert proof.latency_ms is not None
    assert proof.latency_ms < 2 * 1000 * DEADLINE  # both questions share one deadline


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hostile_server_gets_a_clear_verdict(sights: Sights, fault: str) -> None:
    sights.fleet.fault(f"{fault}@EX01")
    proof = hop(sights.server())

    assert proof.cause in HOP[fault]
    assert proof.latency_ms is not None
    assert proof.latency_ms < 2 * 1000 * DEADLINE


def test_an_answer_without_an_end_costs_little_memory(listen: object) -> None:
    """Without the lab, whose own memory would count: a body that is sent for as long as somebody reads."""
    head = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n\r\n"
    endless = itertools.chain([head], itertools.repeat(b"x" * 65536))
    listener = listen(endless=endless)  # type: ignore[operator]
    server = Server("EX01", "127.0.0.1", "ex01.lab.example", http_port=listener.port)
    with Spent() as spent:
        proof = hop(server)

    assert proof.cause == "endless"
    assert spent.most < MOST_MEMORY


def test_headers_without_an_end_cost_little_memory(listen: object) -> None:
    endless = itertools.chain([b"HTTP/1.1 401 No\r\n"], itertools.repeat(b"X-Bomb: " + b"x" * 8000 + b"\r\n"))
    listener = listen(endless=endless)  # type: ignore[operator]
    with Spent() as spent:
        proof = hop(Server("EX01", "127.0.0.1", "ex01.lab.example", http_port=listener.port))

    assert proof.cause == "no-http"
    assert spent.most < MOST_MEMORY


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cause_is_read_in_every_language(sights: Sights, language: str) -> None:
    sights.fleet.fault("require-ssl@EX01")
    sights.fleet["EX01"].web_faults.language = f"{language}-{language.upper()}"

    assert hop(sights.server()).cause == "ssl-required"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_page_in_another_character_set_than_it_says_is_read(sights: Sights, language: str) -> None:
    sights.fleet.fault("require-ssl@EX01")
    faults = sights.fleet["EX01"].web_faults
    faults.language, faults.wrong_charset = f"{language}-{language.upper()}", True

    assert hop(sights.server()).cause == "ssl-required"


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_where_wbxml_should_be_is_no_proof(sights: Sights, language: str) -> None:
    """A portal in between that answers 200 with a page, in any language."""
    words = next(iter(LANGUAGES[language].phrases.values()))[0]
    page = f"<html><title>{words}</title></html>".encode(LANGUAGES[language].codec)
    found = judge_folders(Answer(200, headers=(("content-type", "text/html"),), content=page))

    assert (found.verdict, found.cause) == (Verdict.BAD, "foldersync-no-wbxml")
    assert "text/html" in found.evidence
