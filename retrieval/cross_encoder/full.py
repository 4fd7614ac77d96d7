"""A cross-encoder run by sentence-transformers, for models that can't be compiled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.cross_encoder.runtime import batch_by_length
from retrieval.errors import RerankerUnavailableError

#: A Persian or English token is some four characters; only like lengths matter here.
_BATCH_CHARS = 4096


class FullCrossEncoder:
    """Scores pairs in 32-bit floats, with torch: a gigabyte of memory for a base model.

    Raises RerankerUnavailableError if the folder holds no cross-encoder.
    """

    runtime = "torch fp32"

    def __init__(self, folder: Path, *, threads: int) -> None:
        try:
            # Half a gigabyte that only a process which needs it loads.
            import torch
            from sentence_transformers import CrossEncoder

            torch.set_num_threads(threads)
            self._model = CrossEncoder(
                str(folder),
                device="cpu",
                local_files_only=True,
                activation_fn=torch.nn.Identity(),
            )
        except Exception as error:
            # The libraries raise what they like.
            message = f"{folder.name}: {error}"
            raise RerankerUnavailableError(message) from error

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Score (query, passage) pairs: logits of shape (n_pairs,)."""
        scores = np.empty(len(pairs), dtype=np.float32)
        lengths = [len(query) + len(passage) for query, passage in pairs]
        for batch in batch_by_length(lengths, _BATCH_CHARS):
            scores[batch] = self._model.predict(
                [pairs[place] for place in batch],
                batch_size=len(batch),
                show_progress_bar=False,
            )
        return scores
