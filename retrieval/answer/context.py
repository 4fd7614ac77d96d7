"""The outcome of a retrieval: candidates, and the passages that fit into a prompt."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NotRequired, TypedDict

from retrieval.index.bm25 import char_ngrams
from retrieval.index.knowledge import Hit, IndexedChunk, SourceType
from retrieval.text.normalise import normalise
from retrieval.text.sentences import sentence_spans

# Two products of one line share nine tenths of their words and are two products, so the
# texts must be closer than that, and their numbers must be the same.
_SAME_TEXT = 0.95
# A tenant's questions find the same chunks again and again; two megabytes.
_REMEMBERED_TEXTS = 1_024


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered piece of context, which the answer may cite as `[number]`."""

    number: int
    chunk: IndexedChunk
    text: str


class SourceUsed(TypedDict):
    """The source that `[number]` in a context stands for."""

    number: int
    chunk_id: str
    document_id: str
    source: str
    title: str
    url: str | None


class RetrievedChunk(TypedDict):
    """A candidate, in ranked order, with the scores that put it there."""

    chunk_id: str
    document_id: str
    source: str
    title: str
    url: str | None
    text: str
    parent_text: str
    score: float
    rrf_score: float
    dense_rank: int | None
    dense_similarity: float | None
    sparse_rank: int | None
    sparse_score: float | None
    #: Only where a cross-encoder has judged it.
    rerank_score: NotRequired[float]


class QueryAnalysis(TypedDict):
    """The analysis of a question before the search."""

    language: str
    complexity: float
    intent: str
    written_form: str
    synonyms: list[str]
    primary_source: str
    secondary_sources: list[str]
    primary_budget: int
    secondary_budget: int


class Performance(TypedDict):
    """Times in milliseconds, counts of candidates, and the parts that failed."""

    latency_ms: float
    embedding_ms: float
    search_ms: float
    context_ms: float
    reranking_used: bool
    query_complexity: float
    dense_candidates: int
    sparse_candidates: int
    fused_candidates: int
    degraded: dict[str, str]
    #: Only where a cross-encoder was asked.
    reranking_ms: NotRequired[float]
    rerank_model: NotRequired[str]
    #: Only by ProductionRAG. Why no cross-encoder was asked; empty where one was.
    rerank_skipped: NotRequired[str]
    analysis_ms: NotRequired[float]
    reranked_candidates: NotRequired[int]


class Contexts(TypedDict):
    """The passages for a prompt, numbered through both contexts."""

    primary_context: str
    secondary_context: str
    sources_used: list[SourceUsed]
    total_chunks: int


class RetrievedContext(Contexts):
    """The outcome of a retrieval; plain values, ready for JSON."""

    retrieval_method: str
    performance: Performance
    chunks: list[RetrievedChunk]
    relevance: float
    #: The question, with the caption of a shared post if that found more.
    searched_text: NotRequired[str]
    #: Only by ProductionRAG.
    analysis: NotRequired[QueryAnalysis]


def drop_near_duplicates(
    chunks: Iterable[IndexedChunk], limit: int | None = None
) -> list[IndexedChunk]:
    """Keep the first of chunks that say the same, and no more of them than `limit`.

    The same means: at least 95 % of all their word pieces are common to both (Jaccard),
    title included, and no number differs: one digit makes another price.
    """
    kept: list[_Wording] = []
    for chunk in chunks:
        if len(kept) == limit:
            break
        wording = _Wording(chunk)
        if not any(wording.is_near(other) for other in kept):
            kept.append(wording)
    return [wording.chunk for wording in kept]


class _Wording:
    """A chunk's folded text, taken apart only as far as a comparison needs it."""

    def __init__(self, chunk: IndexedChunk) -> None:
        self.chunk = chunk
        self._folded, self._numbers = _fold(chunk.title, chunk.text)

    def is_near(self, other: "_Wording") -> bool:
        """Compare the cheap things first: most pairs differ in numbers or length."""
        shorter, longer = sorted((len(self._folded), len(other._folded)))
        return (
            self._numbers == other._numbers
            and shorter >= _SAME_TEXT * _SAME_TEXT * longer
            and _jaccard(self._pieces, other._pieces) >= _SAME_TEXT
        )

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(char_ngrams(self._folded))


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _fold(title: str, text: str) -> tuple[str, frozenset[str]]:
    folded = normalise(f"{title}\n{text}")
    return folded, frozenset(word for word in folded.split() if word[0].isdigit())


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 1.0


def fill_budget(
    chunks: Iterable[IndexedChunk],
    budget_tokens: int,
    count_tokens: Callable[[str], int],
    first_number: int = 1,
) -> list[Passage]:
    """Take passages in order while their rendered tokens fit the budget.

    A chunk brings its parent, once. A parent that has no room is replaced by the chunk
    alone, and the very first chunk by its first sentences; a sentence is never cut.
    A chunk that does not fit leaves its room to smaller ones behind it.
    """
    passages: list[Passage] = []
    shown_parents = set()
    left = budget_tokens
    for chunk in chunks:
        if chunk.parent_id in shown_parents:
            continue
        number = first_number + len(passages)
        room = left - count_tokens(_head(number, chunk))
        for text in _choices(chunk, is_first=not passages):
            tokens = count_tokens(text)
            if tokens <= room:
                left = room - tokens
                passages.append(Passage(number, chunk, text))
                if text == chunk.parent_text:
                    shown_parents.add(chunk.parent_id)
                break
    return passages


def build_contexts(
    hits: Iterable[Hit],
    limit: int,
    primary_source: SourceType,
    budgets_tokens: tuple[int, int],
    count_tokens: Callable[[str], int],
) -> Contexts:
    """Fit the first `limit` different chunks of the first source and of the others."""
    chunks = drop_near_duplicates((hit.chunk for hit in hits), limit)
    of_primary = [chunk for chunk in chunks if chunk.source == primary_source]
    others = [chunk for chunk in chunks if chunk.source != primary_source]
    primary = fill_budget(of_primary, budgets_tokens[0], count_tokens)
    secondary = fill_budget(others, budgets_tokens[1], count_tokens, len(primary) + 1)
    return Contexts(
        primary_context=render_passages(primary),
        secondary_context=render_passages(secondary),
        sources_used=[_describe_source(passage) for passage in (*primary, *secondary)],
        total_chunks=len(primary) + len(secondary),
    )


def _choices(chunk: IndexedChunk, *, is_first: bool) -> Iterator[str]:
    yield chunk.parent_text
    if chunk.text != chunk.parent_text:
        yield chunk.text
    # Rarely needed: most have room as a whole, and are not cut into sentences then.
    if is_first:
        yield from _beginnings(chunk.text)


def _beginnings(text: str) -> list[str]:
    """List what the text begins with, in whole sentences, longest first."""
    spans = sentence_spans(text)
    return [text[spans[0].start : span.end] for span in reversed(spans[:-1])]


def render_passages(passages: Iterable[Passage]) -> str:
    """Write passages for a prompt, each under its number, title and address."""
    return "\n\n".join(f"{_head(p.number, p.chunk)}\n{p.text}" for p in passages)


def _head(number: int, chunk: IndexedChunk) -> str:
    title = " ".join(chunk.title.split())
    return " ".join(part for part in (f"[{number}]", title, chunk.url) if part)


def _describe_source(passage: Passage) -> SourceUsed:
    chunk = passage.chunk
    return SourceUsed(
        number=passage.number,
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
    )


def retrieved_chunk(hit: Hit, rerank_score: float | None = None) -> RetrievedChunk:
    """Describe a candidate with its scores."""
    chunk = hit.chunk
    retrieved = RetrievedChunk(
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
        text=chunk.text,
        parent_text=chunk.parent_text,
        score=hit.score,
        rrf_score=hit.rrf_score,
        dense_rank=hit.dense_rank,
        dense_similarity=hit.dense_score,
        sparse_rank=hit.sparse_rank,
        sparse_score=hit.sparse_score,
    )
    if rerank_score is not None:
        retrieved["rerank_score"] = rerank_score
    return retrieved
