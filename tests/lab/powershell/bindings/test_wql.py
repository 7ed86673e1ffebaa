"""WQL: what a query selects, and what is no query."""

from __future__ import annotations

import pytest

from agent.lab.powershell.bindings.wmi.wql import parse_filter, parse_query
from agent.lab.powershell.clr import ClrError

ROW = {"Name": "W3SVC", "ProcessId": 12, "Started": True, "Note": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Name = 'w3svc'", True),
        ('Name = "W3SVC" AND ProcessId > 10', True),
        ("Name LIKE 'W3%'", True),
        ("Name LIKE '_3SVC'", True),
        ("Name LIKE '[A-V]%'", False),
        ("NOT Started = TRUE", False),
        ("Started = 'true'", True),
        ("Note IS NULL", True),
        ("Note IS NOT NULL", False),
        ("Note = 'x'", False),
        ("(Name = 'x' OR ProcessId = 12) AND ProcessId <> 13", True),
        ("12 = ProcessId", True),
        ("ProcessId >= '12'", True),
    ],
)
def test_a_condition_selects(text: str, expected: bool) -> None:
    assert parse_filter(text)(ROW) is expected


@pytest.mark.parametrize("text", ["Nope = 1", "Name =", "Name == 1", "Name = 1 1", "ProcessId = 'x'"])
def test_a_bad_condition_is_an_invalid_query(text: str) -> None:
    with pytest.raises(ClrError, match="Invalid query"):
        parse_filter(text)(ROW)


def test_a_statement_has_columns_class_and_condition() -> None:
    query = parse_query("SELECT Name, ProcessId FROM Win32_Service WHERE Name = 'x'")

    assert (query.columns, query.class_name, query.matches(ROW)) == (("Name", "ProcessId"), "Win32_Service", False)
