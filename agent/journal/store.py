"""The database under the journal: opening it, and transactions that are durable when they end."""

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import sqlalchemy as sa

from agent.errors import ConfigError, JournalError, NoJournal, OldJournal
from agent.journal import schema
from agent.journal.faults import translated

_BUSY_SECONDS = 30
_APPLICATION = 0x65617366
"""SQLite's application_id of a journal: "easf"."""

_WRITES = "easfix_writes"


class Store:
    """One database; for many threads."""

    def __init__(self, engine: sa.Engine, where: str, now: Callable[[], datetime]) -> None:
        self.where = where
        self._now = now
        self._engine = engine
        self._reading = engine
        self._writing = engine.execution_options(**{_WRITES: True})
        if engine.dialect.name == "postgresql":  # SQLite's readers see one moment anyway
            self._reading = engine.execution_options(isolation_level="REPEATABLE READ")
        # SQLite has one writer: waiting here is fair, waiting in its busy handler is not.
        self._turn: AbstractContextManager[Any] = (
            threading.RLock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the journal."""
        with translated(self.where), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction whose changes are on the disk when it ends, or nowhere."""
        with translated(self.where), self._turn, self._writing.begin() as connection:
            yield connection

    def clock(self, connection: sa.Connection) -> datetime:
        """The time by the database's own clock, which all processes share; a file has none, and there it is ours."""
        if connection.dialect.name == "sqlite":
            return self._now()
        found: datetime = connection.execute(sa.select(sa.func.timezone("UTC", sa.func.clock_timestamp()))).scalar_one()
        return found.replace(tzinfo=UTC)

    def close(self) -> None:
        """Let go of the database."""
        with translated(self.where):
            self._engine.dispose()


def open_store(
    address: str,
    now: Callable[[], datetime],
    username: str = "",
    password: str | None = None,
    *,
    read_only: bool = False,
) -> Store:
    """Open a file or a URL, with its tables brought up to date; raises `JournalError` or `ConfigError`.

    With `read_only`, nothing is made or changed, and a journal that is not there or not up to date is an error.
    """
    url = _url(address, username, password)
    where = str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    with translated(where):
        engine = _sqlite(Path(where), read_only) if url.get_backend_name() == "sqlite" else _postgresql(url)
        store = Store(engine, where, now)
        try:
            _make_ready(store, read_only)
        except BaseException:
            engine.dispose()
            raise
    return store


def _make_ready(store: Store, read_only: bool) -> None:
    with store.read() as connection:
        is_ready = schema.is_ready(connection, store.where)
    if not is_ready and read_only:
        raise OldJournal(
            "the tables of the journal are not up to date",
            where=store.where,
            next_step="the next command that writes to it brings them up to date",
        )
    if not is_ready:
        with store.write() as connection:
            schema.migrate(connection, store.where)


def _url(address: str, username: str, password: str | None) -> sa.URL:
    if "://" not in address:
        return sa.URL.create("sqlite", database=str(Path(address).absolute()))
    hint = "give a file, or postgresql://user@host/database"
    try:
        url = sa.make_url(address)
    except sa.exc.ArgumentError:
        raise ConfigError("the journal's URL cannot be read", where="journal", next_step=hint) from None
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite", database=str(Path(str(url.database)).absolute()))
    if url.get_backend_name() != "postgresql":
        raise ConfigError(f"a journal cannot be kept in {url.drivername}", where="journal", next_step=hint)
    return url.set(
        drivername="postgresql+psycopg", username=username or url.username, password=password or url.password
    )


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url, pool_pre_ping=True, pool_size=16, max_overflow=-1)
    except ModuleNotFoundError:
        raise ConfigError(
            "PostgreSQL needs a library that is not installed",
            where="journal",
            next_step="pip install 'easfix[postgres]'",
        ) from None


def _sqlite(path: Path, read_only: bool) -> sa.Engine:
    if read_only and not path.exists():
        hint = "nothing has been run from here; journal in the configuration says where the record is kept"
        raise NoJournal("there is no journal yet", where=str(path), next_step=hint)
    if not read_only:
        _make_file(path)
    else:
        _refuse_what_is_none(path)
    uri = uri_of(path, "ro" if read_only else "rw")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool, pool_size=16, max_overflow=-1)
    pragmas = ["query_only=ON"] if read_only else [mode_of(path), "synchronous=FULL", "foreign_keys=ON"]
    sa.event.listen(engine, "connect", lambda connection, _: _set(connection, pragmas))
    sa.event.listen(engine, "begin", _on_begin)
    if not read_only:
        sa.event.listen(engine, "begin", partial(_refuse_other_file, path, _identity(path)))
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refuse_other_file(path: Path, opened: tuple[int, int] | None, _: sa.Connection) -> None:
    """A file that was deleted or replaced is written on without a word, and gone when it is closed."""
    found = _identity(path)
    if found == opened or (found is not None and not found[1]):  # not every file share tells files apart
        return
    what = "is another file now" if found else "is not there any more"
    hint = "put it back if you can; what it knew of this run, the log file tells too"
    raise JournalError(f"the journal {what}", where=str(path), next_step=hint)


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with suppress(FileExistsError):  # another process was faster
                _make_new(path)
    except OSError as error:
        hint = "name a place under journal that you may write to"
        raise JournalError(f"the journal cannot be made: {error.strerror}", where=str(path), next_step=hint) from error
    _refuse_what_is_none(path)


def _make_new(path: Path) -> None:
    """With its first page from the first moment on, since an empty file is a journal that was lost."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.execute(f"PRAGMA application_id={_APPLICATION}")
        page = fresh.serialize()
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        _write(made, page)
        _name(made, path, page)
    finally:
        with suppress(OSError):  # Windows keeps a name in use; what it belongs to is whole
            made.unlink()


def _write(path: Path, page: bytes) -> None:
    """A file that was not there, on the disk when this returns; nothing where it cannot be written."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(page)
            file.flush()
            os.fsync(number)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _name(made: Path, path: Path, page: bytes) -> None:
    """At once and whole, so that another process never sees it empty; FileExistsError where that one was faster."""
    if os.name == "nt":
        made.rename(path)  # which replaces nothing on Windows
        return
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:  # not every file share has a second name for a file; there, it is empty for a moment
        _write(path, page)


def _refuse_what_is_none(path: Path) -> None:
    """A file that was cut to nothing must not pass for a record in which nothing is owed."""
    hint = "put it back from a backup; to begin a new record, move it away"
    if not path.is_file():
        raise JournalError("the journal cannot be opened: it is not a file", where=str(path), next_step=hint)
    if not path.stat().st_size:
        raise JournalError("the journal is an empty file: its record is gone", where=str(path), next_step=hint)


def uri_of(path: PurePath, mode: str) -> str:
    """The file as SQLite's URI; a Windows share keeps its two slashes within the path."""
    uri = path.as_uri()
    return (uri if uri.startswith("file:///") else f"file:////{uri.removeprefix('file://')}") + f"?mode={mode}"


def mode_of(path: PurePath) -> str:
    """Write-ahead logging needs memory shared between processes, which a file share has not."""
    return "journal_mode=DELETE" if path.drive.startswith("\\\\") else "journal_mode=WAL"


def _set(connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()


def _on_begin(connection: sa.Connection) -> None:
    """A writer takes its turn at the beginning: no transaction can fail half way because another one wrote."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
