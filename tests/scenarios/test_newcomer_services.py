"""What the record says of a service that does not come back: never that it was started."""

from __future__ import annotations

import pathlib

import pytest
from harness import Stand


@pytest.mark.parametrize("on_failure", ["rollback", "leave"])
def test_a_service_that_does_not_start_is_no_step_done(tmp_path: pathlib.Path, on_failure: str) -> None:
    with Stand(tmp_path, "fake", ["stuck-service=SMTPSVC@EX01"], settings={"run": {"on_failure": on_failure}}) as stand:
        applied = stand.easfix("apply", "--yes")
        (step,) = (each for each in applied.server()["steps"] if each["action"] == "start-services")

        assert applied.state() == "failed", applied.reason()
        assert "SMTPSVC" in stand.truth().services_down
        assert (step["state"], step["attempts"][-1]["message"]) == ("failed", "looked: SMTPSVC is StopPending")
        assert sum(each["state"] == "intended" and not each["message"] for each in step["attempts"]) == 1
        assert stand.easfix("status").document["servers"][0]["state"] == "failed"


def test_a_service_that_starts_is_a_step_done(tmp_path: pathlib.Path) -> None:
    with Stand(tmp_path, "fake", ["left-stopped=SMTPSVC@EX01"]) as stand:
        applied = stand.easfix("apply", "--yes")
        (step,) = (each for each in applied.server()["steps"] if each["action"] == "start-services")

        assert applied.state() == "changed", applied.reason()
        assert (step["state"], step["attempts"][-1]["message"]) == ("done", "SMTPSVC is Running")
