"""How a script travels through powershell.exe: nothing of it can be read as code, and its answer is complete."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.transport.bootstrap import LONGEST_COMMAND_LINE, Incomplete, answer, command_line, standard_input, words

MARK = "0123456789abcdef0123456789abcdef"
OBJS = '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{}</Objs>'
RECORD = '<Obj S="Output" RefId="{}"><MS><S N="Kind">{}</S></MS></Obj>'
ENDED = '<Obj S="Output" RefId="9"><MS><S N="EasfixMark">{}</S><S N="Ended">{}</S></MS></Obj>'


def said(*parts: str) -> bytes:
    return OBJS.format("".join(parts)).encode()


def test_the_command_line_fits_the_cmd_of_server_2003() -> None:
    program, switches = command_line(MARK)

    assert len(" ".join(["cmd /c", program, *switches])) < LONGEST_COMMAND_LINE / 2
    assert "-NoProfile -NonInteractive -ExecutionPolicy Bypass" in " ".join(switches)


def test_the_command_line_holds_no_text_of_the_script_or_its_arguments() -> None:
    """It depends on the mark alone, so nothing else can be read in a list of processes."""
    assert command_line(MARK) == command_line(MARK)
    assert standard_input("secret-script", {"X": "secret-argument"}).isascii()
    assert b"secret" not in standard_input("secret-script", {"X": "secret-argument"})


@given(st.text(st.characters()), st.lists(st.text(st.characters()), max_size=3))
def test_no_text_of_an_argument_is_ever_part_of_the_code(text: str, many: list[str]) -> None:
    code = decoded(standard_input("SCRIPT", {"Text": text, "Many": many}))
    behind = code.partition("SCRIPT\n} ")[2]

    expression = r"\(\[Text\.Encoding\]::Unicode\.GetString\(\[Convert\]::FromBase64String\('[A-Za-z0-9+/=]*'\)\)\)"
    assert re.fullmatch(rf"-Text {expression} -Many @\(({expression}(,{expression})*)?\)", behind)


def test_a_switch_takes_its_value_by_a_colon() -> None:
    assert decoded(standard_input("S", {"On": True, "Off": False})).endswith("-On:$true -Off:$false")


def test_numbers_are_in_brackets() -> None:
    assert decoded(standard_input("S", {"N": -1, "D": 1e-07})).endswith("-N (-1) -D ([double](1e-07))")


def test_the_script_begins_on_the_first_line() -> None:
    assert decoded(standard_input("line one\nline two", {})).startswith("& { line one\nline two")


def test_the_lines_of_the_input_are_short() -> None:
    assert max(len(line) for line in standard_input("x" * 100_000, {}).splitlines()) <= 1024


def test_the_objects_of_a_complete_answer_are_its_output() -> None:
    found = answer(said(RECORD.format(0, "a"), RECORD.format(1, "b"), ENDED.format(MARK, "well")), MARK)

    assert found.output == [{"Kind": "a"}, {"Kind": "b"}]
    assert found.reported == []


def test_only_the_output_stream_is_output() -> None:
    other = RECORD.format(5, "x").replace('S="Output"', 'S="progress"')

    assert answer(said(other, ENDED.format(MARK, "well")), MARK).output == []


def test_an_error_among_the_output_is_reported() -> None:
    error = (
        f'<Obj S="Output" RefId="1"><MS><S N="EasfixMark">{MARK}</S><S N="Ended">badly</S>'
        '<S N="FullyQualifiedErrorId">Id</S><S N="Message">why</S><S N="Type">System.Exception</S></MS></Obj>'
    )
    found = answer(said(RECORD.format(0, "a"), error), MARK)

    assert found.output == [{"Kind": "a"}]
    assert found.reported[0]["FullyQualifiedErrorId"] == "Id"
    assert found.reported[0]["Exception"] == {"Message": "why", "Type": "System.Exception"}


def test_an_object_that_only_looks_like_the_end_is_output() -> None:
    forged = ENDED.format("another mark", "well")

    with pytest.raises(Incomplete):
        answer(said(forged), MARK)


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"'powershell.exe' is not recognized",
        b"#< CLIXML\r\n",
        said(RECORD.format(0, "a")),
        said(RECORD.format(0, "a"), ENDED.format(MARK, "well"))[:-3],
        said(RECORD.format(0, "a"))[:60],
    ],
)
def test_an_answer_without_its_end_is_incomplete(stdout: bytes) -> None:
    with pytest.raises(Incomplete):
        answer(stdout, MARK)


def test_a_byte_order_mark_and_words_before_the_objects_do_not_matter() -> None:
    assert (
        answer(b"\xef\xbb\xbf" + b"Active code page: 65001\r\n" + said(ENDED.format(MARK, "well")), MARK).output == []
    )


def test_bytes_of_another_code_page_do_not_take_the_answer_away() -> None:
    record = said(RECORD.format(0, "caf\xe9"), ENDED.format(MARK, "well")).replace(b"\xc3\xa9", b"\xe9")

    assert answer(record, MARK).output == [{"Kind": "caf\ufffd"}]


def test_words_of_standard_error_are_readable() -> None:
    assert words(b'#< CLIXML\r\n<Objs><S S="Error">one_x000D__x000A_</S><S S="Error">two</S></Objs>') == "one two"


def decoded(lines: bytes) -> str:
    return base64.b64decode(b"".join(lines.split())).decode("utf-8")


@pytest.mark.parametrize("place", ["At line:1 char:6", "Bei Zeile:1 Zeichen:6", "Au niveau de ligne : 1 Caractère : 6"])
def test_words_of_standard_error_do_not_say_where_in_the_script(place: str) -> None:
    lines = ["Out of memory.", place, "+ $x.Grow <<<< ()", "    + CategoryInfo          : NotSpecified: (:) []", "Bye."]
    xml = "".join(f'<S S="Error">{line}_x000D__x000A_</S>' for line in lines)

    assert words(f"#< CLIXML\r\n<Objs>{xml}</Objs>".encode()) == "Out of memory. Bye."
