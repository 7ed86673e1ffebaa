"""Who agreed to which plan."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from agent.journal import rows
from agent.journal.tables import approvals
from agent.model import Approval


def approve(connection: sa.Connection, approval: Approval, now: datetime) -> Approval:
    """Keep the approval, with the time of the journal's clock."""
    connection.execute(approvals.insert().values(**rows.of_approval(approval), at=now))
    return replace(approval, at=now)


def of_plan(connection: sa.Connection, plan_hash: str) -> tuple[Approval, ...]:
    """Every approval of the plan, newest first."""
    query = sa.select(approvals).where(approvals.c.plan_hash == plan_hash).order_by(approvals.c.id.desc())
    return tuple(rows.approval(row) for row in connection.execute(query).mappings())
