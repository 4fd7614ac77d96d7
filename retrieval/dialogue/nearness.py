"""Tells what a message does by the labelled examples that lie nearest to it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.data.loading import load_rows
from retrieval.dialogue.acts import HANDED_OVER, Act
from retrieval.embedding.embedder import Embedder

#: The mean of as many nearest examples speaks for an act: one alone may be near by its
#: subject only.
_NEAREST = 3
#: How much nearer than all others an act must be, as a cosine. Two processors differ by
#: up to 0.002. Of 160 bursts of other businesses 0.02 took no act for another and no
#: question for an act, 0.015 one; each step down takes more questions.
MARGIN = 0.02
#: How near an example must be at all.
FLOOR = 0.85
_BATCH = 32


class ActExamples:
    """The labelled examples in an embedder's space; embeds them once, when built."""

    def __init__(self, embedder: Embedder) -> None:
        rows = load_rows("dialogue/act_examples.tsv", columns=2)
        self._acts = np.array([list(Act).index(Act(act)) for act, _ in rows])
        # A few at a time: a busy machine may need longer for all than one call may.
        starts = range(0, len(rows), _BATCH)
        batches = ([text for _, text in rows[at : at + _BATCH]] for at in starts)
        self._vectors = np.vstack([*map(embedder.embed_queries, batches)])

    def nearest(self, vector: NDArray[np.float32]) -> Act | None:
        """Name the act of a text's query vector; None if no act is clearly nearest.

        `vector`: of shape (dimensions,) and length 1, as `embed_queries` returns it.
        """
        scored = self.score(vector)
        act, score = scored[0]
        # Two acts that both call a person do not compete: it is a person either way.
        rivals = (
            other_score
            for other, other_score in scored[1:]
            if not (act in HANDED_OVER and other in HANDED_OVER)
        )
        is_clear = score >= FLOOR and score - next(rivals) >= MARGIN
        return act if is_clear else None

    def score(self, vector: NDArray[np.float32]) -> Sequence[tuple[Act, float]]:
        """Score each act by the mean cosine of its nearest examples, nearest first."""
        cosines = self._vectors @ vector
        scores = [
            (act, float(np.sort(cosines[self._acts == index])[-_NEAREST:].mean()))
            for index, act in enumerate(Act)
            if (self._acts == index).any()
        ]
        return sorted(scores, key=lambda scored: -scored[1])
