"""Which version of the tables a database has, and bringing it up to the newest."""

import logging
from pathlib import Path

import sqlalchemy as sa

from agent.errors import JournalError

HEAD = "0003"
"""The newest migration; a test holds it against the directory."""

VERSION_TABLE = "easfix_version"
_ADVISORY_LOCK = 0x656173666978  # "easfix": one process at a time migrates a PostgreSQL journal


def is_ready(connection: sa.Connection, where: str) -> bool:
    """The tables are the newest; raises `JournalError` where they never can be."""
    names = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in names:
        if names:
            hint = "name a file or database of its own under journal"
            raise JournalError("the database belongs to something else", where=where, next_step=hint)
        return False
    found = connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))).scalar()
    if found is not None and found > HEAD:  # revisions are numbered
        raise JournalError(
            f"the journal was written by a newer easfix (tables {found}, this one knows up to {HEAD})",
            where=where,
            next_step="update easfix on this machine",
        )
    return bool(found == HEAD)


def migrate(connection: sa.Connection, where: str) -> None:
    """Bring the tables up to the newest, within the transaction of the connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    if is_ready(connection, where):  # another process was faster
        return
    from alembic import command  # slow to import, and needed once in a journal's life
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
