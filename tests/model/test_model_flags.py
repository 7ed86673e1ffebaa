"""What the flag words mean, and what clearing leaves alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import AuthFlags, SslFlags

WORDS = st.integers(0, 0xFFFF_FFFF)


@pytest.mark.parametrize(
    ("before", "after"),
    [(8, 0), (264, 0), (256, 0), (0, 0), (32 | 8, 32), (128 | 264, 128), (64 | 8, 64), (8 | 32 | 64 | 128 | 256, 224)],
)
def test_clearing_takes_only_ssl_and_128_bit(before: int, after: int) -> None:
    assert SslFlags.of(before).cleared() == after


def test_the_certificate_bit_goes_only_with_leave() -> None:
    assert SslFlags.of(64 | 128 | 8).cleared(certificates=True) == 128


@given(WORDS)
def test_clearing_twice_is_clearing_once(word: int) -> None:
    once = SslFlags.of(word).cleared()

    assert once.cleared() == once


@given(WORDS)
def test_unknown_bits_survive_clearing(word: int) -> None:
    kept = 0xFFFF_FFFF & ~(8 | 256)

    assert int(SslFlags.of(word).cleared()) == word & kept


@given(WORDS)
def test_a_signed_word_from_com_is_the_same_word(word: int) -> None:
    signed = word - 2**32 if word >= 2**31 else word

    assert int(SslFlags.of(signed)) == word


@given(WORDS)
def test_after_clearing_with_leave_nothing_blocks_the_proxy(word: int) -> None:
    assert not SslFlags.of(word).cleared(certificates=True).blocks_proxy


@pytest.mark.parametrize("bit", [8, 64, 256])
def test_each_of_three_bits_blocks_the_proxy(bit: int) -> None:
    assert SslFlags.of(bit).blocks_proxy


@pytest.mark.parametrize(("word", "uses"), [(64, True), (128, True), (32, False), (264, False)])
def test_certificates_are_in_use_when_required_or_mapped(word: int, uses: bool) -> None:
    assert SslFlags.of(word).uses_certificates is uses


def test_a_word_is_told_with_its_number_and_every_bit() -> None:
    assert SslFlags.of(264 | 0x1000).meaning == "4360: SSL required, 128-bit required, 0x1000"
    assert SslFlags.of(0).meaning == "0: none"
    assert AuthFlags.of(6).meaning == "6: Basic, Integrated Windows"
