"""Meaning is trusted less where words are spelled as nowhere."""

from collections.abc import Sequence

import pytest

from retrieval.index.bm25 import Bm25Index
from retrieval.ranking.fusion import doubt_meaning


def share_of(share: float) -> float:
    def strange(words: Sequence[str]) -> float:
        assert words == ["هزینه", "ارسال"]
        return share

    return doubt_meaning("هزینه ارسال چقدره؟", 0.55, 0.4, strange)


def test_known_words_leave_the_weight_as_it_is() -> None:
    assert share_of(0) == 0.55


def test_each_strange_word_costs_its_share_of_a_half() -> None:
    assert share_of(0.2) == pytest.approx(0.45)


def test_the_weight_never_falls_below_the_lowest_nor_rises_to_it() -> None:
    assert share_of(1) == 0.4
    assert doubt_meaning("ارسال", 0.3, 0.4, lambda _: 1) == 0.3
    assert doubt_meaning("ارسال", 0.55, None, lambda _: 1) == 0.55


def test_a_word_is_strange_when_a_piece_of_it_is_in_no_document() -> None:
    index = Bm25Index()
    index.add([1], ["هزینه ارسال با پست"])
    assert index.share_of_strange(["ارسال", "پست"]) == 0
    assert index.share_of_strange(["ارصال", "پست"]) == 0.5
    assert index.share_of_strange([]) == 0
