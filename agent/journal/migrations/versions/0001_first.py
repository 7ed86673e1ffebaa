"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("plan_hash", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False, index=True),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("exit_code", sa.Integer),
    )
    op.create_table(
        "servers",
        _run_id(primary_key=True),
        sa.Column("server", sa.Text, primary_key=True),
        sa.Column("state", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("outage_seconds", sa.Float),
        sa.Column("is_closed", sa.Boolean, nullable=False, index=True),
    )
    _steps()
    _observations()
    _promises()


def _run_id(primary_key: bool = False, index: bool = False) -> "sa.Column[str]":
    return sa.Column(
        "run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False, primary_key=primary_key, index=index or None
    )


def _steps() -> None:
    op.create_table(
        "steps",
        _run_id(primary_key=True),
        sa.Column("server", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("script", sa.Text, nullable=False),
        sa.Column("script_sha256", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("before", sa.BigInteger),
        sa.Column("after", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.UniqueConstraint("run_id", "server", "step_id"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        _run_id(index=True),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_table(
        "priors",
        _run_id(primary_key=True),
        sa.Column("server", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("is_explicit", sa.Boolean, nullable=False),
        sa.Column("inherited_from", sa.Text, nullable=False),
    )


def _observations() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, primary_key=True),
        _run_id(index=True),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "proofs",
        sa.Column("id", sa.Integer, primary_key=True),
        _run_id(index=True),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("probe", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("latency_ms", sa.Float),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )


def _promises() -> None:
    op.create_table(
        "leases",
        sa.Column("server", sa.Text, primary_key=True),
        _run_id(index=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    op.create_table(
        "plans",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("saved_at", sa.DateTime, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "second_looks",
        _run_id(primary_key=True),
        sa.Column("server", sa.Text, primary_key=True),
        sa.Column("due_at", sa.DateTime, nullable=False, index=True),
        sa.Column("taken_at", sa.DateTime),
    )
