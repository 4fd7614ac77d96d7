"""Long texts are cut to the platform's limit, never inside a word, link or emoji."""

from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.splitting import split, split_for
from actors.conversation.state import Source

FAMILY = "👨‍👩‍👧‍👦"


def size(text: str) -> int:
    return len(text.encode())


@given(st.text(max_size=600), st.integers(64, 200))
def test_no_part_is_too_long_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit, size)
    assert all(size(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_words_and_links_stay_whole() -> None:
    link = "https://example.com/" + "a" * 60
    text = f"این لینک را ببینید: {link} و این را هم {link}"
    for part in split(text, 100, size):
        assert part.count("https://") == part.count("a" * 60)


def test_an_emoji_of_several_code_points_stays_whole() -> None:
    parts = split(FAMILY * 10, 64, size)
    assert all(part.replace(FAMILY, "") == "" for part in parts)
    assert "".join(parts) == FAMILY * 10


def test_instagram_counts_bytes_and_the_website_does_not_count() -> None:
    text = "سلام " * 300
    assert all(size(part) <= 1000 for part in split_for(Source.INSTAGRAM, text))
    assert split_for(Source.WEBSITE, text) == (text,)
    assert len(split_for(Source.TELEGRAM, text)) == 1
