"""The table of causes, and the decision from evidence to causes, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from finding_nouns import AT, SERVER, finding

from agent.causes import (
    ARTICLES,
    CAUSES,
    END_TO_END,
    EVENTS,
    HOP,
    LINES,
    LOGON,
    READABLE,
    SERVER_EVENTS,
    SIBLINGS,
    TABLE,
    Stage,
)
from agent.decoder import Certainty, conclude, decode
from agent.model import Finding, Probe, Proof, Sibling, Verdict
from agent.probe import NEXT_STEPS
from agent.probe.evidence import Admission, Event, Evidence, LogLine, ProxyFacts, about, left_by, moment

GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
PROXY = "CAS01"
WELL: Finding = finding()
FACTS = ProxyFacts(("198.18.0.9",), is_serving=True, blocks_legacy=False)


def proof(cause: str = "", probe: Probe = Probe.HOP, origin: str = PROXY, verdict: Verdict | None = None) -> Proof:
    status = 403 if cause == "forbidden" else None
    return Proof(origin, SERVER.name, probe, verdict or (BAD if cause else GOOD), AT, cause, status, evidence="as seen")


def evidence(*proofs: Proof, **known: object) -> Evidence:
    return replace(Evidence(PROXY, SERVER, AT, proofs=proofs), **known)  # type: ignore[arg-type]  # pass-through


def names(found: Evidence, certainty: Certainty | None = None) -> list[str]:
    return [each.cause.name for each in conclude(found) if certainty in (None, each.certainty)]


# --- the table -------------------------------------------------------------------------------------------------------


def test_each_cause_has_one_row_with_a_meaning_and_a_next_step() -> None:
    assert len(CAUSES) == len(TABLE)
    assert not [row.name for row in TABLE if not row.meaning.endswith(".") or not row.next_step]


def test_every_article_has_a_source_that_says_what_it_is_about() -> None:
    assert {row.article for row in TABLE} - {""} == set(ARTICLES)
    assert all(ARTICLES.values())


def test_every_sign_speaks_for_causes_that_are_in_the_table() -> None:
    signs: Iterable[tuple[str, ...]] = (
        *HOP.values(),
        *LOGON.values(),
        *END_TO_END.values(),
        *EVENTS.values(),
        tuple(SERVER_EVENTS.values()),
        tuple(LINES.values()),
        tuple(SIBLINGS.values()),
        tuple(READABLE),
    )

    assert {name for sign in signs for name in sign} <= set(CAUSES)


def test_every_answer_to_the_hop_that_is_not_good_speaks_for_something() -> None:
    assert set(NEXT_STEPS) - {""} == set(HOP)


def test_causes_that_compete_say_what_would_tell_them_apart() -> None:
    competing = {name for table in (HOP, END_TO_END) for names in table.values() if len(names) > 1 for name in names}

    assert [name for name in sorted(competing) if not CAUSES[name].tells_apart] == []


# --- symptoms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", HOP)
def test_each_answer_to_the_hop_is_decoded(cause: str) -> None:
    assert names(evidence(proof(cause))) == list(HOP[cause])


@pytest.mark.parametrize("cause", END_TO_END)
def test_each_answer_from_end_to_end_is_decoded(cause: str) -> None:
    through = proof(cause, Probe.END_TO_END)

    assert names(evidence(through)) == list(END_TO_END[cause])


@pytest.mark.parametrize("cause", LOGON)
def test_each_answer_to_a_logon_is_decoded(cause: str) -> None:
    assert names(evidence(proof(cause, Probe.LOGON, "agent", UNKNOWN))) == list(LOGON[cause])


@pytest.mark.parametrize("number", EVENTS)
def test_each_event_of_a_proxy_is_decoded(number: int) -> None:
    found = evidence(proof("options-418", Probe.END_TO_END), events=(Event(number, AT, "x"),))

    assert set(EVENTS[number]) <= set(names(found))


@pytest.mark.parametrize(("number", "cause"), SERVER_EVENTS.items())
def test_an_event_of_the_server_settles_why_the_mailbox_is_not_read(number: int, cause: str) -> None:
    found = evidence(proof("foldersync-500", Probe.END_TO_END), server_events=(Event(number, AT, "x"),))

    assert names(found) == [cause]
    assert names(found, Certainty.CERTAIN) == [cause]


@pytest.mark.parametrize(("line", "cause"), LINES.items())
def test_the_log_settles_what_a_page_does_not_say(line: tuple[str, str], cause: str) -> None:
    found = evidence(proof("forbidden"), lines=(LogLine(*line, "5", "198.18.0.9"),))
    expected = [cause] if cause in HOP["forbidden"] else list(HOP["forbidden"])

    assert names(found) == expected
    assert f"the server's log has {'.'.join(line)} 5 from 198.18.0.9" in conclude(found)[0].evidence[0]


def test_a_line_of_another_proxy_does_not_speak_for_this_one() -> None:
    lines = (LogLine("403", "6", "5", "198.18.0.77"), LogLine("403", "4", "5", "198.18.0.9"))
    told = evidence(proof("forbidden"), lines=lines, facts=FACTS)
    unknown = evidence(proof("forbidden"), lines=lines)

    assert names(told) == ["ssl-required"]
    assert names(unknown) == list(HOP["forbidden"])


def test_the_line_of_another_status_is_not_that_of_this_answer() -> None:
    found = evidence(proof("forbidden"), lines=(LogLine("401", "2", "2148074254", "198.18.0.9"),))

    assert "log has" not in conclude(found)[0].evidence[0]


def test_a_questions_own_lines_count_before_those_of_earlier_ones() -> None:
    old = LogLine("403", "4", "5", "198.18.0.9", "easfix-old", AT - timedelta(hours=2))
    late = LogLine("403", "6", "5", "198.18.0.9", "easfix-late", AT - timedelta(minutes=2))
    own = LogLine("401", "2", "5", "198.18.0.9", "easfix-own", AT)
    since = AT - timedelta(hours=1)

    assert left_by("easfix-own", [old, late, own], since) == (own,)
    assert left_by("easfix-own", [old, late], since) == (late,)


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sibling", "cause"), SIBLINGS.items())
def test_what_detection_found_is_certain(sibling: str, cause: str) -> None:
    found = replace(WELL, siblings=(Sibling(sibling, "seen", "do it"),))

    assert names(evidence(finding=found), Certainty.CERTAIN) == [cause]


def test_a_proxys_settings_are_certain() -> None:
    facts = ProxyFacts(("198.18.0.9",), is_serving=False, blocks_legacy=True)
    closed = Admission("W3SVC/1/ROOT/X", is_open=False, granted=("192.0.2.1, 255.255.255.255",))
    found = evidence(facts=facts, admissions=(closed,))

    assert names(found, Certainty.CERTAIN) == ["proxy-down", "block-legacy", "address-refused"]


@pytest.mark.parametrize(
    ("admission", "is_in"),
    [
        (Admission("x", is_open=True), True),
        (Admission("x", is_open=True, denied=("198.18.0.0, 255.255.0.0",)), False),
        (Admission("x", is_open=False), False),
        (Admission("x", is_open=False, granted=("198.18.0.9",)), True),
        (Admission("x", is_open=False, granted=("198.18.0.0, 255.255.255.0",)), True),
        (Admission("x", is_open=False, granted=("nonsense",)), False),
    ],
)
def test_whom_a_directory_admits(admission: Admission, is_in: bool) -> None:
    assert admission.admits("198.18.0.9") is is_in


def test_what_the_settings_would_have_shown_is_ruled_out() -> None:
    """A refused connection to a server whose service runs, site is started and port is bound: a firewall says no."""
    assert names(evidence(proof("refused"))) == list(HOP["refused"])
    assert names(evidence(proof("refused"), finding=WELL)) == ["port-filtered"]


def test_a_proxy_that_does_not_block_is_not_suspected_of_it() -> None:
    through = proof("options-403", Probe.END_TO_END)

    assert names(evidence(through))[0] == "block-legacy"
    assert "block-legacy" not in names(evidence(through, facts=FACTS))


# --- what hides what -------------------------------------------------------------------------------------------------


def test_a_path_that_is_proved_has_no_cause() -> None:
    broken = replace(WELL, siblings=(Sibling("forms-based-authentication", "seen", "do it"),))

    assert names(evidence(proof(), proof("", Probe.END_TO_END), finding=broken)) == []


def test_what_the_proxys_own_question_got_past_is_not_the_cause() -> None:
    elsewhere = replace(WELL, siblings=(Sibling("redirected", "on another site", "do it"),))

    assert names(evidence(proof(), finding=elsewhere)) == []


def test_a_proxys_refusal_does_not_explain_what_its_server_answers_over_http() -> None:
    facts = replace(FACTS, blocks_legacy=True)

    assert names(evidence(proof("timed-out"), facts=facts, finding=WELL)) == ["block-legacy", "port-filtered"]


def test_a_later_symptom_is_put_down_to_an_earlier_cause() -> None:
    through = proof("options-503", Probe.END_TO_END)

    assert names(evidence(proof("ssl-required"), through)) == ["ssl-required"]


def test_an_answer_that_crawls_is_not_a_firewall() -> None:
    here = proof("too-slow", origin="agent", verdict=UNKNOWN)

    assert names(evidence(proof("timed-out", verdict=UNKNOWN), here)) == ["answer-broken"]


def test_a_server_that_nobody_gets_into_is_down() -> None:
    assert names(evidence(proof("refused"), is_unreachable=True), Certainty.CERTAIN) == ["server-down"]


def test_what_is_certain_comes_before_what_is_likely_and_in_the_order_of_the_way() -> None:
    both = replace(
        WELL,
        siblings=(
            Sibling("exchange-directory-needs-ssl", "seen", "do it"),
            Sibling("integrated-authentication-missing", "seen", "do it"),
        ),
    )
    found = conclude(evidence(proof("no-such-thing", Probe.END_TO_END), finding=both))
    stages = [each.cause.stage for each in found if each.certainty is Certainty.CERTAIN]

    assert stages == sorted(stages)
    assert found[0].cause.stage is not Stage.HERE


# --- silence and the unknown -----------------------------------------------------------------------------------------


def test_silence_proves_nothing_for_fifteen_minutes() -> None:
    waiting = (proof("proxy-not-asked", verdict=UNKNOWN),)
    young = Event(1034, AT - timedelta(seconds=300), "timed out", SERVER.fqdn)
    found = conclude(evidence(*waiting, events=(young,)))
    old = replace(young, at=AT - timedelta(seconds=901))

    assert [each.cause.name for each in found] == ["throttled-silence"]
    assert found[0].evidence == ("event 1034 cannot be judged for another 600 s",)
    assert names(evidence(*waiting, events=(old,))) == ["unknown"]


def test_an_event_alone_is_never_the_proof() -> None:
    """1034 has other causes, and may be of an hour ago (domain 1.5)."""
    event = Event(1034, AT, "timed out", SERVER.fqdn)

    assert names(evidence(proof(), events=(event,))) == []


def test_the_unknown_comes_with_all_that_was_seen() -> None:
    found = conclude(evidence(proof("proxy-not-asked", verdict=UNKNOWN)))

    assert [each.cause.name for each in found] == ["unknown"]
    assert found[0].evidence == ("from CAS01: proxy-not-asked (as seen)",)


def test_nothing_asked_is_nothing_to_explain() -> None:
    assert conclude(evidence()) == decode(evidence()) == ()


def test_events_are_told_apart_by_the_server_they_name() -> None:
    events = [Event(1034, AT, "x", host) for host in (SERVER.fqdn.upper(), SERVER.name, "other.lab.example", "")]

    assert len(about(events, SERVER)) == 2


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [("2009-06-01T09:30:00.1234567Z", 123456), ("2009-06-01T09:30:00Z", 0), ("2009-06-01T09:30:00.5", 500000)],
)
def test_a_time_of_dot_net_is_read(text: str, microsecond: int) -> None:
    found = moment(text)

    assert (found.year, found.microsecond, found.utcoffset()) == (2009, microsecond, timedelta(0))


def test_a_time_that_makes_no_sense_is_long_ago() -> None:
    assert {moment(text).year for text in ("yesterday", "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")} == {1900}
