"""Who had a run in hand: each process that began it, went on with it or put it back, in order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; of older runs the process that had it in hand last is known, and taken for the only one."""
    op.create_table(
        "hands",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("exit_code", sa.Integer),
    )
    op.execute(
        "INSERT INTO hands (run_id, command, host, pid, account, reason, at, ended_at, exit_code) "
        "SELECT id, command, host, pid, account, reason, started_at, ended_at, exit_code FROM runs ORDER BY started_at"
    )
