"""The short way of a bag over the wire ends in what psrpcore would have written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore._crypto import PSRemotingCrypto
from psrpcore.types import serialize

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clixml import flat
from agent.lab.powershell.extended import Extended, extend
from agent.lab.powershell.values import Char, Hashtable, Long
from agent.lab.powershell.wire import to_wire

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
NAMES = st.text("abcXYZ_0 <>&\"'", min_size=1, max_size=8)


def long_way(value: Any) -> bytes:
    written: bytes = ET.tostring(serialize(to_wire(value), PSRemotingCrypto()), encoding="utf-8")
    return written


@given(st.dictionaries(NAMES, PLAIN, max_size=5))
def test_a_flat_bag_is_written_as_psrpcore_writes_it(properties: dict[str, Any]) -> None:
    bag = CustomObject(properties)
    written = flat(bag)

    assert written is None or written == long_way(bag)


def test_what_scripts_answer_with_goes_the_short_way() -> None:
    bag = CustomObject({"Path": "W3SVC/1/ROOT", "Flags": 8, "Big": 2**40, "Ssl": True, "Null": None, "Empty": ""})

    assert flat(bag) == long_way(bag)


@pytest.mark.parametrize("held", ["a\r\n", "a\x00", "\x7f\x9f", "_x0041_", "_X", "__x", "<\n>"])
def test_what_xml_cannot_carry_is_written_as_psrpcore_writes_it(held: str) -> None:
    bag = CustomObject({"Held": held})

    assert flat(bag) == long_way(bag)


@pytest.mark.parametrize("held", ["\U0001f600", "\ud83d", Char("c"), Long(1), 1.5, [1], Hashtable([("a", 1)])])
def test_what_is_not_plain_goes_the_long_way(held: Any) -> None:
    assert flat(CustomObject({"Held": held})) is None


def test_a_bag_with_added_members_goes_the_long_way() -> None:
    bag = CustomObject({"A": 1})
    extend(bag, Extended("B", "NoteProperty", 2))

    assert flat(bag) is None
