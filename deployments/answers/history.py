"""The exchanges of a conversation, from its stored messages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from persistence.messages import Turn as Line
from retrieval.dialogue.repetition import Exchange
from retrieval.dialogue.turns import Turn

CUSTOMER = "customer"
_AI = "AI"


@dataclass(frozen=True, slots=True)
class _Past:
    """What the customer said in a row, and the line that answered it."""

    said: tuple[Line, ...]
    answer: Line


def build_turns(lines: Sequence[Line]) -> tuple[Turn, ...]:
    """Build the exchanges that a new message may lean on, oldest first."""
    return tuple(
        Turn(
            said="\n".join(filter(None, (line.content for line in past.said))),
            answered=past.answer.content,
            question=past.answer.question,
            subject=past.answer.subject,
            chunk_id=past.answer.subject_chunk_id,
            asked_back=past.answer.asked_back,
        )
        for past in _pair(lines)
    )


def build_exchanges(lines: Sequence[Line]) -> tuple[Exchange, ...]:
    """Build what the AI has answered, oldest first; what a person answered is left out.

    The words that a message referred to belong to it: "how much?" about two posts is
    asked twice.
    """
    exchanges = []
    for past in _pair(lines):
        at = past.said[-1].created_at if past.said else None
        if at is not None and past.answer.type == _AI:
            exchanges.append(Exchange(_say(past.said), at, past.answer.is_sourced))
    return tuple(exchanges)


def _say(lines: Sequence[Line]) -> str:
    texts = (text for line in lines for text in (line.referred, line.content))
    return "\n".join(filter(None, texts))


def _pair(lines: Sequence[Line]) -> Iterator[_Past]:
    """Yield each answer with what it answers; what is unanswered leads to nothing."""
    said: list[Line] = []
    for line in lines:
        if line.type == CUSTOMER:
            said.append(line)
            continue
        yield _Past(tuple(said), line)
        said = []
