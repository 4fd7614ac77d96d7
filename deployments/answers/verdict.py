"""What a model's text says: an answer, a part of one, or that it has none."""

import re

from config.prompts import NO_ANSWER

_MARK = re.compile(rf"""\s*[*_"'(\[]*{NO_ANSWER}.*""")


def read_verdict(text: str) -> tuple[str, bool]:
    """Return the part that answers, and whether something is left unanswered.

    What follows the mark on its line explains why there is no answer: nobody is told.
    """
    if NO_ANSWER not in text:
        return text, False
    kept = (_MARK.sub("", line) for line in text.splitlines())
    answer = "\n".join(line for line in kept if line.strip()).strip()
    return answer, True
