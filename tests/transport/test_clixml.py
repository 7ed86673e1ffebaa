"""CLIXML: what each element becomes, and strings that survive the way there and back."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.transport.clixml import BadClixml, Plain, document, escape, parse, scalar, unescape

BAG = """
<Obj RefId="0">
  <TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN>
  <MS>
    <S N="Kind">server</S><I32 N="Flags">264</I32><B N="Explicit">true</B><Nil N="Nothing" />
    <Obj N="List" RefId="1"><TN RefId="1"><T>System.Object[]</T></TN><LST><S>a</S><I32>-1</I32></LST></Obj>
    <Obj N="Inner" RefId="2"><TNRef RefId="0" /><MS><S N="Kind">inner</S></MS></Obj>
    <Ref N="Again" RefId="1" />
  </MS>
</Obj>"""


def test_a_property_bag_becomes_a_dict_of_plain_values() -> None:
    assert parse(BAG) == {
        "Kind": "server",
        "Flags": 264,
        "Explicit": True,
        "Nothing": None,
        "List": ["a", -1],
        "Inner": {"Kind": "inner"},
        "Again": ["a", -1],
    }


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<S>text</S>", "text"),
        ("<S />", ""),
        ("<Nil />", None),
        ("<B>false</B>", False),
        ("<I64>-9223372036854775808</I64>", -(2**63)),
        ("<U64>18446744073709551615</U64>", 2**64 - 1),
        ("<By>255</By>", 255),
        ("<C>65</C>", "A"),
        ("<Db>1.5E-07</Db>", 1.5e-07),
        ("<Db>-INF</Db>", float("-inf")),
        ("<D>12.50</D>", 12.5),
        ("<Version>2.0</Version>", "2.0"),
        ("<G>00000000-0000-0000-0000-000000000000</G>", "00000000-0000-0000-0000-000000000000"),
        ("<SS>c2VjcmV0</SS>", None),
        ("<DT>2008-04-11T17:42:32.2731993Z</DT>", datetime(2008, 4, 11, 17, 42, 32, 273199, UTC)),
        (
            "<DT>2008-04-11T10:42:32.2731993-07:00</DT>",
            datetime(2008, 4, 11, 10, 42, 32, 273199, timezone(-timedelta(hours=7))),
        ),
        ("<DT>2008-04-11T10:42:32</DT>", datetime(2008, 4, 11, 10, 42, 32)),
        ('<Obj RefId="0"><S>C:\\x</S><MS><S N="PSPath">p</S></MS></Obj>', "C:\\x"),
        ('<Obj RefId="0"><DCT><En><S N="Key">a</S><I32 N="Value">1</I32></En></DCT></Obj>', {"a": 1}),
        ('<Obj RefId="0"><Props><S N="A">adapted</S></Props><MS><S N="A">added</S></MS></Obj>', {"A": "added"}),
        ('<Obj RefId="0"><LST /></Obj>', []),
        ('<Obj RefId="0"><QUE><I32>1</I32></QUE></Obj>', [1]),
        ('<Obj RefId="0"><ToString>only words</ToString></Obj>', "only words"),
        ('<Obj RefId="0"><MS /></Obj>', {}),
        (
            '<Obj RefId="0"><TN RefId="0"><T>System.ServiceProcess.ServiceControllerStatus</T><T>System.Enum</T></TN>'
            "<ToString>Running</ToString><I32>4</I32></Obj>",
            "Running",
        ),
        (
            '<Obj RefId="0"><TN RefId="0"><T>Deserialized.System.IO.IOException</T>'
            '<T>Deserialized.System.Exception</T></TN><Props><S N="Message">full</S></Props></Obj>',
            {"Message": "full", "Type": "System.IO.IOException"},
        ),
    ],
)
def test_each_element_has_its_plain_value(xml: str, value: Plain) -> None:
    assert parse(xml) == value


def test_an_object_that_points_to_itself_comes_to_an_end() -> None:
    assert parse('<Obj RefId="0"><MS><Ref N="Me" RefId="0" /></MS></Obj>') is not None


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "no xml",
        "<S>open",
        "<Unknown />",
        "<I32>x</I32>",
        "<DT>yesterday</DT>",
        "<C>99999999</C>",
        '<Ref RefId="7" />',
        '<Obj RefId="0"><DCT><En><S N="Key">a</S></En></DCT></Obj>',
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><S>&a;</S>',
        '<Obj RefId="0"><LST>' * 100 + "</LST></Obj>" * 100,
    ],
)
def test_nonsense_is_refused_in_one_way(xml: str) -> None:
    with pytest.raises(BadClixml):
        parse(xml)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_survives_the_way_there_and_back(text: str) -> None:
    wire = ET.tostring(scalar(text), encoding="utf-8").decode("utf-8")

    assert parse(wire) == text


@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none(), st.floats(allow_nan=False)))
def test_every_scalar_survives_the_way_there_and_back(value: int | float | bool | None) -> None:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        with pytest.raises(ValueError, match="no number"):
            scalar(value)
        return

    assert parse(ET.tostring(scalar(value), encoding="unicode")) == value


@pytest.mark.parametrize(
    ("value", "tag"), [(5, "I32"), (2**31, "I64"), (-(2**31) - 1, "I64"), (True, "B"), (0.1, "Db")]
)
def test_a_number_is_as_wide_as_it_needs_to_be(value: int | float, tag: str) -> None:
    assert scalar(value).tag == tag


@pytest.mark.parametrize("value", [2**63, float("nan"), float("inf")])
def test_a_number_without_room_is_refused(value: float) -> None:
    with pytest.raises(ValueError):
        scalar(value)


def test_what_looks_like_an_escape_stays_text() -> None:
    assert escape("_x0041_") == "_x005F_x0041_"
    assert unescape(escape("_x0041_")) == "_x0041_"


def test_a_pair_of_escapes_is_one_character() -> None:
    assert unescape("_xD83D__xDE00_") == "\U0001f600"


def test_half_a_pair_is_a_replacement_character() -> None:
    assert unescape("a_xD83D_b") == "a\ufffdb"


def test_what_xml_cannot_carry_is_escaped() -> None:
    assert escape("\x00\r\n\ud800\ufffe") == "_x0000__x000D__x000A__xD800__xFFFE_"


def doubled(levels: int) -> str:
    """An object that refers twice to one that refers twice, and so on: two to the power of `levels` values."""
    made = '<Obj RefId="0"><LST><S>x</S></LST></Obj>'
    for number in range(1, levels):
        made += f'<Obj RefId="{number}"><LST><Ref RefId="{number - 1}" /><Ref RefId="{number - 1}" /></LST></Obj>'
    return f'<Obj RefId="{levels}"><LST>{made}</LST></Obj>'


def test_references_that_multiply_are_counted_and_not_followed() -> None:
    """A text of 4 KB would become a gigabyte for whoever writes it down."""
    assert parse(doubled(8))
    with pytest.raises(BadClixml, match="more than"):
        parse(doubled(50))


def test_empty_elements_are_counted_before_a_tree_is_made_of_them() -> None:
    """The tree of these would take a gigabyte."""
    with pytest.raises(BadClixml, match="more than"):
        document(f"<Objs>{'<a/>' * 400_000}</Objs>")
