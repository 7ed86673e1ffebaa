"""The lab's WBXML: what it writes it reads, and what is broken it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.web.wbxml import FOLDER_HIERARCHY, PAGES, Element, WbxmlError, decode, element, encode

FOLDER = "FolderHierarchy"


def test_a_first_folder_sync_is_the_documented_thirteen_bytes() -> None:
    """The bytes every ActiveSync 2.5 device sends for SyncKey 0."""
    request = element(FOLDER, "FolderSync", element(FOLDER, "SyncKey", "0"))

    assert encode(request) == bytes.fromhex("03016a000007565203300001") + b"\x01"


def test_a_page_is_switched_only_when_it_changes() -> None:
    written = encode(element(FOLDER, "FolderSync", element(FOLDER, "Status", "1"), element(FOLDER, "SyncKey", "2")))

    assert written.count(b"\x00\x07") == 1


_tags = st.sampled_from([(PAGES[page][0], name) for page in PAGES for name in PAGES[page][1]])
_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
_trees = st.recursive(
    st.builds(lambda tag, text: Element(*tag, text), _tags, _text),
    lambda inner: st.builds(lambda tag, children: Element(*tag, "", children), _tags, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(_trees)
def test_every_tree_comes_back_as_it_went(tree: Element) -> None:
    assert decode(encode(tree)) == tree


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_wbxml_error(raw: bytes) -> None:
    try:
        decode(raw)
    except WbxmlError as refused:
        assert str(refused)


@given(_trees, st.integers(min_value=0, max_value=400))
def test_a_document_cut_short_is_refused(tree: Element, at: int) -> None:
    whole = encode(tree)

    with pytest.raises(WbxmlError):
        decode(whole[: at % len(whole)])


def test_nothing_is_nested_deeper_than_the_limit() -> None:
    with pytest.raises(WbxmlError, match="too large"):
        decode(b"\x03\x01\x6a\x00\x00\x07" + bytes([FOLDER_HIERARCHY["Folder"] | 0x40]) * 5000)


def test_an_unknown_tag_has_no_bytes() -> None:
    with pytest.raises(WbxmlError, match="no token"):
        encode(element(FOLDER, "Nonsense"))


def test_a_path_finds_the_text_below() -> None:
    tree = element(FOLDER, "FolderSync", element(FOLDER, "Changes", element(FOLDER, "Count", "6")))

    assert (tree.value("Changes", "Count"), tree.value("Changes", "Missing", "Deeper")) == ("6", "")
