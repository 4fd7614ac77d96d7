"""Persian text that was stored as it is seen, each line from its left end."""

import re

from retrieval.errors import UnreadableFileError

#: Words that no Persian page of some length is without; none is one of them backwards.
_COMMON = frozenset(
    {"است", "برای", "این", "های", "شما", "که", "می", "هزار", "تومان", "قیمت", "بعد"}
    | {"شود", "باشد", "دارد", "کنید", "همه", "روز", "فقط", "ارسال", "یک", "هر"}
)
_BACKWARDS = frozenset(word[::-1] for word in _COMMON)
_WORD = re.compile(r"[\u0620-\u06ff]+")
#: Presentation forms as well: a PDF names the shapes that it prints.
_PERSIAN = re.compile(r"[\u0620-\u065f\u066e-\u06d3\ufb50-\ufdff\ufe70-\ufefc]")
_LATIN = re.compile(r"[A-Za-z]")
#: What keeps its own direction within a line: figures, Latin words, addresses.
_LEFT_TO_RIGHT = re.compile(
    r"[0-9۰-۹٠-٩A-Za-z](?:[0-9۰-۹٠-٩A-Za-z.,:/%@_+٫٬-]*[0-9۰-۹٠-٩A-Za-z%])?"
)
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
#: One word may be a name; this many are a page.
_MIN_WORDS = 3
_CERTAIN_RATIO = 4


def read_in_logical_order(text: str) -> str:
    """Turn text in visual order round; return any other text as it is.

    Raises:
        UnreadableFileError: some lines stand one way and some the other.
    """
    words = _WORD.findall(text)
    forwards = sum(word in _COMMON for word in words)
    backwards = sum(word in _BACKWARDS for word in words)
    if backwards < _MIN_WORDS or forwards > backwards * _CERTAIN_RATIO:
        return text
    if forwards * _CERTAIN_RATIO > backwards:
        message = (
            "parts of the file's text are stored backwards; hand in the text itself,"
            " or save the file as PDF anew"
        )
        raise UnreadableFileError(message)
    return turn_round(text)


def turn_round(text: str) -> str:
    """Turn each line that is mostly Persian from visual into logical order."""
    return "\n".join(_turn(line) for line in text.split("\n"))


def _turn(line: str) -> str:
    if len(_PERSIAN.findall(line)) <= len(_LATIN.findall(line)):
        return line
    turned = line[::-1].translate(_MIRRORED)
    return _LEFT_TO_RIGHT.sub(lambda run: run[0][::-1], turned)
