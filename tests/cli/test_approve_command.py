"""Approving a plan: what is kept, what counts, and what is said where nothing does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import planfile
from agent.cli.account import account, is_same_person
from agent.cli.approval import require_approval
from agent.cli.conduct import lines, of_plan
from agent.cli.main import call
from agent.cli.options import Options
from agent.cli.session import Session
from agent.errors import NotApproved
from agent.journal.tables import approvals
from agent.model import Action, Approval, Plan, ServerPlan, ServerState, Step
from agent.playbook import load

AT = datetime(2026, 5, 6, tzinfo=UTC)
CLEAR = Step("clear", Action.CLEAR, "clear", "c0")


def plan_of(*servers: ServerPlan) -> Plan:
    return Plan("eas-require-ssl", "0.1.0", AT, servers, load().hashes)


PLAN = plan_of(
    ServerPlan("EX01", ServerState.PENDING, "to be changed", steps=(CLEAR,)),
    ServerPlan("EX02", ServerState.RIGHT, "right as it is"),
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "plan.json").write_text(planfile.dump(PLAN), encoding="utf-8")
    configure(tmp_path)
    return tmp_path


def configure(home: Path, **approval: object) -> None:
    document = {
        "servers": ["EX01", "EX02"],
        "journal": "journal.db",
        "logs": {"file": "easfix.log"},
        "approval": approval,
    }
    (home / "config.yaml").write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def approve(home: Path) -> Callable[..., int]:
    return lambda *given: call(["--config", str(home / "config.yaml"), "approve", str(home / "plan.json"), *given])


@pytest.fixture
def session(home: Path) -> Iterator[Session]:
    configure(home, require_approval=True, four_eyes=True, expires_hours=24)
    with Session(Options(config=home / "config.yaml")) as session:
        yield session


def given(session: Session, by: str, typed: str, hours_ago: float = 0) -> Approval:
    """Somebody approved the plan so long ago."""
    kept = session.journal.approve(Approval(PLAN.hash, by, "CHG1", AT, typed, "jump02"))
    at = kept.at - timedelta(hours=hours_ago)
    with session.journal._store.write() as connection:
        connection.execute(approvals.update().where(approvals.c.at == kept.at).values(at=at))
    return replace(kept, at=at)


# --- the command -----------------------------------------------------------------------------------------------------


def test_an_approval_keeps_the_name_the_ticket_and_the_account_that_typed_it(
    home: Path, approve: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    code = approve("--by", "Berta Boss", "--change", "CHG-4711", "--json")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    with Session(Options(config=home / "config.yaml")) as session:
        (kept,) = session.journal.approvals(PLAN.hash)
        saved = session.journal.plan(PLAN.hash)

    assert code == 0
    assert (kept.by, kept.change, kept.account) == ("Berta Boss", "CHG-4711", account())
    assert saved == planfile.dump(PLAN)
    assert (document["plan_hash"], document["approved_by"], document["account"]) == (PLAN.hash, kept.by, kept.account)
    assert datetime.fromisoformat(document["expires_at"]) == kept.at + timedelta(hours=72)
    assert [each["name"] for each in document["servers"]] == ["EX01", "EX02"]


def test_an_approval_says_what_it_covers_and_until_when(
    home: Path, approve: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, require_approval=True, four_eyes=True)
    code = approve("--by", "Berta Boss")
    out = capsys.readouterr().out

    assert code == 0
    for said in (PLAN.hash, "approved by Berta Boss", account(), "covers 1 server to be changed: EX01", "counts until"):
        assert said in out
    assert f"neither Berta Boss nor the account {account()} may apply it" in out
    assert "require_approval is not set" not in out


def test_an_approval_that_is_given_again_says_that_there_was_one(
    approve: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    approve("--by", "Berta Boss")
    first = capsys.readouterr().out
    approve("--by", "Anton Amt")

    assert "approved before" not in first
    assert "it was approved before, last by Berta Boss at" in capsys.readouterr().out


def test_where_no_approval_is_asked_for_it_says_so(
    approve: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    approve("--by", "Berta Boss")

    assert "approval.require_approval is not set" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "  "])
def test_an_approval_without_a_name_is_none(
    approve: Callable[..., int], home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = approve("--by", name)

    assert code == 64
    assert "--by is empty" in capsys.readouterr().err
    assert not (home / "journal.db").exists()


def spoilt(home: Path) -> None:
    words = planfile.dump(PLAN).replace("to be changed", "to be deleted")
    (home / "plan.json").write_text(words, encoding="utf-8")


def made_elsewhere(home: Path) -> None:
    (home / "plan.json").write_text(planfile.dump(replace(PLAN, scripts=(("clear", "0" * 64),))), encoding="utf-8")


def empty(home: Path) -> None:
    (home / "plan.json").write_text(planfile.dump(plan_of(PLAN.servers[1])), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (spoilt, 78, "the plan was changed after it was made"),
        (made_elsewhere, 5, "other scripts"),
        (empty, 64, "nothing to approve"),
    ],
)
def test_a_plan_that_would_not_be_applied_is_not_approved(
    home: Path,
    approve: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    code: int,
    says: str,
) -> None:
    spoil(home)

    assert approve("--by", "Berta Boss") == code
    assert says in capsys.readouterr().err
    assert not (home / "journal.db").exists()


# --- what counts -----------------------------------------------------------------------------------------------------


def test_a_plan_that_nobody_approved_is_refused_with_how_to_have_it_approved(session: Session) -> None:
    other = session.journal.approve(Approval("0" * 64, "Berta", "", AT, "LAB\\berta", "jump02"))

    with pytest.raises(NotApproved, match=f"plan {PLAN.hash[:12]} is not approved: nobody has") as caught:
        require_approval(session, PLAN, "LAB\\admin")

    assert other.plan_hash != PLAN.hash
    assert "approve PLAN --by NAME --change ID" in caught.value.next_step
    assert "--config" in caught.value.next_step


def test_the_newest_approval_that_counts_is_the_one(session: Session) -> None:
    given(session, "Otto", "LAB\\otto")
    newest = given(session, "Berta", "LAB\\berta")
    given(session, "admin", "LAB\\otto")  # the applier's own name

    assert require_approval(session, PLAN, "LAB\\admin") == newest


def test_an_approval_expires_and_says_when(session: Session) -> None:
    kept = given(session, "Berta", "LAB\\berta", hours_ago=24.5)
    when = kept.at + timedelta(hours=24)

    with pytest.raises(NotApproved, match=f"by Berta expired at {when:%Y-%m-%d %H:%M} UTC"):
        require_approval(session, PLAN, "LAB\\admin")


def test_an_approval_counts_until_it_expires(session: Session) -> None:
    kept = given(session, "Berta", "LAB\\berta", hours_ago=23.5)

    assert require_approval(session, PLAN, "LAB\\admin") == kept


ONE = ("LAB\\admin", "lab\\ADMIN", "admin", "Admin@lab.example", "LAB/admin", " admin ")


@pytest.mark.parametrize("same", ONE)
@pytest.mark.parametrize("applier", ONE[:4])
def test_with_four_eyes_who_applies_has_not_approved(session: Session, same: str, applier: str) -> None:
    """Neither by the name given nor by the account that typed it."""
    given(session, same, "LAB\\berta")
    with pytest.raises(NotApproved, match="that is one account"):
        require_approval(session, PLAN, applier)

    given(session, "Berta", same)
    with pytest.raises(NotApproved, match="four_eyes wants two people"):
        require_approval(session, PLAN, applier)


def test_without_four_eyes_one_person_may_do_both(session: Session, home: Path) -> None:
    kept = given(session, "admin", "LAB\\admin")
    configure(home, require_approval=True)
    with Session(Options(config=home / "config.yaml")) as alone:
        assert require_approval(alone, PLAN, "LAB\\admin") == kept


@pytest.mark.parametrize(
    "pair", [("berta", "otto"), ("LAB\\berta", "LAB\\bert"), ("", ""), ("lab", "LAB\\berta"), ("berta", "")]
)
def test_two_names_are_two_people(pair: Sequence[str]) -> None:
    assert not is_same_person(*pair)


def test_the_account_is_the_systems_and_not_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    before = account()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    assert account() == before != "somebody-else"


def test_before_anything_begins_it_is_said_that_an_approval_is_needed(session: Session) -> None:
    said = [line for line in lines(session, of_plan(session, PLAN, (), "")) if line.startswith("approval: ")]

    assert said == ["approval: a plan is applied once somebody has approved it (approval.require_approval)"]


def test_where_none_is_needed_nothing_is_said_of_it(home: Path) -> None:
    with Session(Options(config=home / "config.yaml")) as session:
        assert not any("approv" in line for line in lines(session, of_plan(session, PLAN, (), "")))
