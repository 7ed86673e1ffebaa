"""The tables of the journal, as the newest migration leaves them."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment: aware when it comes and when it goes, UTC without a zone while it is stored."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; a time without a zone is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be journalled")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Hand out aware UTC."""
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None


metadata = sa.MetaData()


def _run_id(**options: Any) -> "sa.Column[str]":
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False, **options)


runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("plan_hash", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False, index=True),
    sa.Column("ended_at", UtcTime),
    sa.Column("exit_code", sa.Integer),
    sa.Column("window_name", sa.Text, nullable=False, server_default=""),
    sa.Column("outside_window", sa.Text, nullable=False, server_default=""),
    sa.Column("threshold", sa.Text, nullable=False, server_default=""),
    sa.Column("approved_by", sa.Text, nullable=False, server_default=""),
    sa.Column("stop_by", sa.Text, nullable=False, server_default=""),
    sa.Column("stop_why", sa.Text, nullable=False, server_default=""),
    sa.Column("closes_at", UtcTime),
    sa.Column("beat_at", UtcTime),  # when its process last said that it lives
    sa.Column("stop_at", UtcTime),
)

servers = sa.Table(
    "servers",
    metadata,
    _run_id(primary_key=True),
    sa.Column("server", sa.Text, primary_key=True),
    sa.Column("state", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("outage_seconds", sa.Float),
    sa.Column("is_closed", sa.Boolean, nullable=False, index=True),
    sa.Column("wave", sa.Integer),
    sa.Column("admitted_at", UtcTime),  # by the database's clock; empty once another process has taken it over
    sa.Column("worked_seconds", sa.Float),  # from admission to the proof, without a pause between two processes
)

steps = sa.Table(
    "steps",
    metadata,
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

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(index=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
)

priors = sa.Table(
    "priors",
    metadata,
    _run_id(primary_key=True),
    sa.Column("server", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("is_explicit", sa.Boolean, nullable=False),
    sa.Column("inherited_from", sa.Text, nullable=False),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(index=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(index=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("probe", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("latency_ms", sa.Float),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("server", sa.Text, primary_key=True),  # without regard to case: folded
    _run_id(index=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("saved_at", UtcTime, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

second_looks = sa.Table(
    "second_looks",
    metadata,
    _run_id(primary_key=True),
    sa.Column("server", sa.Text, primary_key=True),
    sa.Column("due_at", UtcTime, nullable=False, index=True),
    sa.Column("taken_at", UtcTime),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("plan_hash", sa.Text, nullable=False, index=True),
    sa.Column("approver", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
)

ticks = sa.Table(
    "ticks",
    metadata,
    sa.Column("schedule", sa.Text, primary_key=True),
    sa.Column("at", UtcTime, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("claimed_at", UtcTime, nullable=False),
)

hands = sa.Table(
    "hands",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _run_id(index=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("exit_code", sa.Integer),
)
