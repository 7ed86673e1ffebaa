"""The tree in the docstring is the tree in the code, and its two facts hold."""

import inspect
import re

import pytest

from agent import errors

CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == errors.__name__
}
SERVER_ERRORS = [kind for kind in CLASSES.values() if issubclass(kind, errors.ServerError)]


def parents_as_drawn() -> dict[str, str]:
    """Each class with the one it hangs from, by indentation."""
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}([ |`-]*)([A-Z]\w+) ", line)
        if found:
            depth = len(found[1]) // 4
            above[depth] = found[2]
            parents[found[2]] = above.get(depth - 1, "Exception")
    return parents


def test_the_drawn_tree_is_the_tree() -> None:
    real = {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}

    assert parents_as_drawn() == real


@pytest.mark.parametrize("kind", [kind for kind in SERVER_ERRORS if kind is not errors.ServerError])
def test_the_drawn_facts_are_the_facts(kind: type[errors.ServerError]) -> None:
    line = next(row for row in (errors.__doc__ or "").splitlines() if f"-- {kind.__name__} " in row)
    retryable, untouched = line.split()[-2:]

    assert (retryable, untouched) == ("yes" if kind.retryable else "no", "yes" if kind.untouched else "no")


def test_an_error_is_not_a_no_unless_it_says_so() -> None:
    assert not errors.ServerError.untouched
    assert not errors.ServerError.retryable


def test_a_refused_logon_is_never_repeated() -> None:
    assert not errors.Denied.retryable


def test_a_server_error_knows_its_server_and_the_next_step() -> None:
    error = errors.ScriptFailed("EX01", "no such key", "look", errors.ErrorRecord(exception="COMException"))

    assert (error.server, error.where, error.message, error.next_step) == ("EX01", "EX01", "no such key", "look")
    assert error.record.exception == "COMException"
    assert str(error) == "no such key"
