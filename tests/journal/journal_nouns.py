"""Nouns that the tests of the journal share."""

from datetime import UTC, datetime, timedelta

from agent.model import Action, Holder, Prior, RunRecord, Step

PATH = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
CLEAR = Step(f"clear {PATH}", Action.CLEAR, "clear", "c0", PATH, (("Path", PATH), ("Keys", (1, 2))), 264, 0)
RESTART = Step("restart", Action.RESTART, "restart", "c1")
ORIGINAL = Prior(PATH, "AccessSSLFlags", 264)


class Time:
    """A clock that moves one second whenever somebody looks."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def holder(run: str, pid: int = 100) -> Holder:
    return Holder(run, "jump01", pid, "LAB\\admin")


def record(run: str, at: datetime, pid: int = 100) -> RunRecord:
    return RunRecord(run, "apply", at, holder(run, pid), "0.1.0", reason="phones", change="CHG1", plan_hash="ab")
