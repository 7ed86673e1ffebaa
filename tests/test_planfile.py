"""A plan in a file: what comes back is what was written, and whatever was changed in between is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finding_nouns import AT, SCRIPTS, SERVER, child, finding, vdir
from hypothesis import given
from hypothesis import strategies as st

from agent import planfile
from agent.errors import ConfigError, StalePlan
from agent.model import Plan
from agent.plan import Restart, decide

HASHES = tuple(sorted((name, script.sha256) for name, script in SCRIPTS.items()))


def plan(*findings: Any) -> Plan:
    decided = tuple(decide(SERVER, each, SCRIPTS, Restart()) for each in findings)
    return Plan("eas-require-ssl", "0.1.0", AT, decided, HASHES)


FULL = plan(
    finding(vdir(264, children=(child(8),), redirect="/x")), finding(vdir(8), is_front_end=True), finding(vdir(12))
)
words = st.integers(0, 0xFFFF_FFFF)


@given(st.lists(st.tuples(words, words), max_size=4), st.text(max_size=20))
def test_what_was_dumped_is_what_is_loaded(flags: list[tuple[int, int]], redirect: str) -> None:
    made = plan(*(finding(vdir(one, children=(child(two),), redirect=redirect)) for one, two in flags))
    found = planfile.load(planfile.dump(made), "plan.json")

    assert found == made
    assert found.hash == made.hash
    assert planfile.dump(found) == planfile.dump(made)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of the body, containers included."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))


BODY = json.loads(planfile.dump(FULL))["plan"]
WAYS = [path for path in leaves(BODY) if path]


@pytest.mark.parametrize("path", WAYS, ids=lambda path: ".".join(map(str, path)))
def test_any_value_that_was_changed_is_refused(path: tuple[Any, ...]) -> None:
    document = json.loads(planfile.dump(FULL))
    inner = document["plan"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = _other(inner[path[-1]])

    with pytest.raises(ConfigError):
        planfile.load(json.dumps(document), "plan.json")


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return str(value)  # the same word in quotes is another document too
        case str():
            return f"{value} "
        case list():
            return [*value, "x"]
        case dict():
            return {**value, "unheard-of": 1}
    return "null"


@given(st.data())
def test_any_byte_that_was_changed_is_refused_or_means_the_same(data: st.DataObject) -> None:
    """Space between values means nothing in JSON; everything else of the body does."""
    text = planfile.dump(FULL)
    start = text.index('"plan"')
    at = data.draw(st.integers(start, len(text) - 2))
    put = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = text[:at] + put + text[at + 1 :]
    try:
        found = planfile.load(changed, "plan.json")
    except ConfigError:
        return

    assert json.loads(changed) == json.loads(text)
    assert found == FULL


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("[]", "not a plan"),
        ("{}", "not a plan"),
        ('{"schema": "easfix-plan/2"}', "not a plan"),
        ('{"schema": "easfix-plan/1"}', "cannot be read"),
        ('{"schema": "easfix-plan/1", "schema": "easfix-plan/1"}', "stands twice"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planfile.load(text, "plan.json")

    assert says in caught.value.message
    assert caught.value.where == "plan.json"
    assert "easfix plan -o" in caught.value.next_step


def test_a_key_that_stands_twice_is_refused() -> None:
    """The reader of the file would see the one value, and easfix the other."""
    text = planfile.dump(FULL).replace('"before": 264,', '"before": 0, "before": 264,', 1)

    with pytest.raises(ConfigError, match="stands twice"):
        planfile.load(text, "plan.json")


def test_another_hash_is_refused() -> None:
    text = planfile.dump(FULL).replace(FULL.hash, "0" * 64)

    with pytest.raises(ConfigError, match="hash does not fit"):
        planfile.load(text, "plan.json")


def test_a_plan_that_was_only_laid_out_anew_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(json.loads(planfile.dump(FULL))), encoding="utf-8")

    assert planfile.read(path) == FULL


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        planfile.read(path)

    assert caught.value.where == str(path)


def test_the_same_scripts_are_accepted() -> None:
    planfile.refuse_other_scripts(FULL, {**dict(HASHES), "new": "1" * 64})


@pytest.mark.parametrize("hashes", [{}, {**dict(HASHES), "clear": "1" * 64}])
def test_other_scripts_make_a_plan_stale(hashes: dict[str, str]) -> None:
    with pytest.raises(StalePlan, match="clear"):
        planfile.refuse_other_scripts(FULL, hashes)
