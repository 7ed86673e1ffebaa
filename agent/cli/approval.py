"""Owns whether somebody has agreed to a plan: which approval counts, and what is missing where none does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent.cli.account import is_same_person
from agent.errors import NotApproved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.session import Session
    from agent.model import Approval, Plan


def require_approval(session: Session, plan: Plan, applier: str, change: str = "") -> Approval:
    """The newest approval of exactly this plan that counts now; raises `NotApproved` with what is missing.

    `applier` is the account that is about to apply. With `four_eyes` neither the name given to --by nor the account
    that typed it may be the applier's. An approval for one `change` is none for another. Age is reckoned by the
    journal's clock, which approver and applier share.
    """
    section = session.config.approval
    given = session.journal.approvals(plan.hash)
    if not given:
        raise _refused(session, plan, "nobody has approved it")
    now, lasts = session.journal.clock(), timedelta(hours=section.expires_hours)
    young = [each for each in given if now <= each.at + lasts]
    if not young:
        raise _refused(session, plan, _expired(given, lasts))
    counting = [each for each in young if not (section.four_eyes and is_own(each, applier))]
    if not counting:
        raise _refused(session, plan, _own(young[0], applier))
    fitting = [each for each in counting if not (change and each.change) or each.change == change]
    if not fitting:
        raise _refused(session, plan, f"{counting[0].by} approved it for change {counting[0].change}, not for {change}")
    return fitting[0]


def is_own(approval: Approval, applier: str) -> bool:
    """The applier has approved it, by name or by keyboard."""
    return is_same_person(approval.by, applier) or is_same_person(approval.account, applier)


def expires_at(session: Session, approval: Approval) -> datetime:
    """When the approval counts no more."""
    return approval.at + timedelta(hours=session.config.approval.expires_hours)


def _expired(given: Sequence[Approval], lasts: timedelta) -> str:
    newest = given[0]
    return f"the approval by {newest.by} expired at {newest.at + lasts:%Y-%m-%d %H:%M} UTC"


def _own(approval: Approval, applier: str) -> str:
    typed = f"{approval.account} on {approval.host}"
    return (
        f"{approval.by} approved it (typed by {typed}), and {applier} applies: "
        "that is one account, and approval.four_eyes wants two people"
    )


def _refused(session: Session, plan: Plan, why: str) -> NotApproved:
    hint = session.options.line("approve PLAN --by NAME --change ID")
    return NotApproved(
        f"plan {plan.hash[:12]} is not approved: {why}",
        next_step=f"Save it with {session.options.line('plan -o PLAN')}, and have another person type: {hint}. "
        f"Then: {session.options.line('apply PLAN')}",
    )
