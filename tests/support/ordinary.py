"""The rights of somebody ordinary: what an administrator may do anyway is tried as nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
"""The account without rights, on every Unix that has one."""


@contextmanager
def ordinary_user(*owned: Path) -> Iterator[None]:
    """Within, this process may do what any account may; it owns these paths. POSIX only."""
    if os.geteuid() != 0:
        yield
        return
    for path in owned:
        os.chown(path, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, 0)  # the real one too: os.access asks for that
    try:
        yield
    finally:
        os.setresuid(-1, 0, -1)
        os.setresuid(0, 0, 0)
