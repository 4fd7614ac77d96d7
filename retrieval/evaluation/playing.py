"""A labelled shop as it answers: its documents indexed, its dialogues played."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.drafts import Draft, DraftAct
from retrieval.dialogue.turns import Burst, Turn
from retrieval.documents.chunking import chunk_document
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.evaluation.dialogues import (
    ExpectedAct,
    GivenAnswer,
    LabelledDialogue,
    LabelledTurn,
    PlayedDialogue,
    PlayedTurn,
    judge,
)
from retrieval.evaluation.labelled import parse_rows
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex

# Between two steps of a progress bar.
_TEXTS_AT_ONCE = 16
_KEYS = frozenset({"source_type", "title", "text", "url", "tags"})
_ACTS: Mapping[DraftAct, ExpectedAct] = {
    DraftAct.ANSWER: ExpectedAct.ANSWER,
    DraftAct.SMALL_TALK: ExpectedAct.SMALLTALK,
    DraftAct.ASK_BACK: ExpectedAct.CLARIFY,
    DraftAct.HANDOVER: ExpectedAct.HANDOVER,
}


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """A document as the knowledge API takes it."""

    source: SourceType
    title: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledShop:
    """A business: its documents, and the dialogues about them."""

    name: str
    documents: tuple[LabelledDocument, ...]
    dialogues: tuple[LabelledDialogue, ...]


def parse_documents(lines: Iterable[str]) -> tuple[LabelledDocument, ...]:
    """Parse JSONL of {source_type, title, text, url?}.

    Raises LabelledSetError, naming the line, also where there is nothing in it.
    """
    return parse_rows(lines, _document)


def _document(row: object) -> LabelledDocument:
    if not isinstance(row, dict) or not row.keys() <= _KEYS:
        message = "not a JSON object of source_type, title, text and url"
        raise TypeError(message)
    title, text, url = row.get("title"), row.get("text"), row.get("url")
    if not isinstance(title, str) or not isinstance(text, str) or not text.strip():
        message = "title and text: must be texts, and not empty"
        raise TypeError(message)
    if url is not None and not isinstance(url, str):
        message = "url: must be a text"
        raise TypeError(message)
    return LabelledDocument(SourceType(str(row.get("source_type"))), title, text, url)


class RememberingEmbedder:
    """An embedder that embeds no text twice. Not for many threads."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._queries: dict[str, NDArray[np.float32]] = {}
        self._passages: dict[str, NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        """Name the model."""
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        """Give the length of a vector."""
        return self._embedder.dimensions

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed the questions that were not asked before."""
        return _remember(self._queries, texts, self._embedder.embed_queries)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed the passages that were not seen before."""
        return _remember(self._passages, texts, self._embedder.embed_passages)

    def count_tokens(self, text: str) -> int:
        """Count a text's tokens."""
        return self._embedder.count_tokens(text)


def _remember(
    known: dict[str, NDArray[np.float32]],
    texts: Sequence[str],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if missing:
        known.update(zip(missing, embed(missing), strict=True))
    return np.stack([known[text] for text in texts])


class ShopKnowledge:
    """A shop's documents, cut as a tenant's would be, and their index.

    The later document of the file counts as the newer one.
    """

    def __init__(self, shop: LabelledShop, embedder: Embedder) -> None:
        self._embedder = embedder
        self._chunks = [
            chunk
            for number, document in enumerate(shop.documents, start=1)
            for chunk in _cut(shop.name, number, document, embedder.count_tokens)
        ]
        self.index = KnowledgeIndex(embedder.dimensions)

    def __len__(self) -> int:
        return len(self._chunks)

    def embed(self) -> Iterator[int]:
        """Embed and index the chunks; yield how many more are done."""
        for start in range(0, len(self._chunks), _TEXTS_AT_ONCE):
            batch = self._chunks[start : start + _TEXTS_AT_ONCE]
            texts = [passage_text(chunk.title, chunk.text) for chunk in batch]
            vectors = self._embedder.embed_passages(texts)
            self.index.apply(
                [
                    replace(chunk, vector=vector)
                    for chunk, vector in zip(batch, vectors, strict=True)
                ]
            )
            yield len(batch)
        self.index.prepare()


def _cut(
    shop: str,
    number: int,
    document: LabelledDocument,
    count_tokens: Callable[[str], int],
) -> Iterator[IndexedChunk]:
    document_id = uuid5(NAMESPACE_OID, f"{shop}:{number}")
    for parent in chunk_document(document.title, document.text, count_tokens):
        for chunk in parent.chunks:
            yield IndexedChunk(
                chunk_id=uuid5(document_id, f"chunk:{chunk.position}"),
                document_id=document_id,
                source=document.source,
                title=document.title,
                text=chunk.text,
                parent_id=uuid5(document_id, f"parent:{parent.position}"),
                parent_text=parent.text,
                url=document.url,
                block=chunk.block,
                revision=number,
            )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One burst of a customer, and what was answered to it."""

    turn: Turn
    answer: GivenAnswer


def exchange_of(said: str, draft: Draft, text: str) -> Exchange:
    """Note an answer as the next message leans on it.

    `text` is the reply as it was sent. What leaves a part open calls a person.
    """
    is_open = draft.act in (DraftAct.ANSWER, DraftAct.ASK_BACK)
    chunk_id = draft.facts[0].chunk.chunk_id if draft.facts else None
    act = ExpectedAct.HANDOVER if draft.is_partial else _ACTS[draft.act]
    return Exchange(
        Turn(
            said,
            text,
            draft.question if is_open else "",
            draft.subject,
            str(chunk_id or ""),
            asked_back=draft.act is DraftAct.ASK_BACK,
        ),
        GivenAnswer(text, act, bool(draft.facts)),
    )


Reply = Callable[[Burst, Sequence[Turn]], Exchange]
"""Answers a burst after the turns before it."""


def play(shop: str, dialogue: LabelledDialogue, reply: Reply) -> PlayedDialogue:
    """Say a dialogue's messages one after the other, and judge each answer."""
    turns: list[Turn] = []
    played = []
    for labelled in dialogue.turns:
        burst = Burst((labelled.say,), _referred(labelled, turns))
        exchange = reply(burst, turns)
        verdict = judge(exchange.answer, labelled.expected)
        played.append(PlayedTurn(labelled.say, exchange.answer, verdict))
        turns.append(exchange.turn)
    return PlayedDialogue(shop, dialogue.id, dialogue.about, tuple(played))


def _referred(labelled: LabelledTurn, turns: Sequence[Turn]) -> str:
    if labelled.reply_to is None:
        return labelled.share
    target = turns[labelled.reply_to]
    return target.answered or target.said
