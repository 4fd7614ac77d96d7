"""A cross-encoder in 8-bit integers, run by ONNX Runtime without torch."""

import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.cross_encoder.runtime import batch_by_length
from retrieval.errors import RerankerUnavailableError

GRAPH = "model.int8.onnx"
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"

#: Padding included. Larger batches are no quicker, and hold more memory.
_BATCH_TOKENS = 512
#: ONNX Runtime's own operator for a sum and its norm takes several times as long as
#: the two of which it is made.
_SLOWER_FUSIONS = ("SkipLayerNormFusion",)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The properties of the model that the graph does not hold."""

    #: Longer pairs lose the end of their longer text.
    max_tokens: int
    pad_token_id: int

    def save(self, folder: Path) -> None:
        """Write the manifest beside the graph."""
        values = {"max_tokens": self.max_tokens, "pad_token_id": self.pad_token_id}
        (folder / MANIFEST).write_text(json.dumps(values), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read the manifest. Raises OSError, ValueError, KeyError."""
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return cls(int(values["max_tokens"]), int(values["pad_token_id"]))


class QuantisedCrossEncoder:
    """Scores pairs with a folder that `compile_cross_encoder` made.

    Threads may share one. Raises RerankerUnavailableError if the folder is not whole.
    """

    runtime = "onnxruntime int8"

    def __init__(self, folder: Path, *, threads: int) -> None:
        # Each thread computes a batch of its own: meeting at each operator of one batch
        # costs more.
        self._workers = threads
        # The caller's thread works too. None of these is started before it is needed.
        self._helpers = ThreadPoolExecutor(
            max(1, self._workers - 1), thread_name_prefix="cross-encoder"
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # Threads that spin while they wait take the processor from everybody else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._manifest = Manifest.load(folder)
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_SLOWER_FUSIONS,
            )
        except Exception as error:
            # Its libraries raise bare exceptions of their own.
            message = f"{folder.name}: {error}"
            raise RerankerUnavailableError(message) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(
            self._manifest.max_tokens, strategy="longest_first"
        )
        self._inputs = [node.name for node in self._session.get_inputs()]

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Score (query, passage) pairs: logits of shape (n_pairs,)."""
        encodings = self._tokenizer.encode_batch([*pairs])
        scores = np.empty(len(pairs), dtype=np.float32)
        lengths = [len(encoding.ids) for encoding in encodings]
        waiting = deque(batch_by_length(lengths, _BATCH_TOKENS, self._workers))

        def work() -> None:
            while (batch := _take(waiting)) is not None:
                scores[batch] = self._run([encodings[place] for place in batch])

        helpers = [
            self._helpers.submit(work)
            for _ in range(min(self._workers, len(waiting)) - 1)
        ]
        work()
        for helper in helpers:
            # One that has not begun, for others' sake, is not needed any more.
            if not helper.cancel():
                helper.result()
        return scores

    def _run(self, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
        (logits,) = self._session.run(None, self._pad(encodings))
        return np.asarray(logits, dtype=np.float32)[:, 0]

    def _pad(self, encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
        shape = (len(encodings), max(len(one.ids) for one in encodings))
        feeds = {name: np.zeros(shape, dtype=np.int64) for name in self._inputs}
        feeds["input_ids"].fill(self._manifest.pad_token_id)
        for row, encoding in enumerate(encodings):
            values = {
                "input_ids": encoding.ids,
                "attention_mask": encoding.attention_mask,
                "token_type_ids": encoding.type_ids,
            }
            for name in self._inputs:
                feeds[name][row, : len(encoding.ids)] = values[name]
        return feeds


def _take(waiting: deque[list[int]]) -> list[int] | None:
    try:
        return waiting.popleft()
    except IndexError:
        # Another thread took the last one.
        return None
