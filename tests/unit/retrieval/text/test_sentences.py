"""Where sentences end, and where they only seem to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text.sentences import sentence_spans, split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["ارسال رایگان است.", "چند روز طول می‌کشد؟", "دو روز!", "صبر کنید…", "رسید."],
        ["قیمت ۱٬۲۸۰٬۰۰۰ تومان است.", "کد ۱۰۲۱.", "سایز M.", "قیمت 3.5 دلار است."],
        ["قیمت 1.280.000 تومان، قد ۱٫۷۵ متر."],
        ["سایت ما www.shop.example/a.b?x=1 است.", "ببینید."],
        ["به help.desk@shop.example بنویسید.", "پاسخ می‌دهیم."],
        ["نگاه کنید: https://shop.example/size.", "بعد بخرید."],
        ["ر.ک. ج. ۲، ص. ۱۴ را ببینید.", "م. رضایی نوشت."],
        ["Dr. Amini came.", "No.", "We don't.", "See no. 5, e.g. shirts."],
        ["J. Smith sells shirts, coats, etc. and more.", "Really?"],
        ["او گفت: «بله.»", "و رفت."],
        ["واقعاً؟!", "نه..."],
        ["1. اندازه بگیرید.", "۲. سفارش دهید."],
        ["اگر نرسید؛ زنگ بزنید."],
    ],
)
def test_sentences_come_back_as_they_were_joined(sentences: list[str]) -> None:
    assert list(split_sentences("\n".join(sentences))) == sentences
    if not sentences[0].startswith("1."):
        assert list(split_sentences(" ".join(sentences))) == sentences


def test_a_forgotten_blank_still_parts_persian_sentences() -> None:
    assert split_sentences("ارسال رایگان است.زمان آن دو روز است!خوب است؟بله") == (
        "ارسال رایگان است.",
        "زمان آن دو روز است!",
        "خوب است؟",
        "بله",
    )


def test_lines_are_sentences_and_blank_ones_are_none() -> None:
    assert split_sentences("سایز ۳۸\n\n  سایز ۴۰\t\n") == ("سایز ۳۸", "سایز ۴۰")


def test_a_stray_mark_belongs_to_the_sentence_before_it() -> None:
    assert split_sentences("سلام ! ! خوبی") == ("سلام ! !", "خوبی")


def test_an_emoji_line_of_its_own_is_kept() -> None:
    assert split_sentences("🌹\nسلام") == ("🌹", "سلام")


@given(st.text(st.sampled_from("اب1.؟!…\n «»)a@/ wA"), max_size=60))
def test_nothing_but_blanks_lies_between_sentences(text: str) -> None:
    end = 0
    for span in sentence_spans(text):
        assert not text[end : span.start].strip()
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""
        end = span.end
    assert not text[end:].strip()


@pytest.mark.parametrize("piece", ["a", "a.", "a@", ".", " ", ". ", "a-", "ا؟"])
def test_a_hundred_thousand_characters_are_split_in_linear_time(piece: str) -> None:
    # The test's own time limit is the assertion: a square would take hours.
    split_sentences(piece * (100_000 // len(piece)))
