"""A text's pieces that may say a number: figures, words, signs, and fixed forms."""

import re
from dataclasses import dataclass
from enum import StrEnum

from retrieval.text.language import LINK
from retrieval.text.number_words import SCALES, SMALL, find_unit, fold_character
from retrieval.text.numerals import CHAIN, Numeral, read_numerals


class Form(StrEnum):
    """The forms of a piece."""

    NUMERAL = "numeral"
    WORD = "word"
    SIGN = "sign"
    OTHER = "other"
    SHEBA = "sheba"
    CARD = "card"
    PHONE = "phone"
    DATE = "date"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the folded text; `start` and `end` are places in the original."""

    form: Form
    text: str
    start: int
    end: int
    #: The folded text between it and the piece before it.
    gap: str
    numeral: Numeral | None = None


_SEPARATOR = r"[ \u00a0().-]"
_PHONE = (
    rf"(?:\+|\b00)[0-9](?:{_SEPARATOR}{{0,2}}[0-9]){{7,13}}"
    # With its area code or as a mobile: 10 or 11 digits that begin with one zero.
    rf"|\b0[1-9](?:{_SEPARATOR}{{0,2}}[0-9]){{8,9}}"
    r"|\b9[0-9]{9}"
    r"|\(?\b[0-9]{3}\)?[ -][0-9]{3}-[0-9]{4}"
)
_FORMS = re.compile(
    rf"(?P<other>{LINK}|[\w.+-]{{1,64}}@[\w.-]+|@[\w.]+"
    r"|[0-9]\ufe0f?\u20e3)"
    r"|(?P<sheba>\bir[ -]?[0-9]{2}(?:[ -]?[0-9]){22}(?![0-9]))"
    # Half of letters, half of digits: a name of goods or of a discount, no figure.
    r"|(?P<code>\b[a-z][a-z_-]*[0-9](?:[.]?[a-z0-9_-])*)"
    r"|(?P<card>(?<![0-9])[0-9]{4}(?P<mark>[ \u00a0._-]?)[0-9]{4}(?P=mark)[0-9]{4}"
    r"(?P=mark)[0-9]{4}(?![0-9]))"
    rf"|(?P<phone>(?<![0-9.,٬٫])(?:{_PHONE})(?![0-9]|[.,٬٫][0-9]))"
    r"|(?P<date>(?<![0-9/])[0-9]{1,4}(?P<dash>[/.-])[0-9]{1,2}(?P=dash)[0-9]{1,4}"
    r"(?![0-9]|[/.-][0-9]))"
    r"|(?P<clock>(?<![0-9:])(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9])?(?![0-9:]))"
    rf"|(?P<numeral>{CHAIN})"
    r"|(?P<word>a\.m\b|p\.m\b|[^\W\d_]+)"
    r"|(?P<sign>[$€£₺﷼%٪])",
)
_DATE = re.compile("([0-9]+)[/.-]([0-9]+)[/.-]([0-9]+)")
#: Behind a figure without a blank; any other Latin letters make it a code, as in 13pro.
_GLUED = frozenset(("k", "st", "nd", "rd", "th"))
_LATIN = re.compile(r"[a-z]+\b")


def tokenise(text: str) -> list[Token]:
    """Cut a text into pieces; what can be part of no number is left out."""
    folded, places = _fold(text)
    tokens: list[Token] = []
    before = 0

    def add(form: Form, start: int, end: int, numeral: Numeral | None = None) -> None:
        nonlocal before
        tokens.append(
            Token(
                form,
                folded[start:end],
                places[start],
                places[end - 1] + 1,
                folded[before:start],
                numeral,
            )
        )
        before = end

    position = 0
    while (match := _FORMS.search(folded, position)) is not None:
        start, position = match.span()
        kind = match.lastgroup or ""
        kind = _main_group(match) if kind in ("mark", "dash") else kind
        if kind == "date" and not _is_date(match[0]):
            chain = re.compile(CHAIN).match(folded, start)
            kind, position = "numeral", chain.end() if chain else position
        if kind == "numeral":
            for numeral in read_numerals(folded[start:position]):
                add(Form.NUMERAL, start + numeral.start, start + numeral.end, numeral)
            position = _skip_code(folded, position, tokens)
        elif kind == "word":
            for piece_start, piece_end in _split_word(match):
                add(Form.WORD, piece_start, piece_end)
        else:
            form = Form.OTHER if kind == "code" else Form(kind)
            add(form, start, position)
    return tokens


def read_date_parts(text: str) -> tuple[str, str, str]:
    """Return the three parts of a date that is written with figures alone."""
    match = _DATE.fullmatch(text)
    return (match[1], match[2], match[3]) if match else ("", "", "")


def _fold(text: str) -> tuple[str, list[int]]:
    """Fold a text; the list says where each folded character came from."""
    pieces: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = fold_character(character)
        pieces.append(folded)
        places.extend([place] * len(folded))
    return "".join(pieces), places


def _main_group(match: re.Match[str]) -> str:
    return next(
        name
        for name, value in match.groupdict().items()
        if value is not None and name not in ("mark", "dash")
    )


def _is_date(text: str) -> bool:
    """Tell a date from a version or a list: one end names a year of four digits."""
    first, month, last = read_date_parts(text)
    years = [part for part in (first, last) if len(part) == 4]
    if len(years) != 1 or not _is_year(int(years[0])):
        return False
    day = last if years[0] == first and len(first) == 4 else first
    low, high = sorted((int(month), int(day)))
    return 1 <= low <= 12 and high <= 31 and len(day) <= 2


def _is_year(year: int) -> bool:
    return 1300 <= year < 1500 or 1900 <= year < 2200


def _skip_code(folded: str, position: int, tokens: list[Token]) -> int:
    """Take the letters behind a figure as part of a code, unless they are a unit."""
    letters = _LATIN.match(folded, position)
    if letters is None or letters[0] in _GLUED or find_unit(letters[0]):
        return position
    if letters[0] in SCALES or letters[0] in SMALL:
        return position
    last = tokens.pop()
    tokens.append(
        Token(Form.OTHER, last.text + letters[0], last.start, last.end, last.gap)
    )
    return letters.end()


def _split_word(match: re.Match[str]) -> list[tuple[int, int]]:
    """Take «هزارتومان» and «بیست‌وپنج» apart: words that were written together."""
    word, start, end = match[0], match.start(), match.end()
    if word[0] == "و" and word not in SMALL and word[1:] in SMALL | SCALES:
        return [(start, start + 1), (start + 1, end)]
    for length in range(len(word) - 1, 1, -1):
        head, tail = word[:length], word[length:]
        if head in SCALES and (find_unit(tail) or tail in SCALES):
            return [(start, start + length), (start + length, end)]
    return [(start, end)]
