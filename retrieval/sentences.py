"""Where Persian and English sentences end, as exact slices of the original."""

import re
from typing import NamedTuple


class Span(NamedTuple):
    """A sentence's place: `text[start:end]` is the sentence, without outer blanks."""

    start: int
    end: int


# A run of end marks with the quotes and brackets that close after it. A newline ends a
# sentence too: shops write lists and tables line by line.
_END = re.compile(r"[.!?؟…؛]+[\"'”’»)\]]*|\n+")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>«»\"']+"  # addresses
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/[^\s<>«»\"']*)?"  # bare hosts, file names
)
_LINK_TAIL = ".!?؟…؛،,:)]}"  # these end the sentence around a link, not the link
_WORD_BEFORE = re.compile(r"[^\W_]+\Z")
_LIST_NUMBER = re.compile(r"(?:\A|\n)[ \t]*\d{1,3}\Z")
_LETTER = re.compile(r"[^\W\d_]")

# Short forms that are written with a point and go on: "Dr. Amini", "ج. ۲, ص. ۱۴".
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st no vs eg ie e.g i.e etc approx max min tel ext fig vol".split()
)


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
    if mark.startswith("\n"):
        return True
    if mark != ".":
        # "سلام!خوبی؟" has no blank after the mark and is two sentences all the same.
        return not after or after.isspace() or _LETTER.match(after) is not None
    # Forty characters hold any abbreviation or list number that is looked for.
    before = text[max(0, match.start() - 40) : match.start()]
    word = _WORD_BEFORE.search(before)
    if not after or after == "\n":
        return True
    if not after.isspace():
        return _joins_two_persian_words(word[0] if word else "", after)
    return not (_LIST_NUMBER.search(before) or _is_abbreviation(before, word, text[match.end():match.end()+2]))
