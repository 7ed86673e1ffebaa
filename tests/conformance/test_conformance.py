"""The evaluator does what PowerShell 2.0 is documented to do, or refuses aloud; it is never silently wrong."""

from collections import Counter

import pytest
from conforming import Case, cases, outcome

ALL = list(cases())


def _agrees(line: str, expected: str) -> bool:
    """An error id may go on behind what the case names; a case may leave it open."""
    if expected[:2] in ("!!", "XX"):
        return line.split(",")[0] == expected or line == expected or (expected in ("!!", "XX") and line[:2] == expected)
    return line == expected


@pytest.mark.parametrize("case", ALL, ids=[f"{case.topic}-{case.name}" for case in ALL])
def test_a_script_does_what_the_language_says(case: Case) -> None:
    lines = outcome(case.script)

    assert len(lines) == len(case.expected) and all(map(_agrees, lines, case.expected)), (
        f"{case.script}\nexpected {list(case.expected)}\n     got {lines}"
    )


def test_there_are_at_least_three_hundred_cases_and_each_says_what_it_rests_on() -> None:
    repeated = [name for name, count in Counter((case.topic, case.name) for case in ALL).items() if count > 1]

    assert len(ALL) >= 300
    assert repeated == []
    assert [case.name for case in ALL if not case.rests] == []
