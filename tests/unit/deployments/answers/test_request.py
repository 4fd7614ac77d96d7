"""The words of a shared post that are searched."""

from actors.conversation.rules.placeholders import EMPTY_SHARE
from deployments.answers.request import (
    MAX_SHARE_CHARS,
    share_as_query,
    shorten_share,
)


def test_links_and_labels_are_left_out() -> None:
    share = "عنوان: مانتو نخی\nکپشن: تابستانه\nلینک: https://cdn/1?x=2"
    assert share_as_query(share) == "مانتو نخی تابستانه"


def test_a_post_that_says_nothing_adds_nothing() -> None:
    assert share_as_query(EMPTY_SHARE) == ""
    assert share_as_query("لینک: https://cdn/1") == ""
    assert share_as_query("") == ""


def test_a_long_caption_is_cut_at_a_word() -> None:
    words = share_as_query("کپشن: " + "کلمه " * 1000)
    assert len(words) <= MAX_SHARE_CHARS
    assert set(words.split()) == {"کلمه"}


def test_labels_stay_for_what_reads_them() -> None:
    share = "عنوان: مانتو نخی\nلینک: https://cdn/1?x=2\nکپشن: تابستانه"
    assert shorten_share(share) == "عنوان: مانتو نخی\nکپشن: تابستانه"
    assert shorten_share(f"{EMPTY_SHARE}\nلینک: https://cdn/1") == ""
