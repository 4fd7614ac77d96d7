"""How much of a question is searched by."""

# Reading costs time by length, and a burst of pasted texts must not hold up the others.
# A question that is longer than two screens is told by its beginning and its end.
MAX_QUESTION_CHARS = 1_200


def shorten_question(text: str) -> str:
    """Keep both ends of a very long question; people and models read all of it."""
    if len(text) <= MAX_QUESTION_CHARS:
        return text
    half = MAX_QUESTION_CHARS // 2
    return f"{text[:half]} … {text[-half:]}"
