"""One word, one spelling; and nothing that a C library would choke on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.text.normalise import normalise, normalise_mildly

TEXTS = st.text(
    st.one_of(
        st.characters(), st.sampled_from("هیيكئۀآأة\u200c\u0654\u064e٬٫.,،۱1٠ ـA_İ\n\0")
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("كتاب علي", "کتاب علی"),
        ("موسى", "موسی"),
        ("مـــانتو", "مانتو"),
        ("لطفاً، مُحَمَّد!", "لطفا محمد"),
        ("می‌شود", "میشود"),
        ("خانه‌ی ما", "خانه ما"),
        ("خانۀ ما", "خانه ما"),
        ("خانهٔ ما", "خانه ما"),
        ("خانه ی ما", "خانه ما"),
        ("خانه‌ای", "خانهای"),
        ("آدرس", "ادرس"),
        ("مسئول تأیید", "مسیول تایید"),
        ("۱٬۲۸۰٬۰۰۰ تومان", "1280000 تومان"),
        ("1,280,000", "1280000"),
        ("١٢٫٥", "12.5"),
        ("۲۱، ۲۲", "21 22"),
        ("AVIN10!", "avin10"),
        ("café", "cafe"),
        ("ﻻﻟﻪ", "لاله"),
        ("\u200fسلام\ufeff", "سلام"),
        ("", ""),
        ("؟!", ""),
    ],
)
def test_a_word_is_searched_in_one_spelling(written: str, searched: str) -> None:
    assert normalise(written) == searched


@pytest.mark.parametrize(
    ("written", "embedded"),
    [
        ("كتاب‌هاي علي؟", "کتاب‌های علی؟"),
        ("قيمت ۱٬۲۸۰٬۰۰۰", "قیمت 1٬280٬000"),
        ("مُـــحَمَّد", "محمد"),
        ("آدرس Shop", "آدرس Shop"),
        ("پیش\0از پس", "پیشاز پس"),
        ("half \ud83d pair", "half  pair"),
    ],
)
def test_the_mild_form_stays_readable(written: str, embedded: str) -> None:
    assert normalise_mildly(written) == embedded


@settings(max_examples=300)
@given(TEXTS)
def test_both_forms_are_fixed_points_and_encodable(text: str) -> None:
    for form in (normalise, normalise_mildly):
        once = form(text)
        assert form(once) == once
        assert b"\0" not in once.encode()


@given(TEXTS)
def test_the_mild_form_is_on_the_way_to_the_folded_one(text: str) -> None:
    assert normalise(normalise_mildly(text)) == normalise(text)
