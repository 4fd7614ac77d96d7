"""Grounding finds the numbers of a text that are not in the facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.analysis.digest_words import Language, render_number
from actors.monitor.analysis.grounding import find_ungrounded_numbers

FACTS = (
    "api-v2, 2026-11-20 04:30 to 2026-11-21 04:30 (UTC). 1288 checks, 12 failed:"
    " 99.07% passed (a week before: 99.9%). 412 ms, usually 98.4 ms."
)


@pytest.mark.parametrize(
    "text",
    [
        "12 of 1288 checks failed.",
        "12 of 1,288 checks failed; 99.1% passed, or 99%.",
        "From 04:30 on 2026-11-21 answers took 412 ms instead of 98 ms.",
        "۱۲ بررسی از ۱٬۲۸۸ ناموفق بود و ۹۹٫۱٪ موفق.",
        "١٢ بررسی ناموفق بود.",
        "api-v2 got slow.",
        "It got slow.",
        "",
    ],
)
def test_what_the_facts_say_may_be_said_rounded_and_in_any_digits(text: str) -> None:
    assert find_ungrounded_numbers(text, FACTS, ["api-v2"]) == ()


@pytest.mark.parametrize(
    ("text", "ungrounded"),
    [
        ("13 checks failed.", ("13",)),
        ("۱۳ بررسی ناموفق بود.", ("13",)),
        ("It took 412.5 ms.", ("412.5",)),
        ("It was 4.2 times as slow, 12 failed.", ("4.2",)),
        ("99.2% passed.", ("99.2",)),
        ("api-v3 failed.", ("3",)),
    ],
)
def test_what_the_facts_do_not_say_is_found(
    text: str, ungrounded: tuple[str, ...]
) -> None:
    assert find_ungrounded_numbers(text, FACTS, ["api-v2"]) == ungrounded


@given(
    number=st.floats(0, 1e9),
    decimals=st.integers(0, 3),
    language=st.sampled_from(Language),
)
def test_a_number_as_we_write_it_is_never_an_invention(
    number: float, decimals: int, language: Language
) -> None:
    facts = render_number(number, Language.ENGLISH, 3)
    said = render_number(float(facts), language, decimals)
    assert find_ungrounded_numbers(f"({said})", facts) == ()


@given(text=st.text(), facts=st.text(), names=st.lists(st.text(), max_size=3))
def test_no_text_breaks_it(text: str, facts: str, names: list[str]) -> None:
    find_ungrounded_numbers(text, facts, names)
    assert find_ungrounded_numbers(text, text) == ()
