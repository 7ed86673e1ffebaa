"""Random fleets, faults, windows and deaths against servers on paper: nothing that must not happen ever does.

`make test` plays a few that are always the same; EASFIX_SIMULATION=5000 (`make simulate`) plays so many new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, note, settings
from plays import Play, plays
from theatre import Theatre

MANY = int(os.environ.get("EASFIX_SIMULATION", "0"))
PROFILE = settings(
    max_examples=MANY or 150,
    derandomize=not MANY,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@PROFILE
@given(plays())
def test_no_play_ends_badly(play: Play) -> None:
    wrong = Theatre(play).perform()
    for each in wrong:
        note(each)

    assert wrong == []
