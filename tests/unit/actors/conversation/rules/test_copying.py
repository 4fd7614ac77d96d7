"""A copy with changes is what the standard library would make."""

import dataclasses

import pytest

from actors.conversation.rules.copying import replace
from actors.conversation.state import Source, Status
from tests.support.conversations import Story


def test_a_copy_is_the_one_that_the_standard_library_makes() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    changed = replace(story.now, status=Status.CLOSED, version=7)
    assert changed == dataclasses.replace(story.now, status=Status.CLOSED, version=7)
    assert story.now.status is Status.ACTIVE


def test_a_field_that_there_is_not_is_refused() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    with pytest.raises(KeyError):
        replace(story.now, statsu=Status.CLOSED)  # type: ignore[call-arg]
