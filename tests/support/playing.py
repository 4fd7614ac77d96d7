"""A shop that answers by the rules: documents, an index, and a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

from deployments.answers.wording import write_reply
from retrieval.answering import Answerer, Draft, DraftAct
from retrieval.dialogue.turns import Burst, Turn
from retrieval.documents.chunking import chunk_document
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.text.language import Language


@dataclass(frozen=True, slots=True)
class Handed:
    """A document as a shop hands it in; of several the last is the newest."""

    title: str
    text: str
    source: SourceType = SourceType.MANUAL


@dataclass(frozen=True, slots=True)
class Reply:
    """What the customer reads, and what it rests on."""

    text: str
    draft: Draft

    @property
    def act(self) -> str:
        """The act as labelled dialogues name it."""
        if self.draft.is_partial:
            return "handover"
        return {
            DraftAct.ANSWER: "answer",
            DraftAct.SMALL_TALK: "smalltalk",
            DraftAct.ASK_BACK: "clarify",
            DraftAct.HANDOVER: "handover",
        }[self.draft.act]


def build_index(handed: Sequence[Handed], embedder: Embedder) -> KnowledgeIndex:
    """Read, cut, embed and index documents, as the API and the indexer do."""
    chunks = []
    for number, document in enumerate(handed, start=1):
        document_id = uuid5(NAMESPACE_OID, f"{number} {document.title}")
        parents = chunk_document(document.title, document.text, embedder.count_tokens)
        chunks += [
            IndexedChunk(
                chunk_id=uuid5(document_id, f"chunk {chunk.position}"),
                document_id=document_id,
                source=document.source,
                title=document.title,
                text=chunk.text,
                parent_id=uuid5(document_id, f"parent {parent.position}"),
                parent_text=parent.text,
                block=chunk.block,
                revision=number,
            )
            for parent in parents
            for chunk in parent.chunks
        ]
    texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
    vectors = embedder.embed_passages(texts)
    index = KnowledgeIndex(embedder.dimensions)
    index.apply(
        [
            replace(chunk, vector=vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
    )
    return index


class Conversation:
    """One customer's conversation with a shop."""

    def __init__(self, answerer: Answerer, index: KnowledgeIndex) -> None:
        self._answerer, self._index = answerer, index
        self.turns: list[Turn] = []

    def say(self, text: str, about: str = "") -> Reply:
        """Answer a message; `about` is a shared post, or the words replied to."""
        burst = Burst((text,), about)
        draft = self._answerer.answer(burst, self.turns, self._index, Language.FA)
        reply = Reply(write_reply(draft, said=text), draft)
        is_about = draft.act in (DraftAct.ANSWER, DraftAct.ASK_BACK)
        self.turns.append(
            Turn(
                said=text,
                answered=reply.text,
                question=draft.question if is_about else "",
                subject=draft.subject,
                chunk_id=str(draft.facts[0].chunk.chunk_id) if draft.facts else "",
                asked_back=draft.act is DraftAct.ASK_BACK,
            )
        )
        return reply
