"""A practice lab for the tests of a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_process import DEADLINE, Lab


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Any]:
    """Starts labs, below a folder of their own for temporary files, and ends those that still run."""
    labs: list[Lab] = []
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def start(*arguments: str, home: Path = tmp_path / "practice") -> Lab:
        labs.append(Lab(home, *arguments, temporary=temporary))
        return labs[-1]

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            lab.process.kill()
        lab.process.communicate(timeout=DEADLINE)
