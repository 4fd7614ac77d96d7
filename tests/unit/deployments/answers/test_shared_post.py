"""What a shared post adds to what is searched."""

from actors.conversation.words import EMPTY_SHARE
from deployments.answers.shared_post import MAX_SEARCHED_CHARS, add_search_words


def test_the_question_comes_first_and_links_and_labels_are_left_out() -> None:
    share = "عنوان: مانتو نخی\nکپشن: تابستانه\nلینک: https://cdn/1?x=2"
    assert add_search_words("چنده؟", share) == "چنده؟\nمانتو نخی تابستانه"


def test_a_post_that_says_nothing_adds_nothing() -> None:
    assert add_search_words("چنده؟", EMPTY_SHARE) == "چنده؟"
    assert add_search_words("چنده؟", "لینک: https://cdn/1") == "چنده؟"
    assert add_search_words("چنده؟", "") == "چنده؟"


def test_a_long_caption_is_cut_at_a_word_and_the_question_never() -> None:
    question = "سؤال بلند " * 300
    found = add_search_words(question, "کپشن: " + "کلمه " * 1000)
    assert found.startswith(question)
    words = found[len(question) + 1 :]
    assert len(words) <= MAX_SEARCHED_CHARS
    assert set(words.split()) == {"کلمه"}
