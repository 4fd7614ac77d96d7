"""Any sentence-transformers model embeds: here a tiny one that the test has built."""

import numpy as np
import pytest

from retrieval.embedding.embedder import (
    SentenceTransformerEmbedder,
    open_embedder,
    reopen_embedder,
)
from retrieval.errors import EmbeddingError
from tests.support.cross_encoders import WORDS
from tests.support.embedding_models import DIMENSIONS, save_word_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_word_model(tmp_path_factory.mktemp("models") / "words")


def test_a_folder_is_opened_by_its_name(folder: str) -> None:
    embedder = open_embedder(folder)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert (embedder.name, embedder.dimensions) == (folder, DIMENSIONS)


def test_questions_and_passages_share_a_space(folder: str) -> None:
    embedder = reopen_embedder(folder)
    one, other = f"{WORDS[0]} {WORDS[1]}", f"{WORDS[2]} {WORDS[3]}"
    passages = embedder.embed_passages([one, other, f"{other} {WORDS[4]}"])
    (question,) = embedder.embed_queries([WORDS[1]])
    assert passages.dtype == np.float32
    assert np.linalg.norm(passages, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert int(np.argmax(passages @ question)) == 0
    assert embedder.count_tokens(one) == 2


def test_a_model_that_is_not_there_is_an_error_of_ours() -> None:
    with pytest.raises(EmbeddingError, match="no/such-model"):
        reopen_embedder("no/such-model")
