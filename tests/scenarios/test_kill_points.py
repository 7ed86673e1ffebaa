"""Death at every step boundary, then `resume`: nothing is lost, nothing is done twice, nothing is left unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest
from agreement import disagreements
from dying import Died, Fuse
from harness import EAS, Answer, Photograph, Stand

FAULT = "child-override"
SETTLED = {"changed", "rolled_back"}


def dies(stand: Stand, fuse: Fuse, *command: str) -> Answer | None:
    """Run a command until the fuse blows; None where it did."""

    def hook(where: str) -> None:
        if where == "before restart-status":
            stand.settle()  # so that the number of times it is asked, and with it of the boundaries, is always the same
        fuse.tick(where)

    stand.hook, stand.wrap = hook, fuse.wrap
    try:
        return stand.easfix(*command)
    except Died:
        return None
    finally:
        stand.hook, stand.wrap = (lambda _: None), (lambda journal: journal)


def renew(stand: Stand) -> dict[str, Photograph]:
    """The machine as it was before anything happened to it, and a record without runs."""
    stand.settle()
    stand.fleet.fault("healthy@EX01")
    stand.fleet.fault(f"{FAULT}@EX01")
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (stand.home / name).unlink(missing_ok=True)
    return stand.photograph()


def boundaries(home: Path, *commands: tuple[str, ...]) -> list[str]:
    """Every boundary that the last of the commands meets when nothing goes wrong."""
    with Stand(home, "fake", [f"{FAULT}@EX01"]) as stand:
        for command in commands[:-1]:
            stand.easfix(*command)
        fuse = Fuse()
        answer = dies(stand, fuse, *commands[-1])

        assert answer is not None and answer.code == 0, answer
        return fuse.passed


APPLY = ("apply", "--yes")
ROLLBACK = ("rollback", "last", "--yes")


def test_death_at_any_boundary_of_apply_is_mended_by_resume(tmp_path: Path) -> None:
    count = len(boundaries(tmp_path, APPLY))
    with Stand(tmp_path, "fake", [f"{FAULT}@EX01"]) as stand:
        for at in range(count):
            before = renew(stand)
            resets = stand.truth().iisresets
            fuse = Fuse(at)

            assert dies(stand, fuse, *APPLY) is None
            where = f"death number {at}, after {fuse.passed[-1:]}"
            reported_or_untouched(stand, before, where)
            again = stand.easfix("resume", "last")
            if again.code == 64:  # it died before there was a run
                again = stand.easfix(*APPLY)
            settled(stand, again, before, resets, where, "changed")


def test_death_in_a_resume_is_mended_by_another_resume(tmp_path: Path) -> None:
    with Stand(tmp_path, "fake", [f"{FAULT}@EX01"]) as stand:
        for first in (8, 14, 20, 26):
            for second in (1, 4, 7, 12):
                before = renew(stand)
                resets = stand.truth().iisresets
                where = f"deaths number {first} and {second}"

                assert dies(stand, Fuse(first), *APPLY) is None
                dies(stand, Fuse(second), "resume", "last")
                again = stand.easfix("resume", "last")
                settled(stand, again, before, resets, where, "changed")


def test_death_at_any_boundary_of_rollback_is_mended_by_resume(tmp_path: Path) -> None:
    count = len(boundaries(tmp_path, APPLY, ROLLBACK))
    with Stand(tmp_path, "fake", [f"{FAULT}@EX01"]) as stand:
        for at in range(count):
            before = renew(stand)
            resets = stand.truth().iisresets
            stand.easfix(*APPLY)
            fuse = Fuse(at)

            assert dies(stand, fuse, *ROLLBACK) is None
            where = f"death number {at}, after {fuse.passed[-1:]}"
            stand.easfix("resume", "last")
            again = stand.easfix(*ROLLBACK)
            settled(stand, again, before, resets, where, "rolled_back", "right")


def reported_or_untouched(stand: Stand, before: dict[str, Photograph], where: str) -> None:
    """Something is owed to a server that is no longer as it was, before the run is finished with it: status says so."""
    status = stand.easfix("status")
    touched = stand.photograph()["EX01"].keys_changed_since(before["EX01"])
    is_listed = any(each["name"] == "EX01" for each in status.document["servers"])
    is_finished = EAS in touched and not stand.truth().markers and stand.truth().iisresets > 0
    if touched and not is_finished:
        assert is_listed and status.code == 4, where


def settled(stand: Stand, answer: Answer, before: dict[str, Photograph], resets: int, where: str, *states: str) -> None:
    """In the end the server is as claimed, after one restart at most, and nothing is owed to it."""
    assert answer.code == 0 and answer.state() in states, (where, answer.document)
    assert stand.truth().iisresets - resets <= 1, where
    found = [each for each in disagreements(stand, answer, before) if "iisresets in one run" not in each]
    assert [each for each in found if "IIS was not restarted" not in each] == [], where
    assert stand.truth().iisresets - resets == 1, where
    status = stand.easfix("status")
    assert status.document["servers"] == [], where


@pytest.mark.parametrize("script", ["backup", "clear", "restart", "close", "restore"])
@pytest.mark.parametrize("way", ["before", "after"])
def test_a_write_whose_answer_is_lost_is_looked_at_and_not_doubled(tmp_path: Path, way: str, script: str) -> None:
    """The connection breaks once, before the script arrived or after it ran; nobody is told which."""
    from agent.errors import BrokenOff

    with Stand(tmp_path, "fake", [f"{FAULT}@EX01"]) as stand:
        before = stand.photograph()
        left = [1]

        def hook(where: str) -> None:
            if where == f"{way} {script}" and left:
                left.pop()
                raise BrokenOff("EX01", "the connection broke")

        stand.hook = hook
        applied = stand.easfix(*APPLY)

        assert (applied.code, applied.state()) == (0, "changed"), applied.reason()
        assert disagreements(stand, applied, before) == []

        back = stand.easfix(*ROLLBACK)

        assert (back.code, back.state()) == (0, "rolled_back"), back.reason()
        assert disagreements(stand, back, before) == []
        assert not left
