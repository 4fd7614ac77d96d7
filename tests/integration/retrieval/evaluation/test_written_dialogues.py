"""How the written dialogues are answered without a model, held to floors."""

import pytest

from deployments.commands.evaluate_dialogues import play_shops
from retrieval.embedding.embedder import BUILT_IN
from retrieval.evaluation.dialogues import summarise
from tests.support.dialogues import load_written_shops

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# Nobody tunes rules on these dialogues, so a change that helps elsewhere may cost a few
# of them: each floor leaves a margin of about twenty of 334 turns, thirteen of 136
# dialogues and four wrong figures below what was measured. Raise them with the figures.
TURNS_PASSED = 0.74  # measured .802
DIALOGUES_PASSED = 0.50  # measured .603
WRONG = 0.09  # measured .078
SMALL_TALK_HANDED_OVER = 2  # measured 1 of 25


def test_answers_stay_as_good_as_they_were() -> None:
    summary = summarise(play_shops(load_written_shops(), BUILT_IN).dialogues)
    assert summary["turns_passed"] >= TURNS_PASSED
    assert summary["dialogues_passed"] >= DIALOGUES_PASSED
    assert summary["wrong"] <= WRONG
    assert summary["handed_over_small_talk"] <= SMALL_TALK_HANDED_OVER
