"""The command `approve`: agree to exactly one plan, on record; nothing is sent to any server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_, words

if TYPE_CHECKING:
    from agent.cli.session import Session
    from agent.model import Approval, Plan


@click.command("approve")
@click.argument("plan_file", type=click.Path(path_type=Path, dir_okay=False), metavar="PLAN")
@click.option(
    "--by", required=True, callback=words, metavar="NAME", help="Who agrees. Kept beside the account that types it."
)
@click.option("--change", callback=words, default="", metavar="ID", help="The change ticket, for the record.")
@globals_
def command(options: Options, plan_file: Path, by: str, change: str) -> int:
    """Agree to a plan: its hash binds the approval, the plan and the run, so a plan that is changed is not approved.

    \b
    easfix plan -o plan.json
    easfix approve plan.json --by "Berta Boss" --change CHG-4711
    easfix apply plan.json

    With approval.require_approval nothing else is applied. With approval.four_eyes, both the name given to --by and the
    account that types this must be others than the account that applies. An approval counts for
    approval.expires_hours. The account is recorded too, because a name is only what somebody typed.
    """
    from agent.cli.session import Session
    from agent.errors import UsageError

    if not by.strip():
        raise UsageError("--by is empty: an approval has the name of who agrees", next_step="Give --by NAME.")
    with Session(options) as session:
        plan = _read(session, plan_file)
        session.journal.save_plan(plan.hash, _document(plan))
        earlier = session.journal.approvals(plan.hash)
        approval = session.journal.approve(_approval(session, plan, by.strip(), change.strip()))
        return _show(session, plan, plan_file, approval, earlier)


def _read(session: Session, plan_file: Path) -> Plan:
    """The plan as `apply` reads it; refused where it would not be applied, or changes nothing."""
    from agent import planfile
    from agent.errors import UsageError

    plan = planfile.read(plan_file)
    planfile.refuse_other_scripts(plan, dict(session.playbook.hashes))
    if not any(each.steps for each in plan.servers):
        raise UsageError("the plan changes no server, so there is nothing to approve", where=str(plan_file))
    return plan


def _document(plan: Plan) -> str:
    from agent import planfile

    return planfile.dump(plan)


def _approval(session: Session, plan: Plan, by: str, change: str) -> Approval:
    from agent.cli.account import account
    from agent.cli.session import now
    from agent.model import Approval

    holder = session.holder("")
    return Approval(plan.hash, by, change, now(), account(), holder.host)


def _show(session: Session, plan: Plan, plan_file: Path, approval: Approval, earlier: Sequence[Approval]) -> int:
    from agent.cli.approval import expires_at
    from agent.cli.view import lines, show
    from agent.exits import Exit
    from agent.outcome import Outcome, of_plan

    options, expires = session.options, expires_at(session, approval)
    said: dict[str, object] = {
        "plan_hash": plan.hash,
        "approved_by": approval.by,
        "change": approval.change,
        "account": approval.account,
        "host": approval.host,
        "approved_at": approval.at.isoformat(),
        "expires_at": expires.isoformat(),
    }
    servers = tuple(of_plan(each) for each in plan.servers)
    outcome = Outcome("approve", servers, extra=said, ended_with=Exit.OK)
    if options.json:
        return show(outcome, options)
    *facts, _, _ = lines(outcome)
    print("\n".join(facts))
    ticket = f", change {approval.change}" if approval.change else ""
    print(f"\nplan {plan.hash}")
    print(f"approved by {approval.by}{ticket}; typed by {approval.account} on {approval.host}")
    print(f"covers {_covered(plan)}; counts until {expires:%Y-%m-%d %H:%M} UTC")
    for line in (*_notes(session, approval), *_earlier(earlier)):
        print(line)
    print(f"\nNext: {options.line(f'apply {plan_file}')} does exactly that")
    return int(Exit.OK)


def _covered(plan: Plan) -> str:
    names = [each.server for each in plan.servers if each.steps]
    return f"{len(names)} server{'s' if len(names) != 1 else ''} to be changed: {', '.join(names)}"


def _notes(session: Session, approval: Approval) -> list[str]:
    section = session.config.approval
    notes = []
    if section.four_eyes:
        notes.append(f"approval.four_eyes: neither {approval.by} nor the account {approval.account} may apply it")
    if not section.require_approval:
        notes.append("approval.require_approval is not set: apply does not ask for an approval")
    return notes


def _earlier(approvals: Sequence[Approval]) -> list[str]:
    """An approval that is given again begins to count anew, which nobody should do without knowing."""
    if not approvals:
        return []
    last = approvals[0]
    return [f"it was approved before, last by {last.by} at {last.at:%Y-%m-%d %H:%M} UTC; the newest one counts"]
