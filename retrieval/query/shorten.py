"""Shortens a question to the text that is searched."""

from retrieval.text.links import drop_links
from retrieval.text.normalise import normalise_mildly

# Reading costs time by length, and a burst of pasted texts must not hold up the others.
# A question that is longer than two screens is told by its beginning and its end.
MAX_QUESTION_CHARS = 1_200
_GAP = " ... "


def to_search_text(question: str) -> str:
    """Leave of a question what it asks: no link beside it, and both ends of a long one.

    A link is full of words that nobody asked about: the shop's own name would find the
    page of its telephone number. One that stands alone is all there is to go by.
    """
    asked = drop_links(question)
    has_words = any(character.isalnum() for character in asked)
    return shorten_question(asked.strip() if has_words else question)


def shorten_question(text: str) -> str:
    """Keep both ends of a very long question; people and models read all of it."""
    kept = _keep_ends(text)
    # One sign may spell a whole phrase: ﷺ is eighteen letters to who reads on.
    spelled = normalise_mildly(kept)
    is_short = len(spelled) <= MAX_QUESTION_CHARS + len(_GAP)
    return kept if is_short else _keep_ends(spelled)


def _keep_ends(text: str) -> str:
    if len(text) <= MAX_QUESTION_CHARS:
        return text
    half = MAX_QUESTION_CHARS // 2
    return f"{text[:half]}{_GAP}{text[-half:]}"
