"""A journal that an older easfix has written is brought up to date, and keeps all that it tells."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from journal_nouns import PATH, Time, holder

from agent.errors import OldJournal
from agent.journal import Journal, Terms, open_journal, schema, store
from agent.model import ServerState, StepState

BEGUN = datetime(2026, 4, 1, 22, 0)

FIRST = {
    "runs": [
        {
            "id": "r1",
            "command": "apply",
            "version": "0.1.0",
            "reason": "phones",
            "change": "CHG1",
            "plan_hash": "ab",
            "host": "jump01",
            "pid": 100,
            "account": "LAB\\admin",
            "started_at": BEGUN,
            "ended_at": None,
            "exit_code": None,
        }
    ],
    "servers": [
        {"run_id": "r1", "server": "EX01", "state": "changed", "reason": "proved", "is_closed": True},
        {"run_id": "r1", "server": "EX02", "state": None, "reason": "", "started_at": BEGUN, "is_closed": False},
    ],
    "steps": [
        {
            "run_id": "r1",
            "server": "EX02",
            "number": 1,
            "step_id": f"clear {PATH}",
            "action": "clear",
            "script": "clear",
            "script_sha256": "c0",
            "path": PATH,
            "arguments": '[["Path", "W3SVC/1"]]',
            "before": 264,
            "after": 0,
            "state": "intended",
        }
    ],
    "priors": [
        {
            "run_id": "r1",
            "server": "EX02",
            "path": PATH,
            "name": "AccessSSLFlags",
            "step": 1,
            "value": "264",
            "is_explicit": True,
            "inherited_from": "",
        }
    ],
    "leases": [
        {
            "server": "ex02",
            "run_id": "r1",
            "host": "jump01",
            "pid": 100,
            "account": "LAB\\admin",
            "since": BEGUN,
        }
    ],
}
"""Rows as version 0001 has written them."""


@pytest.fixture
def old(address: str, now: Time) -> str:
    """A journal of version 0001, with a run that died on its second server."""
    url = store._url(address, "", None)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, values in FIRST.items():
            for each in values:
                connection.execute(tables.tables[name].insert().values(each))
    engine.dispose()
    return address


def test_what_was_written_before_is_still_told(old: str, reopen: Callable[[], Journal]) -> None:
    run = reopen().run("r1")
    proved, died = run.servers

    assert (run.reason, run.change, run.started_at) == ("phones", "CHG1", BEGUN.replace(tzinfo=UTC))
    assert (run.window, run.closes_at, run.outside_window, run.threshold, run.approved_by) == ("", None, "", "", "")
    assert (proved.state, proved.wave) == (ServerState.CHANGED, None)
    assert [(each.state, each.priors[0].value) for each in died.steps] == [(StepState.INTENDED, 264)]
    assert [(each.command, each.holder, each.at, each.reason) for each in run.hands] == [
        ("apply", run.holder, run.started_at, "phones")
    ]


def test_a_run_of_an_older_easfix_is_taken_over_and_finished(old: str, reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    heir = journal.resume("r1", holder("r1", 300))
    heir.admit("EX02", Terms(threshold=1))
    heir.beat()
    step = journal.run("r1").servers[1].steps[0].step
    heir.note("EX02", step, StepState.UNKNOWN)
    heir.note("EX02", step, StepState.DONE)
    heir.conclude("EX02", ServerState.CHANGED, "proved")
    heir.close("EX02")

    assert journal.held_by("EX02") is None
    assert journal.stop_asked("r1") == ""
    assert journal.measured() == ()  # half of it was done by another process


def test_a_run_that_never_beat_is_not_judged_by_its_beat(old: str, reopen: Callable[[], Journal], now: Time) -> None:
    journal = reopen()

    assert journal.beat_of("r1") is None
    assert not journal.is_stale("r1", now() - now())


def test_who_only_reads_an_older_journal_leaves_it_alone(old: str, now: Time) -> None:
    with pytest.raises(OldJournal, match="not up to date"):
        open_journal(old, now, read_only=True)

    with pytest.raises(OldJournal, match="not up to date"):
        open_journal(old, now, read_only=True)


def test_tables_that_an_older_easfix_writes_to_are_still_whole(old: str, reopen: Callable[[], Journal]) -> None:
    """One that is at work while another one brings the tables up to date knows nothing of the new columns."""
    journal = reopen()
    with journal._store.write() as connection:
        tables = sa.MetaData()
        tables.reflect(connection, only=["runs"])
        connection.execute(tables.tables["runs"].insert().values({**FIRST["runs"][0], "id": "r2"}))

    assert journal.run("r2").threshold == ""
    assert journal.run("r2").begun_by == journal.run("r2").holder
    journal.resume("r2", holder("r2", 300))
    assert [(each.command, each.holder.pid) for each in journal.run("r2").hands] == [("apply", 100), ("resume", 300)]


def test_a_file_is_brought_up_to_date_in_place(tmp_path: Path, now: Time) -> None:
    path = tmp_path / "journal.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()

    with closing(open_journal(str(path), now)) as journal, journal._store.read() as connection:
        assert schema.is_ready(connection, str(path))
