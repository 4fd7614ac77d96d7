"""What a shared post adds to a question: more words to search by."""

import re

from actors.conversation.rules.placeholders import EMPTY_SHARE

#: A caption is searched by its beginning: the hashtags at its end find nothing.
MAX_SEARCHED_CHARS = 400
_LABEL = re.compile(r"^(?:عنوان|زیرعنوان|کپشن): ", re.MULTILINE)
_LINK = re.compile(r"^لینک: .*$", re.MULTILINE)


def to_search_words(share: str) -> str:
    """Return the post's words, without labels and links; empty when it says nothing."""
    words = _LABEL.sub("", _LINK.sub("", share)).replace(EMPTY_SHARE, "")
    words = " ".join(words.split())
    if len(words) > MAX_SEARCHED_CHARS:
        words = words[:MAX_SEARCHED_CHARS].rpartition(" ")[0]
    return words
