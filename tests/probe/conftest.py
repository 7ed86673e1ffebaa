from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from loopback import Listener, Ticking


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Start a server; `hold` keeps the connection open after the last piece."""
    listeners: list[Listener] = []

    def start(*pieces: bytes, hold: bool = False, endless: Iterable[bytes] | None = None) -> Listener:
        listeners.append(Listener(endless if endless is not None else pieces, hold=hold))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
def still() -> Ticking:
    return Ticking()
