"""How much a question asks, by hand."""

import pytest

from retrieval.query.complexity import query_complexity


def test_content_words_count_up_to_a_dozen() -> None:
    # هزینه، ارسال، شیراز: three of twelve, in one clause.
    assert query_complexity("هزینه ارسال به شیراز چقدر است؟") == pytest.approx(
        0.5 * 3 / 12
    )


def test_clauses_beyond_the_first_count_up_to_three() -> None:
    # مانتو، قیمت، رنگ، سایز: four words in four clauses.
    question = "مانتو چنده؟ قیمت؟ رنگ؟ سایز؟"
    assert query_complexity(question) == pytest.approx(0.5 * 4 / 12 + 0.5)


@pytest.mark.parametrize("question", ["", "چقدر؟", "and what is it?"])
def test_a_question_about_nothing_is_simple(question: str) -> None:
    assert query_complexity(question) == 0.0


def test_no_question_is_harder_than_the_hardest() -> None:
    assert query_complexity("مانتو شلوار روسری، " * 50) == 1.0
