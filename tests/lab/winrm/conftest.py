from __future__ import annotations

from collections.abc import Iterator

import pytest
from practice import Loop, Practice


@pytest.fixture(scope="session")
def winrm_loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def lab(winrm_loop: Loop) -> Iterator[Practice]:
    """A machine whose clock stands still unless a test drives it."""
    practice = Practice(winrm_loop)
    yield practice
    practice.close()
