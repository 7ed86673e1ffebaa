"""What becomes of a script's output and of its errors: words that are safe to print, however they were meant."""

from __future__ import annotations

import pytest
from visiting import script

from agent import errors
from agent.transport.clixml import Plain, parse
from agent.transport.records import failed, records

READ = script("")


def test_texts_at_any_depth_do_nothing_to_a_terminal() -> None:
    said: Plain = {"A\x1b": ["\x1b]0;t\x07", {"B": "\x00\u2028"}], "N": 1, "Kept": "a\tb\r\nc é\r\n", "Over": "a\rb"}

    assert records("EX01", READ, [said]) == [
        {"A\ufffd": ["\ufffd]0;t\ufffd", {"B": "\ufffd\ufffd"}], "N": 1, "Kept": "a\tb c é", "Over": "a\ufffdb"}
    ]


def test_an_error_is_one_line_that_does_nothing_to_a_terminal() -> None:
    found: dict[str, Plain] = {
        "Exception": {"Message": "a\x1b[2Jb\nc", "Type": "T\x07"},
        "FullyQualifiedErrorId": "id\x1b",
        "ErrorCategory_TargetName": "x\r\ny",
    }
    error = failed("EX01", READ, found)

    assert error.message == "test: a [2Jb c"
    assert (error.record.exception, error.record.error_id, error.record.target) == ("T", "id", "x y")


def test_an_error_that_is_no_text_is_not_written_out() -> None:
    """References can make an object of a few bytes as large as one likes."""
    deep: Plain = "x"
    for _ in range(60):
        deep = [deep, deep]

    assert len(failed("EX01", READ, {"Exception": {"Message": deep}}).message) < 1000
    with pytest.raises(errors.BadAnswer, match="instead of an object"):
        records("EX01", READ, [deep])


def test_objects_that_stand_in_themselves_are_no_answer() -> None:
    found = parse('<Obj RefId="0"><MS><Obj N="A" RefId="1"><MS><Ref N="B" RefId="0"/></MS></Obj></MS></Obj>')

    with pytest.raises(errors.BadAnswer, match="inside each other"):
        records("EX01", READ, [found])


def test_the_limit_of_values_is_that_of_the_whole_answer() -> None:
    """Each document within the limits, a thousand bytes of it, and many of them."""
    lists = "".join(
        f'<Obj N="K{n}" RefId="{n}"><LST>{f"""<Ref RefId="{n - 1}"/>""" * 10}</LST></Obj>' for n in range(2, 6)
    )
    text = f'<Obj RefId="0"><MS><Obj N="A" RefId="1"><MS/></Obj>{lists}</MS></Obj>'

    assert records("EX01", READ, [parse(text)])
    with pytest.raises(errors.BadAnswer, match="100,000 values"):
        records("EX01", READ, [parse(text) for _ in range(10)])
