"""A composed answer as it travels from the Retriever to the Responder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors.conversation.trace import Branch
from actors.conversation.trace import Understanding as Description
from retrieval.answer.facts import Fact
from retrieval.answering import Draft, DraftAct
from retrieval.dialogue.understanding import Understanding

#: The key in `degraded` of an embedder that failed.
EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer quotes; `text` holds the quoted statements."""

    chunk_id: str
    document_id: str
    title: str
    source_type: str
    url: str | None
    text: str
    #: Of the best statement; higher is better, not comparable between questions.
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was weighed, by its best statement's score."""

    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """A `Draft` without what is heavy: see there for the fields that it shares.

    `candidates` are best first, one question after the other. `degraded` names the
    failures of parts that the search did without. `search_ms` is the time that
    understanding, search and composing took.
    """

    act: DraftAct
    understanding: Understanding
    text: str = ""
    options: tuple[str, ...] = ()
    is_partial: bool = False
    question: str = ""
    subject: str = ""
    citations: tuple[Citation, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    degraded: Mapping[str, str] = field(default_factory=dict, hash=False)
    search_ms: float = 0.0

    @property
    def chunk_id(self) -> str:
        """The id of the first passage that is quoted; empty if none is."""
        return self.citations[0].chunk_id if self.citations else ""


def condense(draft: Draft, search_ms: float) -> AnswerDraft:
    """Condense a draft to what the Responder needs."""
    scores: dict[str, float] = {}
    for match in draft.matches:
        # Best first, so a passage keeps its best statement's score.
        scores.setdefault(str(match.fact.chunk.chunk_id), match.score)
    return AnswerDraft(
        act=draft.act,
        understanding=draft.understanding,
        text=draft.text,
        options=draft.options,
        is_partial=draft.is_partial,
        question=draft.question,
        subject=draft.subject,
        citations=_cite(draft.facts, scores),
        candidates=tuple(Candidate(*scored) for scored in scores.items()),
        degraded={EMBEDDER: draft.degraded} if draft.degraded else {},
        search_ms=search_ms,
    )


def _cite(facts: Sequence[Fact], scores: Mapping[str, float]) -> tuple[Citation, ...]:
    quoted: dict[str, list[Fact]] = {}
    for fact in facts:
        quoted.setdefault(str(fact.chunk.chunk_id), []).append(fact)
    return tuple(
        Citation(
            chunk_id=chunk_id,
            document_id=str(same[0].chunk.document_id),
            title=same[0].chunk.title,
            source_type=same[0].chunk.source.value,
            url=same[0].chunk.url,
            text="\n".join(dict.fromkeys(fact.text for fact in same)),
            score=scores.get(chunk_id, 0.0),
        )
        for chunk_id, same in quoted.items()
    )


def describe(draft: AnswerDraft) -> Description:
    """Describe what was understood as JSON, for the proof of the answer."""
    understood = draft.understanding
    described: Description = {
        "decided": draft.act.value,
        "acts": [act.value for act in understood.acts],
        "language": understood.language.value,
    }
    if understood.talk is not None:
        described["talk"] = understood.talk.value
    if understood.questions:
        described["questions"] = [
            _question(question.text, question.subject)
            for question in understood.questions
        ]
    if draft.options:
        described["options"] = [*draft.options]
    return described


def summarise(draft: AnswerDraft, said: str) -> Mapping[str, object]:
    """Sum up what was understood in lines for a model's prompt, which holds `said`."""
    questions = (one.text for one in draft.understanding.questions)
    lines: dict[str, object] = {
        "acts": [act.value for act in draft.understanding.acts],
        "questions": [text for text in questions if text not in said],
    }
    subjects = dict.fromkeys(one.subject for one in draft.understanding.questions)
    if any(subjects):
        lines["about"] = [subject for subject in subjects if subject]
    if draft.options:
        lines["may mean"] = [*draft.options]
    return lines


def _question(text: str, subject: str) -> Branch:
    return {"text": text, "subject": subject} if subject else {"text": text}
