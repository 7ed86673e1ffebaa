"""What each answer means for the proxy path: domain 2.9 to 2.11."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from loopback import Ticking

from agent.lab.web.pages import (
    ADDRESS_REFUSED,
    CERTIFICATE_REQUIRED,
    LISTING_DENIED,
    SSL_128_REQUIRED,
    SSL_REQUIRED,
    Fault,
    error_page,
)
from agent.lab.web.phrases import LANGUAGES
from agent.model import Probe, Server, Verdict
from agent.probe import NEXT_STEPS, Answer, Trouble, answer_of, hop, judge, probe
from agent.probe.judge import substatus

NOON = datetime(2008, 4, 11, 12, tzinfo=UTC)
BAD, GOOD, UNKNOWN = Verdict.BAD, Verdict.GOOD, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "verdict", "cause"),
    [
        (Answer(401, ("Negotiate", "NTLM")), GOOD, ""),
        (Answer(401, ("NTLM, negotiate",)), GOOD, ""),
        (Answer(401, ("NTLM",)), BAD, "negotiate-missing"),
        (Answer(401, ('Basic realm="Negotiate, please"',)), BAD, "negotiate-missing"),
        (Answer(401), BAD, "negotiate-missing"),
        (Answer(403, body="<title>Not today</title>"), BAD, "forbidden"),
        (Answer(404), BAD, "directory-missing"),
        (Answer(302, location="https://ex01/"), BAD, "redirected"),
        (Answer(200), BAD, "no-logon-asked"),
        (Answer(200, body="403.4 Forbidden: SSL is required"), BAD, "ssl-required"),
        (Answer(500), BAD, "server-error"),
        (Answer(503), BAD, "server-error"),
        (Answer(418), UNKNOWN, "unexpected"),
        (Answer(trouble=Trouble.TIMED_OUT), UNKNOWN, "timed-out"),
        (Answer(trouble=Trouble.REFUSED), BAD, "refused"),
        (Answer(trouble=Trouble.NAME), UNKNOWN, "name-unknown"),
        (Answer(trouble=Trouble.BROKEN_OFF), UNKNOWN, "broken-off"),
        (Answer(trouble=Trouble.NO_HTTP), UNKNOWN, "no-http"),
        (Answer(), UNKNOWN, "no-http"),
    ],
)
def test_each_answer_has_its_verdict(answer: Answer, verdict: Verdict, cause: str) -> None:
    judgement = judge(answer)

    assert (judgement.verdict, judgement.cause) == (verdict, cause)
    assert judgement.next_step
    assert judgement.evidence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (SSL_REQUIRED, "ssl-required"),
        (SSL_128_REQUIRED, "ssl-128-required"),
        (ADDRESS_REFUSED, "address-refused"),
        (CERTIFICATE_REQUIRED, "certificate-required"),
        (LISTING_DENIED, ""),
    ],
)
def test_the_page_of_iis_tells_the_sub_status_in_every_language(language: str, fault: Fault, cause: str) -> None:
    page = error_page(fault, language)

    assert substatus(page.body.decode(LANGUAGES[language].codec)) == cause


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        ("The page must be viewed over a secure channel", "ssl-required"),
        ("Diese Seite muss &uuml;ber einen sicheren Kanal angezeigt werden", "ssl-required"),
        ("La page doit &ecirc;tre affich&eacute;e sur un canal s&eacute;curis&eacute;", "ssl-required"),
        ("<b>403.4</b>", "ssl-required"),
        ("Fehler 403.4.", "ssl-required"),
        ("403;4", "ssl-required"),
        ("403.14", ""),
        ("1403.4", ""),
        ("version 5.403.4", ""),
        ("403.45", ""),
        ("either 403.4 or 403.7", ""),
        ("nothing of the kind", ""),
        ("", ""),
    ],
)
def test_a_page_that_tells_no_one_sub_status_tells_none(page: str, cause: str) -> None:
    assert substatus(page) == cause


def test_every_cause_has_a_next_step() -> None:
    answers = [Answer(status) for status in range(100, 600)] + [Answer(trouble=trouble) for trouble in Trouble]

    assert {judge(answer).cause for answer in answers} <= set(NEXT_STEPS)


def test_the_evidence_names_what_was_seen() -> None:
    answer = Answer(
        403, server="Microsoft-IIS/6.0", body="<TITLE>The page must be viewed\nover a secure channel</TITLE>"
    )

    evidence = judge(answer).evidence

    assert evidence == "HTTP 403, page 'The page must be viewed over a secure channel', from Microsoft-IIS/6.0"


def test_a_hop_from_a_proxy_is_judged_like_one_from_here() -> None:
    record = {
        "Kind": "hop",
        "Status": 401,
        "Authenticate": ["Negotiate", "NTLM"],
        "Server": "Microsoft-IIS/6.0",
        "Milliseconds": 12,
        "Failure": "",
        "Body": "",
        "Location": "",
    }

    proof = hop("CAS01", "EX01", record, NOON)

    assert (proof.origin, proof.target, proof.probe, proof.verdict) == ("CAS01", "EX01", Probe.HOP, GOOD)
    assert (proof.status, proof.latency_ms, proof.at) == (401, 12.0, NOON)


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        ("Timeout", "timed-out"),
        ("ConnectFailure", "refused"),
        ("NameResolutionFailure", "name-unknown"),
        ("ReceiveFailure", "broken-off"),
        ("SomethingNew", "broken-off"),
    ],
)
def test_a_hop_without_an_answer_tells_why(failure: str, cause: str) -> None:
    record = {"Kind": "hop", "Status": None, "Failure": failure, "Message": "Unable to connect", "Authenticate": []}

    assert judge(answer_of(record)).cause == cause
    assert "Unable to connect" in judge(answer_of(record)).evidence


@pytest.mark.parametrize("offered", ["Negotiate", ["Negotiate"], ("NTLM", "Negotiate")])
def test_one_offered_logon_may_come_without_a_list(offered: object) -> None:
    record = {"Status": 401, "Authenticate": offered}

    assert judge(answer_of(record)).verdict is GOOD  # type: ignore[arg-type]  # a record as the wire gave it


def test_a_probe_from_here_is_a_proof(listen: object, still: Ticking) -> None:
    listener = listen(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n\r\n")  # type: ignore[operator]
    server = Server("EX01", "127.0.0.1", "ex01.lab.example", http_port=listener.port)

    proof = probe(server, lambda: NOON, still)

    assert (proof.origin, proof.target, proof.verdict, proof.status, proof.at) == ("agent", "EX01", GOOD, 401, NOON)
