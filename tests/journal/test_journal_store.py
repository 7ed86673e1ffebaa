"""Opening the database under the journal, what can be wrong with it, and that nothing written is lost."""

import errno
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path, PureWindowsPath

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from journal_nouns import CLEAR, ORIGINAL, RESTART, Time, record

from agent.errors import ConfigError, JournalError
from agent.journal import Journal, OpenRun, open_journal, schema, store, tables
from agent.model import StepState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def opened(path: Path, now: Time) -> Iterator[Journal]:
    journal = open_journal(str(path), now)
    yield journal
    journal.close()


def test_the_migrations_make_the_tables_that_the_code_knows(journal: Journal) -> None:
    with journal._store.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})

        assert compare_metadata(context, tables.metadata) == []


def test_the_newest_migration_is_the_one_that_the_code_knows() -> None:
    directory = Path(schema.__file__).parent / "migrations" / "versions"
    newest = max(path.name for path in directory.glob("[0-9]*.py"))

    assert newest.startswith(f"{schema.HEAD}_")


def test_opening_again_changes_nothing(run: OpenRun, reopen: Callable[[], Journal]) -> None:
    assert reopen().run("r1") == reopen().run("r1")


def test_two_processes_can_open_a_new_journal_at_once(address: str, now: Time) -> None:
    barrier = threading.Barrier(4)

    def race(_: int) -> int:
        barrier.wait(30)
        journal = open_journal(address, now)
        found = len(journal.history())
        journal.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(race, range(4)))

    assert found == [0, 0, 0, 0]


def test_every_write_is_on_the_disk_when_the_call_returns(opened: Journal) -> None:
    with opened._store.write() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]

    assert found == [2, "wal"]  # 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous


WRITER = """
import os, sys
sys.path[:0] = {paths!r}
from journal_nouns import CLEAR, ORIGINAL, Time, record
from agent.journal import open_journal
from agent.model import StepState

now = Time()
run = open_journal({address!r}, now).begin(record("r1", now()))
run.admit("EX01")
run.note("EX01", CLEAR, StepState.INTENDED, originals=[ORIGINAL])
print("sent", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_loses_nothing_that_it_had_noted(path: Path, now: Time) -> None:
    paths = [str(Path(__file__).parent), str(Path(store.__file__).parents[2])]
    program = WRITER.format(paths=paths, address=str(path))
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"sent"
        process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    journal = open_journal(str(path), now)
    steps = journal.run("r1").servers[0].steps
    journal.close()

    assert [(step.step, step.state, step.priors) for step in steps] == [(CLEAR, StepState.INTENDED, (ORIGINAL,))]


def test_thirty_two_threads_write_and_read_at_once(journal: Journal, now: Time) -> None:
    run = journal.begin(record("r1", now()))
    barrier = threading.Barrier(32)

    def work(number: int) -> None:
        name = f"EX{number:02}"
        barrier.wait(30)
        run.admit(name)
        for _ in range(3):
            run.note(name, CLEAR, StepState.INTENDED, originals=[ORIGINAL])
            run.note(name, CLEAR, StepState.UNKNOWN)
            journal.originals("r1", name)
        run.note(name, CLEAR, StepState.DONE)
        run.close(name)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))

    servers = journal.run("r1").servers
    assert len(servers) == 32
    assert all(server.is_closed and len(server.steps[0].attempts) == 7 for server in servers)


def test_a_full_disk_says_so_and_keeps_what_is_there(opened: Journal, now: Time) -> None:
    run = opened.begin(record("r1", now()))
    run.admit("EX01")

    def full(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite then says SQLITE_FULL, as a full disk does

    sa.event.listen(opened._store._engine, "begin", full)
    with pytest.raises(JournalError, match="disk of the journal is full") as caught:
        for number in range(2000):
            run.note("EX01", RESTART, StepState.INTENDED, message=f"{number}" * 1000)
            run.note("EX01", RESTART, StepState.FAILED)

    assert "free some space" in caught.value.next_step
    assert opened.run("r1").servers[0].name == "EX01"


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, now: Time) -> None:
    path.write_text("servers: [EX01]\n" * 100, encoding="utf-8")

    with pytest.raises(JournalError, match="it is no database") as caught:
        open_journal(str(path), now)

    assert caught.value.where == str(path)
    assert path.read_text(encoding="utf-8") == "servers: [EX01]\n" * 100


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path, now: Time) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (name TEXT)")

    with pytest.raises(JournalError, match="belongs to something else"):
        open_journal(str(path), now)

    with closing(sqlite3.connect(path)) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["cookies"]


def test_a_journal_of_a_newer_program_is_refused(opened: Journal, path: Path, now: Time) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0999'")

    with pytest.raises(JournalError, match="newer easfix") as caught:
        open_journal(str(path), now)

    assert caught.value.next_step == "update easfix on this machine"


def test_a_damaged_journal_says_so(opened: Journal, path: Path, now: Time) -> None:
    opened.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))

    with pytest.raises(JournalError, match="damaged"):
        open_journal(str(path), now).history()


def test_a_journal_that_is_kept_busy_says_so(
    opened: Journal, path: Path, now: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0)
    late = open_journal(str(path), now)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="busy for too long"):
            late.save_plan("a", "{}")

        assert late.history() == ()
    late.close()


def test_a_place_that_cannot_be_made_says_so(tmp_path: Path, now: Time) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalError, match="cannot be made") as caught:
        open_journal(str(tmp_path / "file" / "journal.db"), now)

    assert "under journal" in caught.value.next_step


def test_a_directory_is_no_journal(tmp_path: Path, now: Time) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        open_journal(str(tmp_path), now)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_was_cut_to_nothing_is_no_clean_slate(
    opened: Journal, path: Path, now: Time, read_only: bool
) -> None:
    opened.close()
    path.write_bytes(b"")

    with pytest.raises(JournalError, match="empty file: its record is gone") as caught:
        open_journal(str(path), now, read_only=read_only)

    assert "backup" in caught.value.next_step
    assert path.read_bytes() == b""


def test_a_full_disk_leaves_no_file_that_would_pass_for_a_lost_journal(
    tmp_path: Path, now: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"

    def full(number: int, mode: str) -> object:
        os.close(number)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(JournalError, match="No space left"):
        open_journal(str(path), now)
    monkeypatch.undo()

    assert list(tmp_path.iterdir()) == []
    open_journal(str(path), now).close()


@pytest.mark.skipif(os.name == "nt", reason="there it is named by renaming")
def test_a_new_journal_is_never_seen_empty(tmp_path: Path, now: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that looks while it is made would take it for one that was lost."""
    path = tmp_path / "journal.db"
    seen: list[tuple[bool, int]] = []
    link = os.link

    def watched(made: Path, name: Path) -> None:
        seen.append((path.exists(), made.stat().st_size))
        link(made, name)

    monkeypatch.setattr(os, "link", watched)
    open_journal(str(path), now).close()

    ((was_there, size),) = seen
    assert not was_there
    assert size > 0
    assert [each.name for each in tmp_path.iterdir()] == ["journal.db"]


def test_a_file_share_without_hard_links_will_do(tmp_path: Path, now: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(made: Path, name: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    open_journal(str(tmp_path / "journal.db"), now).close()

    assert [each.name for each in tmp_path.iterdir()] == ["journal.db"]


@pytest.mark.skipif(os.name == "nt", reason="there it is named by renaming")
def test_without_hard_links_the_journal_of_a_faster_process_stays(
    tmp_path: Path, now: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, path = tmp_path / "other.db", tmp_path / "journal.db"
    with closing(open_journal(str(other), now)) as journal:
        journal.begin(record("theirs", now()))
    theirs = other.read_bytes()

    def link(made: Path, name: Path) -> None:
        name.write_bytes(theirs)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with closing(open_journal(str(path), now)) as journal:
        assert [run.id for run in journal.history()] == ["theirs"]


def test_a_directory_is_not_taken_for_a_journal_that_is_not_there(tmp_path: Path, now: Time) -> None:
    with pytest.raises(JournalError, match="not a file"):
        open_journal(str(tmp_path), now, read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_what_belongs_to_something_else_is_left_alone(tmp_path: Path, now: Time, read_only: bool) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE x (a)")

    with pytest.raises(JournalError, match="belongs to something else"):
        open_journal(str(path), now, read_only=read_only)


def test_reading_makes_nothing(tmp_path: Path, now: Time) -> None:
    path = tmp_path / "none" / "journal.db"

    with pytest.raises(JournalError, match="no journal yet"):
        open_journal(str(path), now, read_only=True)

    assert not path.parent.exists()


def test_who_only_reads_cannot_write(opened: Journal, path: Path, now: Time) -> None:
    opened.begin(record("r1", now()))
    reader = open_journal(str(path), now, read_only=True)

    assert reader.find("last") == "r1"
    with pytest.raises(JournalError, match="may not be written"):
        reader.save_plan("a", "{}")
    reader.close()


@pytest.mark.skipif(os.name == "nt", reason="mode bits are POSIX; on Windows the profile's access list protects it")
def test_only_the_owner_can_read_the_journal(opened: Journal, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://h/d", "cannot be kept in mysql"),
        ("nonsense://", "cannot be kept in nonsense"),
        ("sqlite://", "cannot be kept in sqlite"),
        ("://", "cannot be read"),
    ],
)
def test_an_address_of_something_else_is_refused(address: str, says: str, now: Time) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        open_journal(address, now)

    assert "postgresql://" in caught.value.next_step


def test_a_file_may_also_be_given_as_a_url(path: Path, now: Time) -> None:
    open_journal(f"sqlite:///{path}", now).close()

    assert path.is_file()


def test_an_odd_path_is_a_path(tmp_path: Path, now: Time) -> None:
    path = tmp_path / "100% sure? #1 ä" / "journal.db"
    open_journal(str(path), now).close()

    assert path.is_file()


def test_a_database_server_that_is_not_there_says_so_without_the_password(now: Time) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")

    with pytest.raises(JournalError) as caught:
        open_journal("postgresql://easfix@127.0.0.1:1/x", now, password="kanari")

    assert "kanari" not in f"{caught.value!r} {caught.value.where} {caught.value.__cause__}"


def test_a_second_start_does_not_pay_for_migrations(opened: Journal, path: Path) -> None:
    program = (
        "import sys; from datetime import UTC, datetime; from agent.journal import open_journal;"
        f"open_journal({str(path)!r}, lambda: datetime.now(UTC)).close(); print('alembic' in sys.modules)"
    )
    root = Path(store.__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)

    assert told.stdout.strip() == "False"


def test_a_windows_share_is_reached_and_not_logged_ahead() -> None:
    share = PureWindowsPath("//files/it/journal.db")
    local = PureWindowsPath("C:/ProgramData/a b/journal.db")

    assert store.uri_of(share, "rw") == "file:////files/it/journal.db?mode=rw"
    assert store.uri_of(local, "ro") == "file:///C:/ProgramData/a%20b/journal.db?mode=ro"
    assert (store.mode_of(share), store.mode_of(local)) == ("journal_mode=DELETE", "journal_mode=WAL")
