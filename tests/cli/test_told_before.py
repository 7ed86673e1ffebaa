"""What people were told last is kept from tick to tick, and never in the way of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.told import Told

FULL = Told(
    {"EX01": "pending"}, frozenset({"r1 EX02"}), "the disk is full", "night", datetime(2026, 5, 6, 2, tzinfo=UTC)
)


@pytest.mark.parametrize("told", [Told(), FULL])
def test_what_was_told_is_read_as_it_was_written(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "state" / "told.json"
    told.write(path)

    assert Told.read(path) == told
    assert [each.name for each in path.parent.iterdir()] == ["told.json"]


def test_what_was_never_written_is_nothing(tmp_path: Path) -> None:
    assert Told.read(tmp_path / "told.json") == Told()


GOOD: dict[str, object] = {"servers": {}, "debts": [], "failure": "", "window": "", "closes_at": None}


SPOILT: list[tuple[str, object]] = [
    ("servers", 3),
    ("servers", [1]),
    ("debts", 3),
    ("debts", [[]]),
    ("closes_at", "soon"),
    ("closes_at", "2026-05-06"),
    ("closes_at", 3),
]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", "\0", *(json.dumps({**GOOD, key: value}) for key, value in SPOILT)]
)
def test_what_is_not_readable_is_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "told.json"
    path.write_text(text, encoding="utf-8")

    assert Told.read(path) == Told()


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.mkdir()

    with pytest.raises(OSError):
        FULL.write(path)
    assert [each.name for each in tmp_path.iterdir()] == ["told.json"]
