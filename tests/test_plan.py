"""The decision: which keys, which steps, which state and why; each case with its no-op twin."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from finding_nouns import AT, EAS, SCRIPTS, SERVER, ad_object, child, finding, service, vdir
from hypothesis import given
from hypothesis import strategies as st

from agent.model import Action, AuthFlags, Finding, Guard, RestartMethod, ServerPlan, ServerState, SslFlags
from agent.plan import Restart, decide, fingerprint, impact, wanted

SITE_2 = "W3SVC/2/ROOT/Microsoft-Server-ActiveSync"
CLEARED = 8 | 256
words = st.integers(0, 0xFFFF_FFFF)


def decided(found: Finding, *allowed: Guard, restart: Restart = Restart()) -> ServerPlan:  # noqa: B008 - a frozen value
    return decide(replace(SERVER, allowed=frozenset(allowed)), found, SCRIPTS, restart)


def steps(plan: ServerPlan) -> list[tuple[str, str]]:
    return [(str(each.action), each.path) for each in plan.steps]


STATES: list[tuple[str, Finding, tuple[Guard, ...], ServerState, str]] = [
    ("nothing to do", finding(), (), ServerState.RIGHT, "no ActiveSync directory requires SSL"),
    ("ssl", finding(vdir(8)), (), ServerState.PENDING, "1 key blocks the proxy: 8: SSL required"),
    ("ssl 128", finding(vdir(264)), (), ServerState.PENDING, "264: SSL required, 128-bit required"),
    ("a child key", finding(vdir(0, children=(child(8),))), (), ServerState.PENDING, "1 key blocks"),
    ("two keys", finding(vdir(8, children=(child(8),))), (), ServerState.PENDING, "2 keys block"),
    ("a warning", finding(vdir(auth_flags=AuthFlags(6))), (), ServerState.RIGHT, "no ActiveSync"),
    ("another fault", finding(vdir(redirect="/x")), (), ServerState.FAILED, "SSL is not the cause: "),
    ("both", finding(vdir(8, redirect="/x")), (), ServerState.PENDING, "SSL is not the only cause: "),
    ("a front-end", finding(vdir(8), is_front_end=True), (), ServerState.SKIPPED, "front-end"),
    ("a right front-end", finding(is_front_end=True), (), ServerState.RIGHT, "no ActiveSync"),
    ("overridden", finding(vdir(8), is_front_end=True), (Guard.FRONT_END,), ServerState.PENDING, "1 key blocks"),
    ("certificates", finding(vdir(64)), (), ServerState.SKIPPED, "uses client certificates"),
    ("a child's certificates", finding(vdir(0, children=(child(64),))), (), ServerState.SKIPPED, "Devices uses client"),
    ("certificates allowed", finding(vdir(64)), (Guard.CLIENT_CERTIFICATES,), ServerState.PENDING, "64: client"),
    ("accepted only", finding(vdir(32)), (), ServerState.RIGHT, "no ActiveSync"),
    ("reset disabled", finding(vdir(8), is_iisreset_disabled=True), (), ServerState.SKIPPED, "restart.method"),
    ("reset disabled, right", finding(is_iisreset_disabled=True), (), ServerState.RIGHT, "no ActiveSync"),
]


@pytest.mark.parametrize(
    ("found", "allowed", "state", "says"), [case[1:] for case in STATES], ids=[c[0] for c in STATES]
)
def test_the_state_before_anything_is_done(
    found: Finding, allowed: tuple[Guard, ...], state: ServerState, says: str
) -> None:
    plan = decided(found, *allowed)

    assert plan.state is state, plan.reason
    assert says in plan.reason
    assert bool(plan.steps) == (state is ServerState.PENDING)


def test_the_steps_come_in_their_order_with_full_words() -> None:
    plan = decided(finding(vdir(0x108, children=(child(0x4008), child(0x4000, "Quiet")))))

    assert steps(plan) == [("back-up", ""), ("clear", EAS), ("clear", f"{EAS}/Devices"), ("restart", "")]
    assert [(each.before, each.after) for each in plan.steps if each.action is Action.CLEAR] == [
        (264, 0),
        (0x4008, 0x4000),
    ]
    assert len({each.id for each in plan.steps}) == len(plan.steps)


def test_a_key_that_is_right_is_told_of_and_left_alone() -> None:
    plan = decided(finding(vdir(8), vdir(0, SITE_2)))

    assert [(each.path, each.is_needed) for each in plan.changes] == [(EAS, True), (SITE_2, False)]
    assert ("clear", SITE_2) not in steps(plan)


def test_an_inherited_value_keeps_where_it_came_from() -> None:
    (change,) = decided(finding(vdir(8, is_explicit=False, inherited_from="W3SVC/1/ROOT"))).changes

    assert (change.is_explicit, change.inherited_from) == (False, "W3SVC/1/ROOT")


@pytest.mark.parametrize(
    ("restart", "script", "arguments"),
    [
        (Restart(), "restart", (("TimeoutSeconds", 60),)),
        (Restart(RestartMethod.IISRESET, 90), "restart", (("TimeoutSeconds", 90),)),
        (Restart(RestartMethod.RECYCLE), "recycle", (("AppPool", "ExchangeApplicationPool"),)),
    ],
)
def test_the_restart_is_as_it_was_asked_for(restart: Restart, script: str, arguments: tuple[Any, ...]) -> None:
    step = decided(finding(vdir(8)), restart=restart).steps[-1]

    assert (step.action, step.script, step.arguments) == (Action.RESTART, script, arguments)


def test_without_a_restart_nothing_is_interrupted() -> None:
    plan = decided(finding(vdir(8)), restart=Restart(RestartMethod.NONE))

    assert steps(plan) == [("back-up", ""), ("clear", EAS)]
    assert plan.impact is not None
    assert plan.impact.services == ()


@pytest.mark.parametrize("pools", [(), ("A", "B")])
def test_a_recycle_needs_one_pool(pools: tuple[str, ...]) -> None:
    many = [vdir(8, f"W3SVC/{n}/ROOT/Microsoft-Server-ActiveSync", app_pool=pool) for n, pool in enumerate(pools, 1)]
    plan = decided(finding(*(many or [vdir(8, app_pool="")])), restart=Restart(RestartMethod.RECYCLE))

    assert plan.state is ServerState.SKIPPED
    assert "use iisreset" in plan.reason


def test_a_reset_disabled_by_iis_is_no_matter_for_a_recycle() -> None:
    plan = decided(finding(vdir(8), is_iisreset_disabled=True), restart=Restart(RestartMethod.RECYCLE))

    assert plan.state is ServerState.PENDING


def test_the_impact_is_what_runs_and_depends_on_iisadmin_and_iisadmin_itself() -> None:
    assert impact(finding(), Restart()).services == ("IISADMIN", "SMTPSVC", "W3SVC")


# --- for every flag word ---------------------------------------------------------------------------------------------


@given(words, st.booleans())
def test_a_cleared_word_keeps_every_bit_but_the_blocking_ones(word: int, leave: bool) -> None:
    server = replace(SERVER, allowed=frozenset({Guard.CLIENT_CERTIFICATES} if leave else ()))
    (change, kid) = wanted(finding(vdir(word, children=(child(word),))), server)
    gone = CLEARED | (64 if leave else 0)

    assert int(change.after) == int(kid.after) == word & ~gone & 0xFFFF_FFFF


@given(words.map(lambda word: word & ~(CLEARED | 64 | 128)))
def test_a_right_server_yields_no_steps(word: int) -> None:
    plan = decided(finding(vdir(word, children=(child(word),))))

    assert (plan.state, plan.steps, plan.impact) == (ServerState.RIGHT, (), None)


@given(words, words)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(word: int, kid: int) -> None:
    every = tuple(Guard)
    before = decided(finding(vdir(word, children=(child(kid),))), *every)
    after = {each.path: int(each.after) for each in before.changes}
    again = decided(finding(vdir(after[EAS], children=(child(after[f"{EAS}/Devices"]),))), *every)

    assert again.state is ServerState.RIGHT
    assert again.steps == ()


@given(words)
def test_no_server_that_blocks_the_proxy_is_called_right(word: int) -> None:
    plan = decided(finding(vdir(0, children=(child(word),))))

    assert not (plan.state is ServerState.RIGHT and SslFlags(word).blocks_proxy)


# --- the fingerprint -------------------------------------------------------------------------------------------------

RELEVANT = [
    finding(vdir(8)),
    finding(vdir(is_explicit=False)),
    finding(vdir(is_explicit=False, inherited_from="W3SVC/1")),
    finding(vdir(children=(child(8),))),
    finding(vdir(auth_flags=AuthFlags(6))),
    finding(vdir(redirect="/x")),
    finding(vdir(app_pool="Other")),
    finding(vdir(), vdir(0, SITE_2)),
    finding(ad_objects=(ad_object(1),)),
    finding(ad_objects=(ad_object(1, ssl_flags=SslFlags(8)),)),
    finding(ad_objects=(ad_object(100),)),
    finding(exchange_service_pack=1),
    finding(is_front_end=True),
    finding(is_front_end=None),
    finding(is_clustered=True),
    finding(is_iisreset_disabled=True),
    finding(exchange_vdir="/exchange-oma"),
    finding(fqdn="ex01.other.example"),
    replace(finding(), endpoint="ex01.lab.example at 192.0.2.7:5985"),
]
IRRELEVANT = [
    finding(at=AT.replace(year=2027)),
    finding(culture="de-DE"),
    finding(free_megabytes=7),
    finding(powershell="3.0"),
    finding(services=(service("W3SVC"),)),
    replace(finding(), server="ex01"),
]


@pytest.mark.parametrize("found", RELEVANT, ids=range(len(RELEVANT)))
def test_the_fingerprint_changes_with_what_the_decision_rests_on(found: Finding) -> None:
    assert fingerprint(found) != fingerprint(finding())


def test_no_two_relevant_states_share_a_fingerprint() -> None:
    assert len({fingerprint(found) for found in RELEVANT}) == len(RELEVANT)


@pytest.mark.parametrize("found", IRRELEVANT, ids=range(len(IRRELEVANT)))
def test_the_fingerprint_does_not_change_with_anything_else(found: Finding) -> None:
    assert fingerprint(found) == fingerprint(finding())


def test_the_words_of_active_directory_do_not_count() -> None:
    one, two = (finding(ad_objects=(ad_object(1, message=text),)) for text in ("An operations error.", "Ein Fehler."))

    assert fingerprint(one) == fingerprint(two)


@given(words, words)
def test_two_words_share_a_fingerprint_only_where_they_are_the_same(one: int, two: int) -> None:
    assert (fingerprint(finding(vdir(one))) == fingerprint(finding(vdir(two)))) == (one == two)


def test_every_property_of_a_directory_counts() -> None:
    """A property that is added to Vdir is added to the fingerprint, or left out on purpose here."""
    other = {"role": "exchange", "site": 9, "flags": SslFlags(1), "auth_flags": AuthFlags(1), "children": (child(1),)}
    for each in fields(vdir()):
        value = getattr(vdir(), each.name)
        changed = other.get(each.name, (not value) if isinstance(value, bool) else f"{value}x")

        assert fingerprint(finding(replace(vdir(), **{each.name: changed}))) != fingerprint(finding()), each.name
