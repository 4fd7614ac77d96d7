"""What of a shared post is searched."""

from actors.conversation.rules.placeholders import EMPTY_SHARE
from deployments.answers.shared_post import MAX_SEARCHED_CHARS, to_search_words


def test_links_and_labels_are_left_out() -> None:
    share = "عنوان: مانتو نخی\nکپشن: تابستانه\nلینک: https://cdn/1?x=2"
    assert to_search_words(share) == "مانتو نخی تابستانه"


def test_a_post_that_says_nothing_adds_nothing() -> None:
    assert to_search_words(EMPTY_SHARE) == ""
    assert to_search_words("لینک: https://cdn/1") == ""
    assert to_search_words("") == ""


def test_a_long_caption_is_cut_at_a_word() -> None:
    words = to_search_words("کپشن: " + "کلمه " * 1000)
    assert len(words) <= MAX_SEARCHED_CHARS
    assert set(words.split()) == {"کلمه"}
