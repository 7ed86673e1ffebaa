"""What somebody who does not know easfix does next: the record lets go, and says what is owed and by whom."""

from __future__ import annotations

import pathlib

import pytest
from dying import Died
from harness import Stand

from agent.errors import Unreachable


def dies_while_iis_restarts(stand: Stand) -> None:
    """The process is killed when the restart is sent and nobody has heard of it."""

    def hook(where: str) -> None:
        if where == "after restart":
            raise Died(where)

    stand.hook = hook
    with pytest.raises(Died):
        stand.easfix("apply", "--yes")
    stand.hook = lambda _: None


def test_a_server_put_back_after_a_death_in_the_restart_is_let_go(tmp_path: pathlib.Path) -> None:
    def hook(where: str) -> None:
        if where == "before restore":
            raise Unreachable("EX01", "the RPC server is unavailable")

    with Stand(tmp_path, "fake", ["require-ssl@EX01"]) as stand:
        dies_while_iis_restarts(stand)
        stand.hook = hook
        first = stand.easfix("rollback", "last", "--yes")
        stand.hook = lambda _: None
        resumed = stand.easfix("resume", "last")

        assert first.state() in ("unknown", "failed"), first.reason()
        assert (resumed.code, resumed.state()) == (0, "rolled_back"), resumed.reason()
        assert resumed.reason().startswith("rolled back by the operator")
        assert {each["state"] for each in resumed.server()["steps"]} <= {"done", "undone", "failed"}
        assert stand.easfix("status").document["servers"] == []
        assert stand.truth().markers == []
        assert stand.truth().iisresets == 1
