"""Gathers the evidence that a search's best chunk answers, and judges it."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder
from retrieval.index.hits import Hit
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.ranking.relevance import (
    CALIBRATED_MODEL,
    PLAIN,
    Evidence,
    OffTopic,
    RelevanceJudge,
    RelevanceWeights,
    relevance,
)
from retrieval.text.language import detect_language
from retrieval.text.stopwords import content_words

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


class Judging:
    """Judges one embedder's searches; the judge is made when it is first needed."""

    def __init__(self, embedder: Embedder, weights: RelevanceWeights = PLAIN) -> None:
        self._embedder = embedder
        self._weights = weights
        self._judge: RelevanceJudge | None = None
        # Of another model's cosines nothing is known: then the words alone must tell.
        self._is_calibrated = embedder.name == CALIBRATED_MODEL

    def warm_up(self) -> RelevanceJudge:
        """Embed the judge's subjects, about two seconds. Raises EmbeddingError."""
        if self._judge is None:
            self._judge = RelevanceJudge(self._embedder)
        return self._judge

    def judge(
        self,
        spellings: Sequence[str],
        vector: NDArray[np.float32] | None,
        index: KnowledgeIndex,
        hits: Sequence[Hit],
    ) -> float:
        """Tell how likely the first hit answers, 0 to 1; nothing found is 0.

        `spellings` are ways to say the question, as it was asked first: the one that
        the hit covers best counts.
        """
        gathered = self.gather(spellings, vector, index, hits)
        return 0.0 if gathered is None else relevance(*gathered, self._weights)

    def gather(
        self,
        spellings: Sequence[str],
        vector: NDArray[np.float32] | None,
        index: KnowledgeIndex,
        hits: Sequence[Hit],
    ) -> tuple[Evidence, OffTopic | None] | None:
        """Gather what `judge` weighs; None if nothing was found."""
        if not hits:
            return None
        best = hits[0].chunk
        cosines = [hit.dense_score for hit in hits if hit.dense_score is not None]
        asked = [
            content_words(_LINK.sub(" ", spelling))
            for spelling in dict.fromkeys(spellings)
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
        return evidence, self.warm_up().compare(vector)
