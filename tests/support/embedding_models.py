"""A tiny sentence-transformers model, built by the test that needs one."""

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from tests.support.cross_encoders import WORDS, build_tokenizer

DIMENSIONS = 48


def save_word_model(path: Path) -> str:
    """Save a model whose words each have a direction of their own; return its name."""
    tokenizer = build_tokenizer().backend_tokenizer
    weights = np.eye(len(WORDS) + 4, DIMENSIONS, dtype=np.float32)
    SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu"
    ).save(str(path))
    return str(path)
