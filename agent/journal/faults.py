"""What can be wrong with a journal's database, in the operator's words; foreign errors are translated here only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from agent.errors import JournalError

_SQLITE = {  # primary result codes, https://sqlite.org/rescode.html
    sqlite3.SQLITE_NOTADB: ("the file is not a journal: it is no database", "name another file under journal"),
    sqlite3.SQLITE_CORRUPT: ("the journal is damaged", "put it aside and restore a copy; see sqlite3 .recover"),
    sqlite3.SQLITE_FULL: ("the disk of the journal is full", "free some space"),
    sqlite3.SQLITE_IOERR: ("the disk of the journal does not answer as it should", "look at the disk"),
    sqlite3.SQLITE_READONLY: ("the journal may not be written", "look at the rights of the file and its directory"),
    sqlite3.SQLITE_CANTOPEN: ("the journal cannot be opened", "look at the path and its rights"),
    sqlite3.SQLITE_PERM: ("the journal may not be opened", "look at the rights of the file and its directory"),
    sqlite3.SQLITE_AUTH: ("the journal may not be opened", "look at the rights of the file and its directory"),
    sqlite3.SQLITE_BUSY: ("another process has kept the journal busy for too long", "try again when it has ended"),
    sqlite3.SQLITE_LOCKED: ("another process has kept the journal busy for too long", "try again when it has ended"),
}
_PRIMARY = 0xFF


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Whatever the database says within comes out as a `JournalError` about this journal."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise told(error.orig if isinstance(error, sa.exc.DBAPIError) else error, where) from error
    except sqlite3.Error as error:  # from the hooks that run on every new connection
        raise told(error, where) from error


def told(error: BaseException | None, where: str) -> JournalError:
    """A foreign error in the operator's words."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
        text, next_step = _SQLITE.get(code, (f"the journal cannot be used: {error}", ""))
        return JournalError(text, where=where, next_step=next_step)
    first = str(error).strip().partition("\n")[0]
    return JournalError(f"the journal cannot be used: {first}", where=where, next_step="look at the database server")
