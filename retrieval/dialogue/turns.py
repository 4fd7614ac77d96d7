"""The past of a conversation, as far as a new message may lean on it."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Between the subjects of an answer about several things.
SUBJECTS_JOINED = "، "


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange: what was said and answered, and what it was about.

    `question` is the question as it was searched, `subject` the name of the thing that
    was answered about, `chunk_id` of the first passage that was quoted, all empty where
    nothing was quoted. `asked_back` says that the answer was a question.
    """

    said: str
    answered: str
    question: str = ""
    subject: str = ""
    chunk_id: str = ""
    asked_back: bool = False


@dataclass(frozen=True, slots=True)
class Burst:
    """The messages that want one answer, oldest first.

    `referred` is the text that they point at: a shared post, an ad, replied-to words.
    """

    texts: tuple[str, ...]
    referred: str = ""


def find_referred(referred: str, turns: Sequence[Turn]) -> Turn | None:
    """Find the turn whose answer or words a reply points at; None if it is none.

    A turn without a question tells no more than the words themselves.
    """
    words = " ".join(referred.split())
    if not words:
        return None
    for turn in reversed(turns):
        if turn.question and words in (
            " ".join(turn.answered.split()),
            " ".join(turn.said.split()),
        ):
            return turn
    return None
