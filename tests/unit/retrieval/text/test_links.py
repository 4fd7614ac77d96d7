"""The words of links."""

import pytest

from retrieval.text.links import drop_links, read_paths, split_links
from retrieval.text.sentences import sentence_spans


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
