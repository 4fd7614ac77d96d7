"""What is said in kind: short, in both languages, and of no price."""

from collections.abc import Mapping

import pytest

from config import prompts

NAMES = (
    *("HOW_ARE_YOU", "CONGRATULATION", "COMPLIMENT", "WHO_ARE_YOU", "LAUGH"),
    *("GREETING", "WELCOME", "FAREWELL", "NO_THANKS", "TAKE_YOUR_TIME"),
    *("ACKNOWLEDGEMENT", "WHICH_MATTER", "WHAT_INSTEAD", "UNREADABLE"),
    *("COMMAND_HELP", "PERSON_CALLED", "REGRET", "ORDER_STATUS", "REFUSAL"),
    *("OUT_OF_SCOPE", "WHICH_ONE", "WHICH_THING"),
)
MAX_CHARS = 220


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_in_kind_is_short_and_names_no_price(name: str) -> None:
    texts: Mapping[str, str] = getattr(prompts, name)
    assert set(texts) == {"fa", "en"}
    for text in texts.values():
        assert 0 < len(text) <= MAX_CHARS
        assert "تومان" not in text
        assert not any(character.isdigit() for character in text)
