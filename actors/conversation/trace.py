"""The trace of an answer: what it rests on, and how it came to be."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SourceCited:
    """One chunk that an answer rests on."""

    number: int
    document_id: str
    chunk_id: str
    title: str
    source_type: str
    url: str | None
    score: float


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """A chunk that the search ranked, whether the answer used it or not."""

    chunk_id: str
    score: float
    rerank_score: float | None = None


#: What understood a message writes down: JSON, three levels deep.
Leaf: TypeAlias = str | bool | int | float | None
Branch: TypeAlias = Leaf | list[Leaf] | dict[str, Leaf]
Understanding: TypeAlias = dict[str, Leaf | list[Branch] | dict[str, Branch]]


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """A message of a prompt, as the model read it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class BlockQuoted:
    """The statements of a chunk that an answer was composed from."""

    chunk_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """The provenance of an answer, stored as the message's metadata.

    The last six fields are its proof. They hold customers' words: neither metadata nor
    history has them, but the table `answer_proofs`, whose rows of a conversation are
    emptied when one of its messages is unsent.
    """

    sources: tuple[SourceCited, ...] = ()
    retrieval_method: str = "none"
    model: str = "none"
    tokens: int = 0
    latency_ms: float = 0.0
    #: Why a model that was asked did not write it; empty when all went well.
    fallback_reason: str = ""
    #: In the search's last order.
    candidates: tuple[CandidateSeen, ...] = ()
    #: The search's confidence that its first candidate answers; 0 to 1.
    relevance: float = 0.0
    #: The time that the search for the composed answer took.
    search_ms: float = 0.0
    #: The name of the thing that was answered about, as the documents have it, and the
    #: chunk that tells of it: the next message may lean on them.
    subject: str = ""
    subject_chunk_id: str = ""
    #: The answer is a question to the customer.
    asked_back: bool = False
    #: SHA-256 of the messages that the model was sent; empty where none was asked.
    prompt_hash: str = ""
    #: The messages that the model was sent last, those of a second attempt included.
    prompt: tuple[PromptMessage, ...] = ()
    #: The texts that were searched for.
    questions: tuple[str, ...] = ()
    #: That of them which the next message may lean on.
    question: str = ""
    #: What a composed answer quotes.
    quoted: tuple[BlockQuoted, ...] = ()
    #: What was understood of the customer's messages.
    understanding: Understanding = field(default_factory=dict, hash=False)
    #: What was wrong with texts of the model that were not sent.
    faults: tuple[str, ...] = ()
