"""Scripts over the wire, by each way in: the same objects, the same errors, and arguments that stay data."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from visiting import ECHO, Visits, script

from agent import errors
from agent.model import Scalar
from agent.printable import in_line

HOSTILE = [
    "",
    " ",
    "'",
    "''",
    "'; throw 'injected'; '",
    '"; throw "injected"',
    "$(throw 'injected')",
    "`$x",
    "\u2019; throw \u2019injected\u2019",  # PowerShell takes these for quotes as well
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e",
    "} ; throw 'injected' ; & {",
    "-Text injected",
    "--%",
    "@(1)",
    "#",
    "<#",
    "a\r\nb\nc\td",
    "%PATH% & whoami | more > x ^",
    "\\",
    "]]>&amp;<x/>",
    "_x0041__x000D_",
    "äöü é 日本語 \U0001f600",
    "x" * 20000,
]

EVERYTHING = """$ErrorActionPreference = 'Stop'
New-Object -TypeName 'PSObject' -Property @{
    Kind = 'all'
    Number = 264
    Negative = -1
    Long = 5000000000
    Real = 0.25
    Yes = $true
    Nothing = $null
    Word = 'caf\u00e9 & <x>'
    Words = @('a', 'b')
    One = @('a')
    None = @()
    Inner = New-Object -TypeName 'PSObject' -Property @{ Depth = 2 }
    When = [DateTime]'2008-04-11 10:42:32'
}
"""


def test_an_object_arrives_as_plain_values(visits: Visits) -> None:
    answer = visits.run(EVERYTHING)

    assert len(answer) == 1
    found = dict(answer[0])
    assert found.pop("When") == datetime(2008, 4, 11, 10, 42, 32)
    found.pop("Inner")  # how deep a host serializes is its own affair; our scripts answer flat
    assert found == {
        "Kind": "all",
        "Number": 264,
        "Negative": -1,
        "Long": 5000000000,
        "Real": 0.25,
        "Yes": True,
        "Nothing": None,
        "Word": "café & <x>",
        "Words": ["a", "b"],
        "One": ["a"],
        "None": [],
    }


def test_objects_arrive_in_their_order(visits: Visits) -> None:
    text = "foreach ($n in @(3, 1, 2)) { New-Object -TypeName 'PSObject' -Property @{ N = $n } }"

    assert visits.run(text) == [{"N": 3}, {"N": 1}, {"N": 2}]


def test_a_script_may_answer_nothing(visits: Visits) -> None:
    assert visits.run("$x = 1") == []


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:24]))
def test_a_hostile_argument_is_text_and_nothing_else(visits: Visits, text: str) -> None:
    answer = visits.run(ECHO, {"Text": text, "Many": [text, "x"]})

    assert answer[0]["Text"] == in_line(text)
    assert answer[0]["Many"] == [in_line(text), "x"]


def test_characters_that_xml_cannot_carry_arrive_too(visits: Visits) -> None:
    text = "param([string]$X)\nNew-Object -TypeName 'PSObject' -Property @{ Codes = [int[]][char[]]$X }"

    assert visits.run(text, {"X": "\x00\x01\x1f\x7f\ufffe\r\n\n"}) == [{"Codes": [0, 1, 31, 127, 0xFFFE, 13, 10, 10]}]


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("[int]$X", 264),
        ("[int]$X", -1),
        ("[long]$X", 5000000000),
        ("[double]$X", 0.1),
        ("[bool]$X", True),
        ("[bool]$X", False),
        ("[switch]$X", True),
        ("[switch]$X", False),
        ("[string]$X", "7"),
        ("$X", 7),
    ],
)
def test_an_argument_arrives_with_its_type(visits: Visits, declared: str, value: Scalar) -> None:
    expression = "[bool]$X" if declared.startswith("[switch]") else "$X"
    text = f"param({declared})\nNew-Object -TypeName 'PSObject' -Property @{{ X = {expression} }}"

    assert visits.run(text, {"X": value}) == [{"X": value}]


@pytest.mark.parametrize("value", [["a"], ["a", "b"], [], ["it's", ""]])
def test_a_list_arrives_as_a_list(visits: Visits, value: list[str]) -> None:
    text = "param([string[]]$X)\nNew-Object -TypeName 'PSObject' -Property @{ Count = @($X).Count; X = @($X) }"

    assert visits.run(text, {"X": value}) == [{"Count": len(value), "X": value}]


def test_none_leaves_the_parameter_at_its_default(visits: Visits) -> None:
    text = "param([string]$X = 'default')\nNew-Object -TypeName 'PSObject' -Property @{ X = $X }"

    assert visits.run(text, {"X": None}) == [{"X": "default"}]


@pytest.mark.parametrize("name", ["X; throw", "X Y", "-X", "", "X:", "X\n"])
def test_a_name_that_is_no_name_is_refused_before_anything_is_sent(visits: Visits, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        visits.to().run(script("1"), {name: "x"})


def test_a_terminating_error_is_a_failed_script_with_its_record(visits: Visits) -> None:
    with pytest.raises(errors.ScriptFailed) as caught:
        visits.run("$ErrorActionPreference = 'Stop'\n$x = 1\nthrow 'the reason'")

    assert "the reason" in caught.value.message
    assert caught.value.record.error_id == "the reason"
    assert caught.value.record.category == "OperationStopped"
    assert caught.value.record.exception.endswith("RuntimeException")
    assert not caught.value.untouched


def test_an_error_of_a_cmdlet_names_its_id_and_category(visits: Visits) -> None:
    with pytest.raises(errors.ScriptFailed) as caught:
        visits.run("$ErrorActionPreference = 'Stop'\nGet-Service -Name 'NoSuchService'")

    assert caught.value.record.error_id.startswith("NoServiceFoundForGivenName")
    assert caught.value.record.category == "ObjectNotFound"
    assert "NoSuchService" in caught.value.message


@pytest.mark.parametrize(
    "text", ["throw 'the reason'", "Get-Service -Name 'NoSuchService' -ErrorAction 'Stop'", "if ("]
)
def test_where_in_the_script_it_went_wrong_is_no_part_of_the_message(visits: Visits, text: str) -> None:
    with pytest.raises(errors.ScriptFailed) as caught:
        visits.run(f"$x = 1\n\n{text}")

    assert not re.search(r"char:|line:|CategoryInfo|\bline \d|\+ ", caught.value.message), caught.value.message


def test_an_error_that_the_script_went_on_after_still_counts(visits: Visits) -> None:
    with pytest.raises(errors.ScriptFailed, match="went wrong"):
        visits.run("Write-Error -Message 'went wrong'\nNew-Object -TypeName 'PSObject' -Property @{ N = 1 }")


def test_an_error_that_the_script_caught_does_not_count(visits: Visits) -> None:
    text = "try { throw 'x' } catch { New-Object -TypeName 'PSObject' -Property @{ Caught = \"$_\" } }"

    assert visits.run(text) == [{"Caught": "x"}]


def test_warnings_and_verbose_words_are_no_part_of_the_answer(visits: Visits) -> None:
    text = "Write-Warning 'careful'\n$VerbosePreference = 'Continue'\nWrite-Verbose 'chat'\n" + ECHO.split("\n", 1)[1]

    assert visits.run(text)[0]["Kind"] == "echo"


def test_a_script_that_is_no_powershell_fails_as_a_script(visits: Visits) -> None:
    with pytest.raises(errors.ScriptFailed):
        visits.run("if (")


def test_an_answer_that_is_no_object_is_a_bad_answer(visits: Visits) -> None:
    with pytest.raises(errors.BadAnswer, match="instead of an object"):
        visits.run("'only a string'")


def test_the_session_goes_on_after_a_failed_script(visits: Visits) -> None:
    visit = visits.to()
    with pytest.raises(errors.ScriptFailed):
        visit.run(script("throw 'x'"), {})

    assert visit.run(script(ECHO), {"Text": "still here"})[0]["Text"] == "still here"


def test_scripts_do_not_see_each_others_variables(visits: Visits) -> None:
    visit = visits.to()
    visit.run(script("$left = 'behind'"), {})

    answer = visit.run(script("New-Object -TypeName 'PSObject' -Property @{ Seen = \"$left\" }"), {})

    assert answer == [{"Seen": ""}]


def test_a_megabyte_arrives_whole(visits: Visits) -> None:
    text = (
        "foreach ($n in @(1, 2, 3, 4)) { New-Object -TypeName 'PSObject' -Property "
        "@{ N = $n; Texts = @('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' | ForEach-Object { $_ * 32768 }) } }"
    )

    answer = visits.run(text)

    texts = [letter * 32768 for letter in "abcdefgh"]
    assert answer == [{"N": n, "Texts": texts} for n in (1, 2, 3, 4)]


def test_one_text_is_no_longer_than_any_script_of_ours_would_answer(visits: Visits) -> None:
    (answer,) = visits.run("New-Object -TypeName 'PSObject' -Property @{ Text = ('x' * 262144) }")

    assert answer == {"Text": "x" * 32768}


def test_a_script_of_400_kilobytes_arrives_whole(visits: Visits) -> None:
    text = "# " + "x" * 400_000 + "\n" + ECHO.replace("param([string]$Text, [string[]]$Many)", "$Text = 'end'")

    assert visits.run(text)[0]["Text"] == "end"


def test_twenty_scripts_fit_one_visit(visits: Visits) -> None:
    visit = visits.to()

    answers = [visit.run(script(ECHO), {"Text": str(number)})[0]["Text"] for number in range(20)]

    assert answers == [str(number) for number in range(20)]


def test_what_a_server_says_does_nothing_to_a_terminal(visits: Visits) -> None:
    """Neither colours and cursors nor letters in another order, nor a line of its own making."""
    (answer,) = visits.run(ECHO, {"Text": "a\x9b2Jb\u202ec\r\n\te"})

    assert answer["Text"] == "a\ufffd2Jb\ufffdc \te"


def test_the_words_of_an_error_do_nothing_to_a_terminal(visits: Visits) -> None:
    with pytest.raises(errors.ScriptFailed) as caught:
        visits.to().run(script("param([string]$Text)\nthrow $Text"), {"Text": "a\x9b2Jb\nEX99 right\u202ec"})

    assert caught.value.message == "test: a 2Jb EX99 right c"
