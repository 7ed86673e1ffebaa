"""The record of an older easfix can be read at once: no command says that another one must be called first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from agent.cli.main import call
from agent.journal import schema


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose journal is of version 0001."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'journal.db'}")
    with engine.begin() as connection:
        migrations = Config()
        migrations.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        migrations.attributes["connection"] = connection
        command.upgrade(migrations, "0001")
    engine.dispose()
    path = tmp_path / "config.yaml"
    path.write_text("servers: [EX01]\njournal: journal.db\nlogs: {file: easfix.log}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["status", "history"])
def test_the_record_of_an_older_easfix_is_read_at_once(
    config: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["--config", str(config), "--json", name])
    engine = sa.create_engine(f"sqlite:///{config.parent / 'journal.db'}")
    with engine.connect() as connection:
        version = connection.execute(sa.text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalar()
    engine.dispose()

    assert (code, json.loads(capsys.readouterr().out)["exit_code"]) == (0, 0)
    assert version == schema.HEAD
