"""The numbered passages of ranked chunks that fit into a prompt."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from retrieval.index.bm25 import char_ngrams
from retrieval.index.knowledge import IndexedChunk, SourceType
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


def fill_both_budgets(
    chunks: Sequence[IndexedChunk],
    primary_source: SourceType,
    budgets_tokens: tuple[int, int],
    count_tokens: Callable[[str], int],
) -> tuple[list[Passage], list[Passage]]:
    """Take passages of the first source and of the others, numbered through both."""
    primary_budget, secondary_budget = budgets_tokens
    primary = fill_budget(
        (chunk for chunk in chunks if chunk.source == primary_source),
        primary_budget,
        count_tokens,
    )
    secondary = fill_budget(
        (chunk for chunk in chunks if chunk.source != primary_source),
        secondary_budget,
        count_tokens,
        first_number=len(primary) + 1,
    )
    return primary, secondary


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


def render_passages(passages: Sequence[Passage]) -> str:
    """Write passages for a prompt, an empty line between them."""
    return "\n\n".join(render_passage(passage) for passage in passages)


def render_passage(passage: Passage) -> str:
    """Write one passage under its number, title and address."""
    return f"{_head(passage.number, passage.chunk)}\n{passage.text}"


def _head(number: int, chunk: IndexedChunk) -> str:
    title = " ".join(chunk.title.split())
    return " ".join(part for part in (f"[{number}]", title, chunk.url) if part)
