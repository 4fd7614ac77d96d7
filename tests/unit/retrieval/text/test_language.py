"""Persian or English, by script; links are of no language."""

import pytest

from retrieval.text.language import (
    Language,
    detect_language,
    drop_links,
    read_paths,
    split_links,
)
from retrieval.text.sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("هزینه ارسال چقدر است؟", Language.FA),
        ("قیمت Nike Air Max", Language.FA),
        ("كد AVIN10 چيه", Language.FA),
        ("How much is shipping?", Language.EN),
        ("ramz voroodam ro gom kardam", Language.EN),
        ("I bought the مانتو dress from your Instagram page", Language.EN),
        ("این موجوده؟ https://narvan.example/shop/linen-shirt-blue-xl", Language.FA),
        ("چند؟ www.narvan.example/a salam@narvan.example @narvan_shop", Language.FA),
        ("https://narvan.example/shop/linen-shirt", Language.FA),
        ("https://narvan.example/a،قیمتش Nike", Language.FA),
        ("Is it there? https://fa.narvan.example/پیراهن-آبی-مردانه", Language.EN),
        ("۱۲۳؟", Language.FA),
        ("", Language.FA),
    ],
)
def test_the_language_is_told_by_the_share_of_persian_letters(
    text: str, language: Language
) -> None:
    assert detect_language(text) is language


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("این موجوده؟ https://shop.example/new/linen-shirt?ref=1", "new linen shirt"),
        ("www.shop.example/%D8%B4%D8%A7%D9%84_%D8%A2%D8%A8%DB%8C/ چنده", "شال آبی"),
        ("https://a.example/x HTTPS://b.example/y#z", "x y"),
        ("https://shop.example و www.shop.example?ref=1", ""),
        ("بدون پیوند / و-خط", ""),
    ],
)
def test_a_links_path_names_what_it_leads_to(text: str, words: str) -> None:
    assert read_paths(text) == words


def test_a_link_ends_where_persian_goes_on_behind_it() -> None:
    assert drop_links("https://a.example/x،قیمتش؟") == " ،قیمتش؟"


def test_all_who_read_links_end_them_at_the_same_place() -> None:
    text = "https://shop.example/x،قیمت این چنده؟"
    assert drop_links(text) == " ،قیمت این چنده؟"
    assert split_links(text) == ["", "https://shop.example/x", "،قیمت این چنده؟"]
    assert len(sentence_spans(f"{text} ممنون.")) == 2
