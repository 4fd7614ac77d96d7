"""The understanding of a burst: acts, language, and the questions to be searched."""

from dataclasses import dataclass

from retrieval.dialogue.acts import Act, Talk
from retrieval.text.language import Language


@dataclass(frozen=True, slots=True)
class SearchedQuestion:
    """A question as it was searched, and the subject that it leans on, if any."""

    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a burst of messages was understood to mean."""

    acts: tuple[Act, ...]
    language: Language
    questions: tuple[SearchedQuestion, ...] = ()
    talk: Talk | None = None
