"""The page on windows tells the truth: its configurations load, and open when it says."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.calendar import windows_of
from agent.config import Config, load
from agent.estimate import estimate
from agent.window import words_of_opening
from agent.window.calendars import LARGEST

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "windows.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda text: text.split("name: ")[-1].split()[0])
def test_every_configuration_of_the_page_loads_and_opens_when_it_says(block: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(block, encoding="utf-8")
    config = load(path)
    said = re.search(r"# opens (\S+ \S+) to (\S+ \S+)\n", block)

    assert config.windows or config.blackouts
    assert bool(said) == bool(config.windows)
    if said:
        (opening,) = windows_of(config).upcoming(NOW, 1)
        assert [f"{each:%Y-%m-%d %H:%M}" for each in (opening.opens_at, opening.closes_at)] == list(said.groups())


def test_the_shown_answer_is_that_of_the_first_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(BLOCKS[0], encoding="utf-8")
    moment = datetime(2026, 11, 29, 0, 18, tzinfo=UTC)
    windows = windows_of(load(path))
    told = [f"now: {windows.at(moment).words}"]
    told += [f"next: {words_of_opening(each)}" for each in windows.upcoming(moment, 3)]

    assert "\n".join(f"  {line}" for line in told) in PAGE


def test_the_numbers_of_the_page_are_those_of_the_program() -> None:
    assert f"more than {LARGEST:,} bytes" in PAGE
    assert estimate(Config(), ()).words.startswith("16 minutes")
    assert "With the defaults that is 16 minutes." in PAGE


def test_there_is_one_sentence_on_a_line() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)

    assert [line for line in prose.splitlines() if not line.startswith("|") and re.search(r"[a-z]\. [A-Z]", line)] == []
