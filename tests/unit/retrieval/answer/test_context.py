"""Passages for a prompt: numbered, within the budget, said once."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retrieval.answer.context import (
    drop_near_duplicates,
    fill_budget,
    render_passages,
)
from retrieval.text.sentences import split_sentences
from tests.unit.retrieval.samples import a_chunk


def words(text: str) -> int:
    """Count words, as a tokeniser that can be followed by hand."""
    return len(text.split())


LONG = replace(
    a_chunk("a", "ارسال", "جمله یک دو. جمله سه چهار."),
    parent_text="پیش از آن پنج شش. جمله یک دو. جمله سه چهار. پس از آن.",
)
SHORT = a_chunk("b", "مرجوعی", "تا هفت روز.")


def test_passages_are_numbered_under_their_titles_and_addresses() -> None:
    linked = replace(SHORT, title="شرایط\nمرجوعی", url="https://shop.example/r")
    passages = fill_budget([SHORT, linked], 100, words, first_number=3)
    assert render_passages(passages[:1]) == "[3] مرجوعی\nتا هفت روز."
    linked = replace(linked, parent_id=LONG.parent_id)
    passages = fill_budget([SHORT, linked], 100, words, first_number=3)
    assert render_passages(passages) == (
        "[3] مرجوعی\nتا هفت روز.\n\n"
        "[4] شرایط مرجوعی https://shop.example/r\nتا هفت روز."
    )


def test_a_chunk_brings_its_parent_once() -> None:
    sibling = replace(LONG, chunk_id=SHORT.chunk_id, text="پس از آن.")
    (passage,) = fill_budget([LONG, sibling], 100, words)
    assert passage.text == LONG.parent_text


def test_what_has_no_room_comes_shorter_and_never_cut_in_a_sentence() -> None:
    # [1] + title are 2 words; the parent has 14, the chunk 6, its first sentence 3.
    assert fill_budget([LONG], 16, words)[0].text == LONG.parent_text
    assert fill_budget([LONG], 15, words)[0].text == LONG.text
    assert fill_budget([LONG], 7, words)[0].text == "جمله یک دو."
    assert fill_budget([LONG], 4, words) == []


def test_a_passage_that_does_not_fit_leaves_room_for_smaller_ones() -> None:
    first = a_chunk("c", "ساعت", "ده تا نه.")
    passages = fill_budget([first, LONG, SHORT], 10, words)
    assert [passage.chunk for passage in passages] == [first, SHORT]
    assert [passage.number for passage in passages] == [1, 2]


@given(st.integers(0, 60), st.lists(st.sampled_from([LONG, SHORT]), max_size=4))
def test_predecessor_fault_g4_the_budget_is_kept_in_real_tokens(
    budget: int, chunks: list[object]
) -> None:
    known = [chunk for chunk in (LONG, SHORT) if chunk in chunks]
    passages = fill_budget(known, budget, words)
    assert words(render_passages(passages)) <= budget
    for passage in passages:
        whole = split_sentences(passage.chunk.parent_text)
        assert set(split_sentences(passage.text)) <= set(whole)


def test_near_duplicates_are_dropped_and_the_first_stays() -> None:
    original = a_chunk("a", "ارسال", "هزینه ارسال با پست پیشتاز ۴۵ هزار تومان است.")
    copy = a_chunk("b", "ارسال", "هزینه‌ ارسال با پست پيشتاز 45 هزار تومان است!")
    assert drop_near_duplicates([original, copy, SHORT]) == [original, SHORT]


def test_one_digit_makes_another_fact() -> None:
    texts = [f"مانتو لینن تابستانی سایز ۳۸ قیمت {n}۰۰ هزار تومان" for n in "۵۶"]
    chunks = [a_chunk(text, "مانتو لینن", text) for text in texts]
    assert drop_near_duplicates(chunks) == chunks


def test_one_description_under_two_names_is_two_products() -> None:
    text = "پیراهن نخی آستین بلند."
    chunks = [a_chunk(name, f"پیراهن {name}", text) for name in ("آرام", "سپید")]
    assert drop_near_duplicates(chunks) == chunks
