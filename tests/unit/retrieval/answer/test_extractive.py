"""Answers in the tenant's own words."""

from retrieval.answer.context import RetrievedChunk
from retrieval.answer.extractive import best_sentences

LONG = (
    "فروشگاه ما از سال ۱۳۹۰ در شیراز باز است و هر روز مهمان دارد. "
    "هزینه ارسال با پست برای همه شهرها ۶۵ هزار تومان است. "
    "مدیر فروشگاه دوست دارد با مشتریان حرف بزند و چای بنوشد. "
    "ارسال با پیک فقط در شیراز است. "
    "دیوارهای فروشگاه سبز است و پنجره‌های بزرگی رو به باغ دارد."
)


def a_result(
    text: str,
    *,
    title: str = "",
    source: str = "faq",
    score: float = 1.0,
    parent: str = "",
) -> RetrievedChunk:
    return RetrievedChunk(
        chunk_id="c",
        document_id="d",
        source=source,
        title=title,
        url=None,
        text=text,
        parent_text=parent or text,
        score=score,
        rrf_score=1 / 61,
        dense_rank=1,
        dense_similarity=0.9,
        sparse_rank=None,
        sparse_score=None,
    )


def test_a_short_answer_is_given_whole() -> None:
    text = "بله.\nتا ۷ روز، با برچسب؛ وگرنه نه!"
    answer = best_sentences("پس می‌گیرید؟", [a_result(text, title="مرجوعی")])
    assert answer.text == text
    assert [(part.chunk_index, part.text) for part in answer.citations] == [(0, text)]


def test_a_short_parent_is_given_rather_than_its_half() -> None:
    parent = "تا ۷ روز پس بدهید. برچسب نکنید."
    answer = best_sentences("مرجوعی", [a_result("برچسب نکنید.", parent=parent)])
    assert answer.text == parent


def test_of_a_long_passage_come_the_sentences_that_share_most_in_their_order() -> None:
    answer = best_sentences(
        "هزینه ارسال با پیک", [a_result(LONG)], 2, full_answer_max_chars=100
    )
    assert answer.text == (
        "هزینه ارسال با پست برای همه شهرها ۶۵ هزار تومان است. "
        "ارسال با پیک فقط در شیراز است."
    )


def test_another_language_gets_the_beginning() -> None:
    answer = best_sentences(
        "When did you open?", [a_result(LONG)], 1, full_answer_max_chars=100
    )
    assert answer.text == "فروشگاه ما از سال ۱۳۹۰ در شیراز باز است و هر روز مهمان دارد."


def test_a_products_answer_opens_with_its_name() -> None:
    answer = best_sentences(
        "قیمت",
        [a_result("قیمت ۵۸۰ هزار تومان.", title="شومیز نسیم", source="products")],
    )
    assert answer.text == "شومیز نسیم\nقیمت ۵۸۰ هزار تومان."


def test_a_question_about_two_things_is_answered_from_two_chunks() -> None:
    chunks = [
        a_result("پست ۶۵ هزار تومان است.", title="هزینه ارسال"),
        a_result("شلوار جین آبی.", title="شلوار", score=0.9),
        a_result("شعبه جمعه تعطیل است.", title="تعطیلی شعبه", score=0.8),
    ]
    answer = best_sentences("پست چند تومان است و شعبه جمعه تعطیل است؟", chunks)
    assert [part.chunk_index for part in answer.citations] == [0, 2]
    assert answer.text == "پست ۶۵ هزار تومان است.\n\nشعبه جمعه تعطیل است."


def test_a_far_second_chunk_stays_out() -> None:
    chunks = [
        a_result("پست ۶۵ هزار تومان است."),
        a_result("شعبه جمعه تعطیل است.", score=0.3),
    ]
    answer = best_sentences("پست چند تومان است و شعبه جمعه تعطیل است؟", chunks)
    assert [part.chunk_index for part in answer.citations] == [0]


def test_no_chunks_give_no_words() -> None:
    answer = best_sentences("هزینه ارسال", [])
    assert (answer.text, answer.citations) == ("", ())
