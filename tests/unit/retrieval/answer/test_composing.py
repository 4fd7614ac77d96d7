"""Facts are written as an answer: short, plain, and without a cut sentence."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answer.composing import MAX_CHARS, choose_cells, compose, write_fact
from retrieval.answer.matching import NOTHING
from retrieval.text.sentences import split_sentences
from tests.unit.retrieval.answer.asking import (
    choose_from,
    facts_of,
    leaning_on,
    rank,
    read,
)
from tests.unit.retrieval.shops import BAKERY, BICYCLES, Documents

MARKUP = re.compile(r"\*\*|__|`|^#|\|\s*-|<[a-z/]|\]\(", re.MULTILINE)
#: Pieces of documents as owners paste them.
PIECES = (
    "**پنچرگیری** ۹۰ هزار تومان است.",
    "# تعمیرگاه",
    "- زین: ۴۰۰ هزار تومان",
    "| کالا | قیمت |\n|---|---|\n| زین **چرمی** | ۹۰۰ هزار تومان |",
    "پنچرگیری چنده؟\n`۹۰` هزار تومان است.",
    "پنچرگیری نیم ساعت طول می‌کشد و همان روز تحویل داده می‌شود. صبح‌ها خلوت‌تر است.",
    "زین و پنچرگیری را [اینجا](https://example.com/a) ببینید.",
    "__زین__ و *قفل* موجود است.",
)


def answer(documents: Documents, question: str) -> str:
    choice = choose_from(documents, question)
    return compose(read(documents, question), NOTHING, choice.facts)


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("قیمت البرز چنده؟", "دوچرخه کوهستان البرز: قیمت: ۱۸٬۵۰۰٬۰۰۰ تومان"),
        ("وزن نسیم چقدره؟", "دوچرخه شهری نسیم: وزن: ۱۶ کیلوگرم"),
        ("وزن آذرخش", "دوچرخه کورسی آذرخش: وزن: ۹ کیلوگرم"),
        ("هزینه سرویس کامل دوچرخه؟", "سرویس کامل دوچرخه ۶۸۰ هزار تومان است."),
    ],
)
def test_the_asked_cell_or_the_whole_sentence_is_written(
    question: str, written: str
) -> None:
    assert answer(BICYCLES, question) == written


def test_a_pair_is_answered_without_its_question() -> None:
    written = answer(BAKERY, "نان بدون گلوتن دارید؟")
    assert written == "خیر، نان بدون گلوتن نمی‌پزیم."


def test_a_row_is_written_whole_where_no_column_is_asked_for() -> None:
    row = facts_of(BICYCLES)[0]
    written = write_fact(row, read(BICYCLES, "البرز رو توضیح بدید"), NOTHING)
    assert written == (
        "دوچرخه کوهستان البرز: قیمت: ۱۸٬۵۰۰٬۰۰۰ تومان، وزن: ۱۴ کیلوگرم، سایز چرخ: ۲۷.۵"
    )


def test_the_column_of_the_question_before_is_written() -> None:
    row = facts_of(BICYCLES)[2]
    context = leaning_on(BICYCLES, "وزن")
    cells = choose_cells(row, read(BICYCLES, "آذرخش چطور؟"), context)
    assert [cell.cell.name for cell in cells] == ["وزن"]


def test_facts_about_two_things_stand_one_below_the_other() -> None:
    written = answer(BAKERY, "نان باگت و نان بربری چنده؟")
    assert written == "نان بربری: هر عدد ۱۵ هزار تومان\nنان باگت: هر عدد ۲۲ هزار تومان"


#: Sentences of some fifty letters; one of them is about boots.
LONG = "دوخت لباس: " + " ".join(
    [
        *(f"برای پارچه شماره {n} یک هفته زمان لازم است." for n in range(4)),
        "چکمه را فقط سه‌شنبه‌ها تعمیر می‌کنیم.",
    ]
)


def test_a_long_answer_keeps_the_sentences_that_are_asked_for() -> None:
    padding = " ".join(f"قاعده {n} برای همه مشتری‌ها یکسان است." for n in range(12))
    documents = [("خیاطی", f"چکمه تعمیر می‌کنید؟\n{LONG}")]
    (whole, *_) = facts_of(documents)
    (long,) = facts_of([("خیاطی", "چکمه")])
    asked = read(documents, "چکمه تعمیر می‌کنید؟")
    fact = replace(long, text=f"{LONG} {padding}")
    written = compose(asked, NOTHING, (fact,))
    assert len(written) <= MAX_CHARS < len(fact.text)
    assert "چکمه را فقط سه‌شنبه‌ها تعمیر می‌کنیم." in written
    assert {*split_sentences(written)} <= {*split_sentences(fact.text)}
    assert compose(asked, NOTHING, (whole,)) == whole.text


@pytest.mark.parametrize(
    ("document", "joint"),
    [
        ("پنچرگیری ۹۰ هزار تومان است. تویی نو ۱۲۰ هزار تومان است.", " "),
        ("- پنچرگیری ۹۰ هزار تومان است.\n- تویی نو ۱۲۰ هزار تومان است.", "\n"),
    ],
)
def test_neighbours_of_a_paragraph_stay_one_and_items_stay_lines(
    document: str, joint: str
) -> None:
    documents = [("تعمیرگاه", document)]
    facts = facts_of(documents)
    assert len(facts) == 2
    written = compose(read(documents, "پنچرگیری چنده؟"), NOTHING, facts)
    assert written == joint.join(fact.text for fact in facts)


def test_a_row_of_many_columns_keeps_those_that_have_room() -> None:
    columns = [f"ویژگی {n}" for n in range(30)]
    head, rule = " | ".join(columns), "|".join("---" for _ in columns)
    body = " | ".join(f"مقدار خیلی بلند {n}" for n in range(30))
    documents = [("زین", f"| کالا | {head} |\n|---|{rule}|\n| زین چرمی | {body} |")]
    (fact,) = facts_of(documents)
    written = compose(read(documents, "زین چرمی"), NOTHING, (fact,))
    assert written.startswith("زین چرمی: ویژگی 0: مقدار خیلی بلند 0")
    assert 250 < len(written) <= MAX_CHARS


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8),
    st.sampled_from(["پنچرگیری چنده؟", "زین", "قیمت زین و قفل", "تعمیرگاه دارید"]),
)
def test_an_answer_is_short_and_without_markup(pieces: list[str], asked: str) -> None:
    documents = [("فروشگاه", "\n\n".join(pieces))]
    question = read(documents, asked)
    facts = [match.fact for match in rank(documents, asked)[:3]]
    written = compose(question, NOTHING, facts)
    assert len(written) <= MAX_CHARS
    assert MARKUP.search(written) is None
    assert written or not facts
