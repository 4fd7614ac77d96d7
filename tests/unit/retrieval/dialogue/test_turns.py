"""A reply points at the turn whose words it repeats."""

import pytest

from retrieval.dialogue.turns import Turn, find_referred

WASH = Turn("روشویی چنده؟", "روشویی: ۱۵۰ هزار تومان", "روشویی چنده؟", "روشویی")
WAX = Turn("واکس هم می‌زنید؟", "بله، واکس بدنه\nداریم.", "واکس", "واکس")
AGAIN = Turn("روشویی چنده؟", "روشویی: ۱۵۰ هزار تومان", "روشویی چنده؟", "روشویی دوم")


@pytest.mark.parametrize(
    ("referred", "turn"),
    [
        pytest.param("روشویی: ۱۵۰ هزار تومان", WASH, id="our words"),
        pytest.param("واکس هم می‌زنید؟", WAX, id="the customer's words"),
        pytest.param(" بله، واکس بدنه  داریم.\n", WAX, id="other blanks"),
        pytest.param("Shared post: روشویی", None, id="a post"),
        pytest.param("روشویی", None, id="a part of the words"),
        pytest.param("  \n", None, id="no words"),
    ],
)
def test_a_reply_points_at_the_turn_that_says_its_words(
    referred: str, turn: Turn | None
) -> None:
    assert find_referred(referred, [WASH, WAX]) is turn


def test_of_two_turns_with_the_same_words_the_later_is_meant() -> None:
    assert find_referred("روشویی چنده؟", [WASH, WAX, AGAIN]) is AGAIN


def test_without_a_past_a_reply_points_at_nothing() -> None:
    assert find_referred("روشویی چنده؟", []) is None
