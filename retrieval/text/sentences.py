"""Splits Persian and English text into sentences, as exact slices of the original."""

import re
from typing import NamedTuple

from retrieval.text.links import LINK, LINK_CHARACTER


class Span(NamedTuple):
    """A sentence's place: `text[start:end]` is the sentence, without outer blanks."""

    start: int
    end: int


# A run of end marks with the quotes and brackets that close after it. A newline ends a
# sentence too: shops write lists and tables line by line. The semicolon (؛) does not:
# what follows it finishes the sentence.
_END = re.compile(r"[.!?؟…]+[\"'”’»)\]]*|\n+")
# The look-behinds start each alternative once per run, or a long run costs its square.
_LINK = re.compile(
    rf"{LINK}"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|(?<![A-Za-z0-9-])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/{LINK_CHARACTER}*)?"
)
_LINK_TAIL = ".!?…,:)]}"  # ends the sentence around a link, not the link
_LAST_WORD = re.compile(r"(\.?)([^\W_]+(?:['’][^\W_]+)*)\Z")
_LIST_NUMBER = re.compile(r"(?:\A|\n)[ \t]*\d{1,3}\Z")
_LOOK_BACK_CHARS = 40  # longer than any abbreviation or list number

_TITLES = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs"))
_BEFORE_NUMBERS = frozenset(
    ("no", "nos", "p", "pp", "vol", "fig", "ext", "tel", "min", "max")
)
_BEFORE_MORE = frozenset(("etc", "approx", "inc", "ltd", "co"))


def split_sentences(text: str) -> tuple[str, ...]:
    """Cut a text into its sentences; every one is a slice of the original."""
    return tuple(text[start:end] for start, end in sentence_spans(text))


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Find the sentences of a text, in order and without the blanks around them.

    Decimals, prices (`۱٬۲۸۰٬۰۰۰`), links, e-mail addresses, abbreviations and initials
    are not cut. Only blanks lie between two spans.
    """
    links = [_link_span(match) for match in _LINK.finditer(text)]
    spans: list[Span] = []
    start = next_link = 0
    for match in _END.finditer(text):
        while next_link < len(links) and links[next_link].end <= match.start():
            next_link += 1
        inside_link = next_link < len(links) and links[next_link].start < match.start()
        if inside_link or not _ends_sentence(text, match):
            continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return tuple(spans)


def _link_span(match: re.Match[str]) -> Span:
    return Span(match.start(), match.start() + len(match[0].rstrip(_LINK_TAIL)))


def _append_trimmed(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    trimmed = piece.strip()
    if not trimmed:
        return
    start += len(piece) - len(piece.lstrip())
    # A stray mark ("! !") belongs to the sentence before it.
    if spans and not any(c.isalnum() for c in trimmed) and "\n" not in piece:
        spans[-1] = Span(spans[-1].start, start + len(trimmed))
    else:
        spans.append(Span(start, start + len(trimmed)))


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark, after = match[0], text[match.end() : match.end() + 1]
    if not after or after == "\n" or mark.startswith("\n"):
        return True
    if mark != ".":
        # "سلام!خوبی؟" has no blank after the mark and is two sentences all the same.
        return after.isspace() or after.isalpha()
    before = text[max(0, match.start() - _LOOK_BACK_CHARS) : match.start()]
    last_word = _LAST_WORD.search(before)
    if last_word is None:
        return after.isspace()
    point, word = last_word.groups()
    if not after.isspace():
        # "است.زمان" lacks the blank; "ه.ق" and "3.5" are one thing.
        return len(word) > 1 and _is_persian(word[-1]) and _is_persian(after)
    following = text[match.end() : match.end() + _LOOK_BACK_CHARS].lstrip()[:1]
    return not (
        _LIST_NUMBER.search(before) or _goes_on(word, following, chained=bool(point))
    )


def _is_persian(letter: str) -> bool:
    return "\u0600" <= letter <= "\u06ff" and letter.isalpha()


def _goes_on(word: str, following: str, *, chained: bool) -> bool:
    """Tell whether the point after `word` abbreviates it, by what follows the blank."""
    folded = word.lower()
    if len(word) > 1:
        return (
            folded in _TITLES
            or (folded in _BEFORE_NUMBERS and following.isdigit())
            or (folded in _BEFORE_MORE and following.islower())
        )
    if _is_persian(word):  # "ج. ۲", "م. رضایی", "ه. ق."
        return True
    if chained:  # "e.g. shirts", "U.S. size"
        return following.islower() or following.isdigit()
    return following.isascii() and following.isupper()  # "J. Smith", not "سایز M. قیمت"
