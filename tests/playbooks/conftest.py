"""Servers for the scripts of the playbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted import EAS, Server

from agent.lab.clock import DrivenClock
from agent.lab.world.build import exchange_2003
from agent.lab.world.forest import Forest


@pytest.fixture
def make_server() -> Callable[..., Server]:
    """Makes servers; the arguments are those of exchange_2003."""

    def make(**options: Any) -> Server:
        clock = DrivenClock(auto=True)
        forest = Forest(clock)
        forest.add_user("administrator", "correct horse", is_admin=True)
        forest.add_user("clerk", "battery staple")
        return Server(exchange_2003("EX01", forest, **options), forest, clock)

    return make


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A standalone mailbox server whose ActiveSync directory requires SSL, 128 bits."""
    made = make_server()
    made.set(EAS, 264)
    return made
