"""Small worlds for the tests of retrieval: chunks, a cheap embedder, shared data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.embedding.embedder import passage_text
from retrieval.errors import EmbeddingError
from retrieval.index.bm25 import char_ngrams
from retrieval.index.knowledge import IndexedChunk, SourceType

DIMENSIONS = 64
#: Nothing, blanks, a half-space, punctuation, emoji, marks without a letter, kashida.
WITHOUT_WORDS = (
    "",
    "   ",
    "\u200c",
    "\u200c \u200d",
    "؟!…«»",
    "😀🔥❤️",
    "\u064b\u0651",
    "ـ",
)
SHARED = Path(__file__).parents[4] / "shared" / "data" / "retrieval"


def an_id(name: str) -> UUID:
    """Give every name one id."""
    return uuid5(NAMESPACE_URL, name)


class GramEmbedder:
    """A fake that hears how alike two texts are spelled, without a model."""

    name = "grams"
    dimensions = DIMENSIONS

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed like a passage."""
        return self.embed_passages(texts)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Count word pieces into buckets, and scale to length 1."""
        vectors = np.full((len(texts), DIMENSIONS), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for piece in char_ngrams(text):
                vectors[row, sum(map(ord, piece)) % DIMENSIONS] += 1
        lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths

    def count_tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())


class NumblessEmbedder(GramEmbedder):
    """A fake whose model has run over: its vectors are full of nothing."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give vectors of the right shape."""
        return np.full((len(texts), DIMENSIONS), np.nan, dtype=np.float32)


class BrokenEmbedder(GramEmbedder):
    """A fake whose model does not answer."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Fail, whatever is asked."""
        message = f"no vectors for {len(texts)} questions"
        raise EmbeddingError(message)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Fail, whatever is given."""
        message = f"no vectors for {len(texts)} passages"
        raise EmbeddingError(message)


def a_chunk(
    name: str,
    title: str,
    text: str,
    source: SourceType = SourceType.FAQ,
    *,
    document: str = "",
    embedded: bool = True,
) -> IndexedChunk:
    """Make the only chunk of a document (or one of `document`'s)."""
    vector = GramEmbedder().embed_passages([passage_text(title, text)])[0]
    return IndexedChunk(
        chunk_id=an_id(name),
        document_id=an_id(document or f"document of {name}"),
        source=source,
        title=title,
        text=text,
        parent_id=an_id(f"parent of {name}"),
        parent_text=text,
        vector=vector if embedded else None,
    )


class _Row(TypedDict):
    id: str
    title: str
    text: str
    relevant: list[str]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Passages (id, title, text), and questions with the ids that answer them."""

    passages: list[tuple[str, str, str]]
    questions: list[tuple[str, frozenset[str]]]


def load_labelled_set(name: str, questions: str = "queries") -> LabelledSet:
    """Read a set of the shared data; skips the test where the folder is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the shared data is not here: {folder}")
    return LabelledSet(
        [
            (row["id"], row["title"], row["text"])
            for row in _read(folder / "corpus.jsonl")
        ],
        [
            (row["text"], frozenset(row["relevant"]))
            for row in _read(folder / f"{questions}.jsonl")
        ],
    )


def _read(path: Path) -> list[_Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
