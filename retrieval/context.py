"""From ranked chunks to the numbered passages that a prompt has room for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from retrieval.bm25 import grams
from retrieval.knowledge import IndexedChunk
from retrieval.normalise import normalise
from retrieval.sentences import sentence_spans

# Two products of one line share nine tenths of their words and are two products, so the
# texts must be closer than that, and their numbers must be the same.
_SAME_TEXT = 0.95


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered piece of context: what the answer may cite as `[number]`."""

    number: int
    chunk: IndexedChunk
    text: str


def drop_near_duplicates(chunks: Iterable[IndexedChunk]) -> list[IndexedChunk]:
    """Keep the first of chunks that say the same.

    The same means: at least 95 % of all their word pieces are common to both (Jaccard),
    title included, and no number differs: one digit makes another price.
    """
    kept: list[IndexedChunk] = []
    seen: list[tuple[frozenset[str], frozenset[str]]] = []
    for chunk in chunks:
        whole = f"{chunk.title}\n{chunk.text}"
        pieces = frozenset(grams(whole))
        numbers = frozenset(w for w in normalise(whole).split() if w[0].isdigit())
        if any(
            numbers == other_numbers and _jaccard(pieces, other) >= _SAME_TEXT
            for other, other_numbers in seen
        ):
            continue
        kept.append(chunk)
        seen.append((pieces, numbers))
    return kept


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

    A chunk brings its parent, once. What has no room as a parent is tried as the chunk
    alone, then as the sentences it begins with; a sentence is never cut. A chunk that
    does not fit at all leaves its room to smaller ones behind it.
    """
    passages: list[Passage] = []
    shown_parents = set()
    left = budget_tokens
    for chunk in chunks:
        if chunk.parent_id in shown_parents:
            continue
        for text in _ever_shorter(chunk):
            passage = Passage(first_number + len(passages), chunk, text)
            cost = count_tokens(render_passage(passage))
            if cost <= left:
                left -= cost
                passages.append(passage)
                if text == chunk.parent_text:
                    shown_parents.add(chunk.parent_id)
                break
    return passages


def _ever_shorter(chunk: IndexedChunk) -> list[str]:
    spans = sentence_spans(chunk.text)
    beginnings = [chunk.text[spans[0].start : s.end] for s in reversed(spans[:-1])]
    return [*dict.fromkeys([chunk.parent_text, chunk.text, *beginnings])]


def render_passages(passages: Sequence[Passage]) -> str:
    """Write passages for a prompt, an empty line between them."""
    return "\n\n".join(render_passage(passage) for passage in passages)


def render_passage(passage: Passage) -> str:
    """Write one passage under its number, title and address."""
    title = " ".join(passage.chunk.title.split())
    head = " ".join(part for part in (title, passage.chunk.url or "") if part)
    return f"[{passage.number}] {head}\n{passage.text}"
