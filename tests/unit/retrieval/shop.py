"""A labelled set behind the real embedder, ready to be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from retrieval.answer.context import RetrievedContext
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.evaluation.report import hit_at_k, mean, reciprocal_rank
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from tests.unit.retrieval.samples import LabelledSet, an_id

_SECONDARY = [source for source in SourceType if source != SourceType.FAQ]


@dataclass(frozen=True, slots=True)
class Shop:
    """Passages in an index, and the retriever that searches it."""

    retriever: ContextRetriever[None]
    names: dict[UUID, str]

    def ask(self, question: str) -> RetrievedContext:
        """Retrieve with budgets of a usual prompt."""
        return self.retriever.retrieve_context(
            question, None, SourceType.FAQ, _SECONDARY, 800, 800
        )

    def ranking(self, found: RetrievedContext, by: str = "score") -> list[str]:
        """List the passages' ids in the order of a score, best first."""
        scores = {
            "score": lambda chunk: chunk["score"],
            "rrf": lambda chunk: chunk["rrf_score"],
        }[by]
        chunks = sorted(found["chunks"], key=scores, reverse=True)
        return [self.names[UUID(chunk["chunk_id"])] for chunk in chunks]


def open_shop(passages: Sequence[tuple[str, str, str]], embedder: Embedder) -> Shop:
    """Embed passages (id, title, text), one chunk each."""
    vectors = embedder.embed_passages(
        [passage_text(title, text) for _, title, text in passages]
    )
    index = KnowledgeIndex(embedder.dimensions)
    index.apply(
        [
            IndexedChunk(
                chunk_id=an_id(name),
                document_id=an_id(f"document of {name}"),
                source=SourceType.FAQ,
                title=title,
                text=text,
                parent_id=an_id(f"parent of {name}"),
                parent_text=text,
                vector=vector,
            )
            for (name, title, text), vector in zip(passages, vectors, strict=True)
        ]
    )
    names = {an_id(name): name for name, _, _ in passages}
    return Shop(ContextRetriever(lambda _: index, embedder, lambda: 0.0), names)


def measure_rankings(
    labelled: LabelledSet, rankings: Sequence[list[str]]
) -> tuple[float, float, float]:
    """Give hit@1, hit@8 and MRR@10 of one ranking a question."""
    pairs = [
        (ranking, relevant)
        for ranking, (_, relevant) in zip(rankings, labelled.questions, strict=True)
    ]
    return (
        mean(hit_at_k(ranking, relevant, 1) for ranking, relevant in pairs),
        mean(hit_at_k(ranking, relevant, 8) for ranking, relevant in pairs),
        mean(reciprocal_rank(ranking, relevant) for ranking, relevant in pairs),
    )
