"""The interface of a loaded cross-encoder, batches for it, and how long they take."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: A batch is at most this part of what each worker has still to do: towards the end
#: batches become smaller, so that nobody waits long for the last one.
_PART = 2 / 3
#: The weight of each new measurement; other programs come and go.
_MEMORY = 0.3


class CrossEncoderRuntime(Protocol):
    """A loaded cross-encoder. Threads may share one."""

    @property
    def runtime(self) -> str:
        """Name the library that runs it, for people."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Score (query, passage) pairs: logits of shape (n_pairs,)."""


def batch_by_length(
    lengths: Sequence[int], max_tokens: int, workers: int = 1
) -> list[list[int]]:
    """Return batches of places, longest pairs first, each padded to its own longest.

    A batch holds at most `max_tokens`, padding included, but always one pair. Padding
    is computed like words, so pairs of like length go together. `workers` take batches
    from the front whenever they are free.
    By hand: batch_by_length([2, 8, 7], 16) == [[1, 2], [0]], with one token of padding.
    """
    by_length = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    left = sum(lengths)
    batches: list[list[int]] = []
    longest = most = 0
    for place in by_length:
        if batches and longest * (len(batches[-1]) + 1) <= most:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest = lengths[place]
            most = max_tokens
            if workers > 1:
                most = min(max_tokens, int(left / workers * _PART))
        left -= lengths[place]
    return batches


class LatencyEstimator:
    """Predicts how long a piece of work would take behind the pieces that wait.

    Sizes are characters: tokens would be exact, but counting them is part of the work.
    """

    def __init__(self) -> None:
        self._seconds_per_char = 0.0
        self._waiting_chars = 0

    def predict(self, chars: int) -> float:
        """Return seconds until a piece of this size would be done, if added now.

        0 before anything was measured: the first piece is always accepted.
        """
        return (self._waiting_chars + chars) * self._seconds_per_char

    def add(self, chars: int) -> None:
        """Count a piece as waiting."""
        self._waiting_chars += chars

    def remove(self, chars: int) -> None:
        """Count a piece as done, or given up."""
        self._waiting_chars -= chars

    def learn(self, chars: int, seconds: float) -> None:
        """Learn from a piece that was done."""
        if chars <= 0:
            return
        measured = seconds / chars
        known = self._seconds_per_char or measured
        self._seconds_per_char = (1 - _MEMORY) * known + _MEMORY * measured
