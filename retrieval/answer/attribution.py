"""Whether a price in an answer is the price of what the answer names."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from retrieval.answer.figures import stands_in
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise
from retrieval.text.number_words import VALUES, find_unit
from retrieval.text.numbers import Number, NumberKind, read_numbers
from retrieval.text.sentences import split_sentences

#: A bare figure from here on may be a price: the cell of a table.
_MIN_PRICE = 1000
#: So many of its names tell a row from the others.
_NAMED_WORDS = 2


@dataclass(frozen=True, slots=True)
class _Row:
    """A sentence or a line of a source that holds a price, and the words around it."""

    names: frozenset[str]
    prices: tuple[Number, ...]


def find_misplaced(text: str, sources: Iterable[str]) -> list[str]:
    """List the prices of a text that its sources hold for something else.

    By hand: of «مانتو آوین ۱٬۲۸۰٬۰۰۰ تومان» and «شومیز نسیم ۵۸۰٬۰۰۰ تومان» the
    580,000 in «مانتو آوین ۵۸۰ هزار تومان است» is misplaced. Only where the names leave
    no doubt: another row is named by two words or more, none of its prices is said
    beside, and no row that holds the price is named by a word of its own.
    """
    rows = _distinctive([row for source in sources for row in _rows(source)])
    found: list[str] = []
    before: frozenset[str] = frozenset()
    for sentence in split_sentences(text):
        names = _names(sentence)
        if all(len(names & row.names) < _NAMED_WORDS for row in rows):
            names |= before
        before = names
        prices = _prices(sentence)
        unsaid = [row for row in rows if not _is_any_in(prices, row)]
        found.extend(
            sentence[number.start : number.end]
            for number in prices
            if _is_misplaced(number, names, rows, unsaid)
        )
    return list(dict.fromkeys(found))


def _is_any_in(prices: Iterable[Number], row: _Row) -> bool:
    return any(stands_in(number, row.prices) for number in prices)


def _is_misplaced(
    number: Number,
    names: frozenset[str],
    rows: Sequence[_Row],
    unsaid: Sequence[_Row],
) -> bool:
    holding = [row for row in rows if stands_in(number, row.prices)]
    named = [row for row in unsaid if len(names & row.names) >= _NAMED_WORDS]
    return bool(holding) and any(
        all(
            not names & (row.names - other.names) and names & (other.names - row.names)
            for row in holding
        )
        for other in named
    )


def _rows(source: str) -> Iterator[_Row]:
    lines = [line for line in source.split("\n") if line.strip()]
    title = _names(lines[0]) if lines else frozenset[str]()
    before: frozenset[str] = frozenset()
    for line in lines:
        for sentence in split_sentences(line):
            prices = _prices(sentence)
            names = _names(sentence)
            if prices:
                yield _Row(names | before | title, prices)
            # A question stands before its answer, a name before its price.
            before = frozenset() if prices else names


def _prices(text: str) -> tuple[Number, ...]:
    return tuple(
        number
        for number in read_numbers(text)
        if number.kind is NumberKind.MONEY
        or (number.kind is NumberKind.PLAIN and number.value >= _MIN_PRICE)
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(
        word
        for word in normalise(text).split()
        if word not in STOP_WORDS
        and word not in VALUES
        and not any(character.isdigit() for character in word)
        and find_unit(word) is None
    )


def _distinctive(rows: Sequence[_Row]) -> list[_Row]:
    """Leave out the words that most rows hold: «قیمت» names nothing."""
    counts = Counter(word for row in rows for word in row.names)
    limit = max(1, len(rows) // 2)
    return [
        replace(row, names=frozenset(w for w in row.names if counts[w] <= limit))
        for row in rows
    ]
