"""How a fleet is gone through: windows, waves, beats, stops, approvals and ticks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to runs and servers what a run is bound by, and two tables; what was written before stays as it is."""
    for name in ("window_name", "outside_window", "threshold", "approved_by", "stop_by", "stop_why"):
        op.add_column("runs", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("closes_at", "beat_at", "stop_at"):
        op.add_column("runs", sa.Column(name, sa.DateTime))
    op.add_column("servers", sa.Column("wave", sa.Integer))
    op.add_column("servers", sa.Column("admitted_at", sa.DateTime))
    op.add_column("servers", sa.Column("worked_seconds", sa.Float))
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plan_hash", sa.Text, nullable=False, index=True),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
    )
    op.create_table(
        "ticks",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
    )
