"""A plan has one hash, and everything in it counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.model import Change, Plan, ServerPlan, ServerState, SslFlags, digest

CHANGE = Change("W3SVC/1/ROOT/Microsoft-Server-ActiveSync", SslFlags(264), SslFlags(0), is_explicit=True)
SERVER = ServerPlan("EX01", ServerState.PENDING, "SSL is required", changes=(CHANGE,), fingerprint="f0")
PLAN = Plan("eas-require-ssl", "0.1.0", datetime(2026, 1, 2, tzinfo=UTC), (SERVER,), (("clear", "aa"),))


def test_the_same_plan_has_the_same_hash() -> None:
    assert replace(PLAN).hash == PLAN.hash


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, made_at=PLAN.made_at + timedelta(seconds=1)),
        replace(PLAN, scripts=(("clear", "ab"),)),
        replace(PLAN, servers=(replace(SERVER, changes=(replace(CHANGE, after=SslFlags(32)),)),)),
        replace(PLAN, servers=(replace(SERVER, fingerprint="f1"),)),
        replace(PLAN, servers=()),
    ],
)
def test_another_plan_has_another_hash(other: Plan) -> None:
    assert other.hash != PLAN.hash


def test_the_order_within_a_set_does_not_change_a_digest() -> None:
    assert digest({"names": frozenset("abc")}) == digest({"names": frozenset("cba")})


def test_a_value_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no canonical form for object"):
        digest(object())


def test_a_change_is_needed_when_the_word_differs() -> None:
    assert CHANGE.is_needed
    assert not replace(CHANGE, after=CHANGE.before).is_needed
