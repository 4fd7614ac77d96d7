"""A chunk is read into the statements that an answer may quote."""

from dataclasses import replace

import pytest

from retrieval.answer.facts import name_cell, read_facts
from retrieval.documents.blocks import BlockKind, Cell
from retrieval.query.terms import make_term
from tests.unit.retrieval.answer.asking import facts_of
from tests.unit.retrieval.shops import BAKERY, BICYCLES, cut


def test_every_sentence_of_a_paragraph_is_a_fact_of_its_heading() -> None:
    facts = facts_of(BICYCLES[1:2])
    assert [fact.text for fact in facts][:2] == [
        "سرویس کامل دوچرخه ۶۸۰ هزار تومان است.",
        "پنچرگیری ۹۰ هزار تومان است و نیم ساعت طول می‌کشد.",
    ]
    assert {fact.subject for fact in facts} == {"تعمیرگاه"}
    assert [fact.place for fact in facts] == [0, 1, 2]


def test_a_row_of_a_table_is_one_fact_named_by_its_first_words() -> None:
    first, *_ = facts_of(BICYCLES[:1])
    assert first.kind is BlockKind.TABLE_ROW
    assert first.subject == "دوچرخه کوهستان البرز"
    assert [cell.cell.name for cell in first.cells] == [
        "مدل",
        "قیمت",
        "وزن",
        "سایز چرخ",
    ]


def test_a_row_is_named_by_its_first_cell_in_words() -> None:
    row = (Cell("کد", "B13"), Cell("نام", "زین چرمی"), Cell("قیمت", "۹۰۰ هزار"))
    assert name_cell(row) == Cell("نام", "زین چرمی")
    assert name_cell(row[:1]) == Cell("کد", "B13")


def test_the_answer_of_a_pair_is_found_by_its_question() -> None:
    fact = facts_of(BAKERY)[0]
    assert fact.text == "بله، هر روز صبح نان سنگک کنجدی داریم."
    assert fact.question.match(make_term("سنگک")) == 1.0


def test_a_line_is_named_by_what_stands_before_its_colon() -> None:
    fact = facts_of(BAKERY[1:])[0]
    assert fact.subject == "نان بربری"
    assert fact.name.match(make_term("بربری")) == 1.0


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param(
            "- دوخت مانتو: ۱۰ روز طول می‌کشد. پارچه با شماست.\n- اتو: نداریم.",
            ["دوخت مانتو: ۱۰ روز طول می‌کشد. پارچه با شماست.", "اتو: نداریم."],
            id="a named item is whole",
        ),
        pytest.param(
            "- ده روز طول می‌کشد. پارچه با شماست.\n- اتو نداریم.",
            ["ده روز طول می‌کشد.", "پارچه با شماست.", "اتو نداریم."],
            id="a nameless one is its sentences",
        ),
    ],
)
def test_an_item_of_a_list_stays_with_its_name(text: str, facts: list[str]) -> None:
    assert [fact.text for fact in facts_of([("خیاطی", text)])] == facts


def test_a_long_answer_of_a_pair_is_quoted_in_parts() -> None:
    answer = " ".join(f"مرحله {n} از کار را خیاط ما انجام می‌دهد." for n in range(12))
    facts = facts_of([("پرسش", f"دوخت کت چطور است؟\n{answer}")])
    assert len(facts) == 12


def test_a_passage_that_says_it_is_no_longer_valid_is_outdated() -> None:
    old = ("نرخ‌نامه", "این نرخ‌نامه منسوخ شده است.\nدوخت شلوار ۳۰۰ هزار تومان است.")
    assert {fact.is_outdated for fact in facts_of([old])} == {True}
    assert {fact.is_outdated for fact in facts_of(BICYCLES)} == {False}


def test_facts_of_a_chunk_are_read_anew_when_a_part_is_cut_out() -> None:
    (chunk, *_) = cut(*BICYCLES[1])
    assert chunk.block is not None
    less = "پنچرگیری ۹۰ هزار تومان است."
    shorter = replace(chunk, text=less, block=replace(chunk.block, text=less))
    assert len(read_facts(chunk)) == 3
    assert [fact.text for fact in read_facts(shorter)] == [less]
    assert read_facts(chunk) is read_facts(chunk)


def test_a_chunk_without_a_block_is_a_paragraph() -> None:
    (chunk, *_) = cut(*BICYCLES[1])
    bare = replace(chunk, block=None, text="سلام. صبح‌ها باز هستیم.")
    facts = read_facts(bare)
    assert [(fact.kind, fact.text) for fact in facts] == [
        (BlockKind.PARAGRAPH, "سلام."),
        (BlockKind.PARAGRAPH, "صبح‌ها باز هستیم."),
    ]
