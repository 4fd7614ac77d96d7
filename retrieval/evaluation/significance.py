"""Whether one pipeline is better than another, or was lucky with these questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROUNDS = 10_000
# Rounds that are drawn at once, so that many questions need little memory.
_ROUNDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better `b` is than `a`, over the same questions in the same order."""

    difference: float
    """Mean of b - a."""

    low: float
    """Lower end of the 95 % bootstrap interval of the difference."""

    high: float
    """Its upper end."""

    p_value: float
    """How often chance alone gives a difference at least this large, two-sided."""


def compare_paired(
    a: Sequence[float], b: Sequence[float], seed: int, rounds: int = _ROUNDS
) -> Comparison:
    """Compare two pipelines' measures, question by question.

    The p-value is of the paired randomisation test: each question's two results are
    exchanged by the toss of a coin, and the share of rounds whose difference is at
    least as large is counted, with the observed one among them. The interval resamples
    questions (percentile bootstrap). The same seed gives the same numbers. By hand: one
    question with 0 and 1 differs by 1 in every round, so p is 1. Raises ValueError when
    the lengths differ or are zero.

    Source: Smucker, Allan and Carterette, "A Comparison of Statistical Significance
    Tests for Information Retrieval Evaluation", CIKM 2007.
    """
    if len(a) != len(b) or len(a) == 0:
        message = f"{len(a)} and {len(b)} results can't be paired"
        raise ValueError(message)
    differences = np.array(b, dtype=np.float64) - np.array(a, dtype=np.float64)
    observed = float(differences.mean())
    generator = np.random.default_rng(seed)
    n_as_large = 0
    resampled: list[float] = []
    for start in range(0, rounds, _ROUNDS_AT_ONCE):
        size = (min(_ROUNDS_AT_ONCE, rounds - start), len(differences))
        signs = generator.choice((-1.0, 1.0), size=size)
        by_chance = np.abs((signs * differences).mean(axis=1))
        # Sums in another order differ in the last bit, which is no difference.
        n_as_large += int((by_chance >= abs(observed) - 1e-12).sum())
        drawn = generator.integers(0, len(differences), size=size)
        resampled += differences[drawn].mean(axis=1).tolist()
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Comparison(
        observed, float(low), float(high), (n_as_large + 1) / (rounds + 1)
    )
