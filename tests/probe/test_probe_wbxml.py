"""The WBXML of FolderSync: what is sent, and what is understood of anything that may come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.web import folders, wbxml
from agent.probe.wbxml import FIRST_FOLDER_SYNC, BrokenWbxml, folder_status


def hierarchy(*content: wbxml.Element) -> bytes:
    return wbxml.encode(wbxml.element("FolderHierarchy", "FolderSync", *content))


def status(text: str) -> wbxml.Element:
    return wbxml.element("FolderHierarchy", "Status", text)


def test_what_is_sent_asks_for_every_folder() -> None:
    sent = wbxml.decode(FIRST_FOLDER_SYNC)

    assert (sent.page, sent.name, sent.value("SyncKey")) == ("FolderHierarchy", "FolderSync", "0")


def test_a_server_understands_it_and_its_answer_is_understood() -> None:
    assert folder_status(folders.folder_sync(FIRST_FOLDER_SYNC)) == 1


@pytest.mark.parametrize("number", [1, 6, 9, 142])
def test_the_status_is_read(number: int) -> None:
    assert folder_status(hierarchy(status(str(number)), wbxml.element("FolderHierarchy", "SyncKey", "1"))) == number


def test_a_status_within_something_else_is_not_the_status() -> None:
    add = wbxml.element("FolderHierarchy", "Add", status("3"))

    assert folder_status(hierarchy(wbxml.element("FolderHierarchy", "Changes", add), status("1"))) == 1


def test_a_body_that_is_cut_behind_the_status_will_do() -> None:
    whole = folders.folder_sync(FIRST_FOLDER_SYNC)

    assert folder_status(whole[: len(whole) // 3]) == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\x7f\x01\x6a\x00",
        b"<html>no</html>",
        hierarchy(),
        hierarchy(status("x")),
        hierarchy(status("1" * 40)),
        wbxml.encode(wbxml.element("Ping", "Ping", wbxml.element("Ping", "Status", "1"))),
        b"\x03\x01\x6a\xff\xff\xff\xff\x7f",
        b"\x03\x01\x6a\x00\x00\x07" + b"\x56" * 100,
        b"\x03\x01\x6a\x00\x01\x01",
        b"\x03\x01\x6a\x00\x00\x07\x56\x4c\x03no end",
        b"\x03\x01\x6a\x00\x00\x07\x56\x4c\xc3\xff\xff\xff\xff\xff",
        b"\x03\x01\x6a\x00\x00\x07\xd6",
    ],
)
def test_anything_else_is_broken(document: bytes) -> None:
    with pytest.raises(BrokenWbxml):
        folder_status(document)


@given(st.binary(max_size=2000))
def test_no_bytes_at_all_do_more_than_be_broken(document: bytes) -> None:
    try:
        found = folder_status(document)
    except BrokenWbxml:
        return

    assert 0 <= found < 100_000


@given(st.integers(4, 200), st.binary(max_size=20))
def test_no_spoiled_answer_does_more_than_be_broken(at: int, junk: bytes) -> None:
    whole = folders.folder_sync(FIRST_FOLDER_SYNC)
    try:
        found = folder_status(whole[:at] + junk + whole[at:])
    except BrokenWbxml:
        return

    assert found >= 0
