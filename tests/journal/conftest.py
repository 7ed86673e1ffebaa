"""A journal in a fresh SQLite file, and in a real PostgreSQL where one can be started."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journal_nouns import Time, record
from lacking import lacking
from ports import HeldPort

from agent.journal import Journal, OpenRun, open_journal


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that runs for these tests only, on loopback."""
    if importlib.util.find_spec("psycopg") is None:
        lacking("psycopg is not installed (extra postgres)")
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb = shutil.which("initdb") or next((str(path / "initdb") for path in reversed(binaries)), None)
    if initdb is None:
        lacking("there is no initdb on this machine")
    # Not below pytest's own directory: that one is closed to the account that the server runs under.
    with (
        HeldPort() as port,
        tempfile.TemporaryDirectory(prefix="easfix-pg-") as directory,
        running(Path(initdb), Path(directory), port.number),
    ):
        yield f"postgresql://easfix@127.0.0.1:{port.number}"


class running:  # noqa: N801 - reads as a claim in a with statement
    """A PostgreSQL server from its directory; it refuses to run as root, so root hands it to its own account."""

    def __init__(self, initdb: Path, directory: Path, port: int) -> None:
        self._binaries = initdb.parent
        self._directory = directory
        self._port = port
        self._account = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None

    def __enter__(self) -> None:
        if self._account:
            shutil.chown(self._directory, self._account)
        self._run("initdb", "-D", str(self._data), "-U", "easfix", "-A", "trust", "--no-sync")
        options = f"-h 127.0.0.1 -p {self._port} -k {self._directory}"
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._directory / "log"), "-w", "start")

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        subprocess.run(
            command, check=True, user=self._account, cwd=self._directory, stdout=subprocess.DEVNULL, timeout=120
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new and empty journal can be made."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "journal.db")
    server: str = request.getfixturevalue("postgresql")
    import psycopg  # type: ignore[import-not-found,unused-ignore]  # an extra; the fixture above has skipped without it

    name = f"j{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture
def reopen(address: str, now: Time) -> Iterator[Callable[[], Journal]]:
    """Opens the same journal again, as another process would."""
    opened: list[Journal] = []

    def reopen() -> Journal:
        opened.append(open_journal(address, now))
        return opened[-1]

    yield reopen
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(reopen: Callable[[], Journal]) -> Journal:
    return reopen()


@pytest.fixture
def run(journal: Journal, now: Time) -> OpenRun:
    """A run that holds EX01."""
    run = journal.begin(record("r1", now()))
    run.admit("EX01")
    return run
