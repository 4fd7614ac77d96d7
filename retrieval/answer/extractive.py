"""Extractive answers: the tenant's own sentences, word for word, without a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.answer.retrieved import RetrievedChunk
from retrieval.index.bm25 import char_ngrams
from retrieval.index.knowledge import SourceType
from retrieval.text.sentences import sentence_spans
from retrieval.text.stopwords import content_words

MAX_SENTENCES = 3
# About what a phone shows without scrolling: a whole answer of this size is read.
FULL_ANSWER_MAX_CHARS = 400
# A second chunk is quoted only if it ranked close and fills a gap in the first: the
# question is about two things at once.
_CLOSE_SCORE = 0.6
_FILLED_GAP = 0.5


@dataclass(frozen=True, slots=True)
class Citation:
    """Text of an answer, and the place of its chunk among those that were given."""

    chunk_index: int
    text: str


@dataclass(frozen=True, slots=True)
class ExtractedAnswer:
    """The text that is sent, and the chunk that each part was taken from."""

    text: str
    citations: tuple[Citation, ...]


def best_sentences(
    question: str,
    chunks: Sequence[RetrievedChunk],
    max_sentences: int = MAX_SENTENCES,
    full_answer_max_chars: int = FULL_ANSWER_MAX_CHARS,
) -> ExtractedAnswer:
    """Answer from ranked chunks with their own sentences, unchanged and in their order.

    A short passage is given whole: an answer to a frequent question, written by the
    shop, reads better than parts of it. Of a longer one come the sentences that share
    most with the question, or its first ones where none does (as in another language).
    A product's answer opens with its title, which is its name. No chunks, no text.
    """
    words = content_words(question)
    if not chunks:
        return ExtractedAnswer("", ())
    cited = [_cite(0, chunks[0], words, max_sentences, full_answer_max_chars)]
    second = _gap_filler(words, chunks, cited[0].text)
    if second is not None:
        cited.append(
            _cite(second, chunks[second], words, max_sentences, full_answer_max_chars)
        )
    return ExtractedAnswer("\n\n".join(part.text for part in cited), tuple(cited))


def _cite(
    index: int,
    chunk: RetrievedChunk,
    words: Sequence[str],
    max_sentences: int,
    full_answer_max_chars: int,
) -> Citation:
    whole = chunk["parent_text"].strip()
    if len(whole) > full_answer_max_chars:
        whole = chunk["text"].strip()
    text = whole
    if len(whole) > full_answer_max_chars:
        text = _most_shared(whole, words, max_sentences)
    if chunk["source"] == SourceType.PRODUCTS and chunk["title"].strip():
        text = f"{chunk['title'].strip()}\n{text}"
    return Citation(index, text)


def _most_shared(text: str, words: Sequence[str], max_sentences: int) -> str:
    spans = sentence_spans(text)
    shares = [_shared(words, text[start:end]) for start, end in spans]
    best = sorted(range(len(spans)), key=lambda place: (-shares[place], place))
    # Neighbours keep what lies between them, so a list stays a list.
    parts: list[str] = []
    previous = None
    for place in sorted(best[:max_sentences]):
        start, end = spans[place]
        if previous is not None:
            adjoining = previous == place - 1
            parts.append(text[spans[previous].end : start] if adjoining else " ")
        parts.append(text[start:end])
        previous = place
    return "".join(parts)


def _gap_filler(
    words: Sequence[str], chunks: Sequence[RetrievedChunk], said: str
) -> int | None:
    covered = [_share(word, set(char_ngrams(said))) for word in words]
    for index, chunk in enumerate(chunks[1:3], start=1):
        if chunk["score"] < _CLOSE_SCORE * chunks[0]["score"]:
            break
        held = set(char_ngrams(f"{chunk['title']}\n{chunk['text']}"))
        gains = [
            max(_share(word, held) - before, 0.0)
            for word, before in zip(words, covered, strict=True)
        ]
        if words and sum(gains) / len(words) >= _FILLED_GAP:
            return index
    return None


def _shared(words: Sequence[str], sentence: str) -> float:
    held = set(char_ngrams(sentence))
    return sum(_share(word, held) for word in words)


def _share(word: str, held: set[str]) -> float:
    pieces = set(char_ngrams(word))
    return len(pieces & held) / max(len(pieces), 1)
