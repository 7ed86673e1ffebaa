"""Owns the answer to "may this account write the journal?", found out without writing."""

from __future__ import annotations

import sqlalchemy as sa

from agent.journal.tables import metadata

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def missing(connection: sa.Connection) -> str:
    """Why a run could not be written down here; empty where it could. A file's rights are the file system's affair."""
    if connection.dialect.name != "postgresql":
        return ""
    if connection.execute(sa.select(sa.func.pg_is_in_recovery())).scalar_one():
        return "the database server is a standby, which takes no writes"
    if connection.execute(sa.select(sa.func.current_setting("default_transaction_read_only"))).scalar_one() == "on":
        return "the database takes no writes from this account (default_transaction_read_only)"
    lacking = [
        f"{right} on {table.name}"
        for table in metadata.sorted_tables
        for right in _RIGHTS
        if not connection.execute(sa.select(sa.func.has_table_privilege(table.name, right))).scalar_one()
    ]
    return f"this account lacks {', '.join(lacking[:4])}{' and more' if len(lacking) > 4 else ''}" if lacking else ""
