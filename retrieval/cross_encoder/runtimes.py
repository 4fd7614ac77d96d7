"""What runs a cross-encoder, whichever it is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CrossEncoderRuntime(Protocol):
    """A loaded cross-encoder. Threads may share one."""

    @property
    def runtime(self) -> str:
        """Name what runs it, for people."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Score (query, passage) pairs: logits of shape (n_pairs,)."""
