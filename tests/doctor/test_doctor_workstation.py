"""What is looked at on this machine: rights of files, passwords, journal, log, playbook; nothing is made or changed."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ordinary import ordinary_user
from patients import ABLE, NOON, REALM, TICKET, by_name, verdicts

from agent.config import Config, Credential, Secrets
from agent.doctor.kerberos import Kerberos
from agent.doctor.workstation import Workstation, config_file, journal
from agent.errors import ConfigError, JournalError, PlaybookError
from agent.journal import open_journal
from agent.model import Auth

posix = pytest.mark.skipif(os.name == "nt", reason="rights of files are those of POSIX")
PASSWORD = "never-shown"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Workstation]:
    """Makes workstations where all is well, but for the changes."""
    config, secret = tmp_path / "config.yaml", tmp_path / "password"
    config.touch(0o644)
    secret.write_text(PASSWORD, encoding="ascii")
    secret.chmod(0o600)
    sets = {"default": Credential(username="LAB\\easfix", password_file=str(secret), auth=Auth.NTLM)}

    def made(**changes: Any) -> Workstation:
        used = changes.get("credentials", sets)
        well: dict[str, Any] = {
            "abilities": ABLE,
            "needs_kerberos": False,
            "config": config,
            "credentials": used,
            "fetch": Secrets(Config(credentials=used).credentials).logon,
            "has_terminal": True,
            "journal": str(tmp_path / "journal.db"),
            "open_journal": lambda: None,
            "log": tmp_path / "easfix.log",
            "log_refusal": None,
            "playbook": 13,
        }
        return Workstation(**{**well, **changes})

    return made


def failed(workstation: Workstation) -> dict[str, str]:
    return verdicts(workstation.examine(NOON).checks)


def test_a_workstation_in_order_has_nothing_to_mend(make: Callable[..., Workstation], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())

    assert failed(make()) == {}
    assert sorted(tmp_path.iterdir()) == before


def test_no_password_is_shown(make: Callable[..., Workstation]) -> None:
    assert PASSWORD not in str(make().examine(NOON))


@posix
@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "good"), (0o644, "good"), (0o664, "bad"), (0o646, "bad")])
def test_a_configuration_that_others_can_write_is_bad(tmp_path: Path, mode: int, verdict: str) -> None:
    path = tmp_path / "config.yaml"
    path.touch()
    path.chmod(mode)

    assert config_file(path).verdict == verdict


@posix
def test_a_password_that_others_can_read_is_bad(make: Callable[..., Workstation], tmp_path: Path) -> None:
    (tmp_path / "password").chmod(0o644)
    found = by_name(make().examine(NOON).checks)["credentials.default"]

    assert (found.verdict, found.mend) == ("bad", f"chmod 600 {tmp_path / 'password'}")


def test_a_password_that_is_not_where_it_should_be_is_bad(make: Callable[..., Workstation]) -> None:
    unset = {"phone": Credential(username="LAB\\phone", password_env="EASFIX_TEST_NOT_SET")}

    assert failed(make(credentials=unset)) == {"credentials.phone": "bad"}


@pytest.mark.parametrize(("has_terminal", "expected"), [(True, {}), (False, {"credentials.default": "warn"})])
def test_a_password_that_is_asked_for_needs_somebody(
    make: Callable[..., Workstation], has_terminal: bool, expected: dict[str, str]
) -> None:
    asked = {"default": Credential(username="LAB\\easfix", prompt=True)}

    assert failed(make(credentials=asked, has_terminal=has_terminal)) == expected


def test_no_password_at_all_is_a_ticket(make: Callable[..., Workstation]) -> None:
    assert failed(make(credentials={"default": Credential(auth=Auth.KERBEROS)})) == {}


# --- journal ---------------------------------------------------------------------------------------------------------


def opener(path: Path) -> Callable[[], object]:
    return lambda: open_journal(str(path), lambda: datetime.now(UTC), read_only=True).close()


def test_a_journal_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    found = journal(str(path), opener(path))

    assert found.verdict == "good"
    assert "not there yet" in found.evidence
    assert not path.parent.exists()


def test_a_journal_that_is_there_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    open_journal(str(path), lambda: datetime.now(UTC)).close()
    found = journal(str(path), opener(path))

    assert (found.verdict, found.evidence) == ("good", f"SQLite file {path}, writable")


def test_a_journal_without_tables_is_brought_up_to_date_later(tmp_path: Path) -> None:
    """A process that ended between making the file and making its tables leaves this."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id=1")
    found = journal(str(path), opener(path))

    assert found.verdict == "good"
    assert "the next run brings its tables up to date" in found.evidence


def test_a_journal_that_was_cut_to_nothing_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    found = journal(str(path), opener(path))

    assert found.verdict == "bad"
    assert "its record is gone" in found.evidence
    assert "backup" in found.mend


def test_a_journal_that_is_something_else_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("a shopping list " * 100, encoding="ascii")
    found = journal(str(path), opener(path))

    assert found.verdict == "bad"
    assert "not a journal" in found.evidence


def test_a_place_where_no_journal_can_be_made_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "journal.db"

    assert journal(str(path), opener(path)).verdict == "bad"


@posix
def test_a_journal_that_may_not_be_written_is_bad(own_temporary_folder: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        open_journal(str(path), lambda: datetime.now(UTC)).close()
        path.chmod(0o400)
        with ordinary_user(Path(folder), path):
            found = journal(str(path), opener(path))

    assert found.verdict == "bad"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, "good"),
        (JournalError("the tables of the journal are not up to date"), "good"),
        (JournalError("connection refused"), "bad"),
        (ConfigError("PostgreSQL needs a library that is not installed", next_step="pip install"), "bad"),
    ],
)
def test_a_database_answers_or_not(error: Exception | None, verdict: str) -> None:
    def opening() -> None:
        if error is not None:
            raise error

    found = journal("postgresql://easfix@db/easfix", opening)

    assert found.verdict == verdict
    assert found.evidence.startswith("PostgreSQL")


def test_a_database_that_may_only_be_read_is_bad() -> None:
    found = journal("postgresql://easfix@db/easfix", lambda: "this account lacks INSERT on runs")

    assert (found.verdict, found.evidence) == ("bad", "PostgreSQL: this account lacks INSERT on runs")
    assert "journal_credentials" in found.mend


# --- log, playbook, libraries ----------------------------------------------------------------------------------------


def test_a_log_that_cannot_be_written_is_bad(make: Callable[..., Workstation]) -> None:
    assert failed(make(log_refusal=ConfigError("the log cannot be opened"))) == {"log": "bad"}


def test_a_playbook_that_must_not_be_sent_is_bad(make: Callable[..., Workstation]) -> None:
    assert failed(make(playbook=PlaybookError("detect.ps1 must not be sent: calls .Delete()"))) == {"playbook": "bad"}


def test_scripts_that_were_edited_are_told(make: Callable[..., Workstation]) -> None:
    assert failed(make(altered="not as released: clear.ps1")) == {"playbook": "warn"}


def test_libraries_that_nobody_needs_are_not_missed(make: Callable[..., Workstation]) -> None:
    bare = replace(ABLE, kerberos=Kerberos(missing="easfix[kerberos] is not installed"), ntlm_missing="no RC4")

    assert failed(make(abilities=bare)) == {"ntlm": "warn"}
    assert failed(make(abilities=bare, needs_kerberos=True)) == {"ntlm": "warn", "kerberos": "warn"}


def test_the_ticket_is_told(make: Callable[..., Workstation]) -> None:
    ready = replace(ABLE, kerberos=replace(REALM, ticket=TICKET))
    found = by_name(make(abilities=ready, needs_kerberos=True).examine(NOON).checks)["kerberos"]

    assert found.verdict == "good"
    assert "ticket of easfix@LAB.EXAMPLE good until 2011-03-14 22:00 UTC" in found.evidence


def test_a_machine_without_krb5_conf_is_warned(make: Callable[..., Workstation]) -> None:
    bare = replace(ABLE, kerberos=replace(REALM, files=()))

    assert failed(make(abilities=bare, needs_kerberos=True)) == {"kerberos": "warn"}
