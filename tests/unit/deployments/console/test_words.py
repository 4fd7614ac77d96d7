"""Texts of the console: the same in every language, and whole."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

import pytest

from actors.conversation.state import Delivery, Destination, Source
from deployments.console.inbox.actions import SNOOZE_HOURS
from deployments.console.words import WORDS
from deployments.console.words.terms import Language, Words
from persistence.inbox_views import View


def texts(words: Words) -> Iterator[tuple[str, str]]:
    """Yield each text with its name."""
    for field in fields(words):
        value = getattr(words, field.name)
        if isinstance(value, str):
            yield field.name, value
        elif isinstance(value, Mapping):
            yield from ((f"{field.name}.{key}", text) for key, text in value.items())
        else:
            yield from ((f"{field.name}.{n}", text) for n, text in enumerate(value))


def test_every_language_has_the_same_texts_and_the_same_gaps_in_them() -> None:
    persian, english = (dict(texts(WORDS[one])) for one in Language)
    assert persian.keys() == english.keys()
    for name, text in persian.items():
        assert text.strip(), name
        gaps = [sorted(re.findall(r"\{\w+\}", one)) for one in (text, english[name])]
        assert gaps[0] == gaps[1], name


@pytest.mark.parametrize("language", list(Language))
def test_everything_that_can_be_shown_has_a_name(language: Language) -> None:
    words = WORDS[language]
    assert {*words.views} == {*words.empty} == {*View}
    assert {*words.sources} == {*Source}
    assert {*words.destinations} == {*Destination} - {Destination.AI}
    assert {*Delivery} <= {*words.deliveries}
    assert {*words.snooze_choices} == SNOOZE_HOURS
    assert (len(words.weekdays), len(words.months)) == (7, 12)


def test_persian_is_written_with_persian_letters() -> None:
    for name, text in texts(WORDS[Language.FA]):
        assert not re.search("[\u064a\u0643\u0660-\u0669]", text), name
