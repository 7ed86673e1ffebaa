"""The page on schedules: a sentence a line, commands that parse, settings that load, keys and events that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from agent.cli.main import COMMANDS, cli
from agent.cli.run import _timetable
from agent.cli.telling import SECONDS
from agent.config import load
from agent.schedule import COUNTED, LONGEST, SHORTEST

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
LINES = [line for _, block in BLOCKS for line in block.splitlines() if line.startswith("easfix ")]
INLINE = re.findall(r"`(easfix [^`]+)`", PROSE)


def parse(line: str) -> None:
    """As click and the command itself understand it; raises `UsageError`."""
    name, *arguments = shlex.split(line)[1:]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    found = command.make_context(name, arguments).params
    if name == "run" and len(arguments):
        _timetable(found["every"], found["cron"], found["zone"], once=found["once"])


@pytest.mark.parametrize("line", [*LINES, *INLINE])
def test_every_command_parses(line: str) -> None:
    assert line.split()[1] in COMMANDS
    parse(line)


def test_there_are_commands_to_parse() -> None:
    assert len(LINES) >= 4
    with pytest.raises(click.UsageError):
        parse("easfix run --evry 30m")


@pytest.mark.parametrize("block", [block for kind, block in BLOCKS if kind == "yaml"])
def test_every_setting_loads(block: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"servers: [EX01]\n{block}", encoding="utf-8")

    assert load(path)


def test_a_sentence_has_a_line() -> None:
    crowded = [line for line in PROSE.splitlines() if re.search(r"[a-z`)]\. [A-Z`]", line) and not line.startswith("|")]

    assert crowded == []


def test_the_numbers_are_those_of_the_program() -> None:
    assert f"from {SHORTEST.seconds}s to {LONGEST.days}d" in TEXT
    assert f"{COUNTED} missed ticks" in TEXT
    assert f"{SECONDS:.0f} seconds at most" in TEXT


def test_the_keys_and_events_are_those_of_the_program() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "agent" / "cli").glob("*.py"))
    keys = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    events = re.findall(r"`((?:tick|notice)\.\w+)`", TEXT)

    assert len(keys) == 5
    assert len(events) == 5
    assert [word for word in (*keys[:-1], *events) if f'"{word}"' not in sources] == []
