"""Of two passages that contradict each other the newer answers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from retrieval.answer.statements import (
    WORDS,
    Statement,
    read_figures,
    split_statements,
    subject_words,
)
from retrieval.data.loading import load_rows
from retrieval.documents.blocks import Block, BlockKind
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.text.normalise import normalise
from retrieval.text.numbers import NumberKind, read_numbers

# Of all content words of both, so many are in both: one statement, told twice.
_SAME_RATIO = 0.6
# "Open" and "closed" turn on one word, so the others must be nearly all the same.
_OPPOSITE_RATIO = 0.75
# Of the shorter statement's words, where a text says that it replaces another.
_CONTAINED_RATIO = 0.8
_MIN_SHARED = 2
_DATE = NumberKind.DATE
_MONTHS_A_YEAR = 12
#: Farvardin begins in the third month of the Gregorian year, 621 years later.
_JALALI_MONTHS = 621 * _MONTHS_A_YEAR + 2.7
_JALALI_YEARS = range(1300, 1500)
_GREGORIAN_YEARS = range(1990, 2100)
_MONTHS = {
    normalise(name): (calendar, int(number))
    for calendar, number, *names in load_rows("numbers/months.tsv")
    for name in names
}
_MONTH_AND_YEAR = re.compile(r"([^\W\d_]+) (?:ماه )?(?:سال )?(\d{4})\b")
_YEAR_AND_MONTH = re.compile(r"\b(\d{4})[/-](\d{1,2})\b")


@dataclass(frozen=True, slots=True)
class _Read:
    """A chunk with all that it is compared by, read once."""

    chunk: IndexedChunk
    statements: tuple[Statement, ...]
    #: What its title is about, and its title and headings together.
    title: frozenset[str]
    subject: frozenset[str]
    title_figures: frozenset[str]
    said: frozenset[str]
    is_of_many_things: bool
    is_replacing: bool
    date: float


def drop_superseded(chunks: Sequence[IndexedChunk]) -> list[IndexedChunk]:
    """Take out what a newer chunk contradicts, and keep the order.

    A chunk that says more than what was contradicted keeps the rest: its text, block
    and parent's text then lack those sentences.
    """
    reads = [_read(chunk) for chunk in chunks]
    gone: list[set[str]] = [set() for _ in reads]
    may_be_one: dict[tuple[int, int], bool] = {}
    for one, other, at, to in _find_alike(reads):
        first, second = reads[one], reads[other]
        if (one, other) not in may_be_one:
            may_be_one[one, other] = _may_be_one(first, second)
        a, b = first.statements[at], second.statements[to]
        if not may_be_one[one, other] or not _contradict(first, a, second, b):
            continue
        if _is_newer(first, second):
            gone[other].add(b.sentence)
        elif _is_newer(second, first):
            gone[one].add(a.sentence)
    left = (
        _without(read, sentences) for read, sentences in zip(reads, gone, strict=True)
    )
    return [chunk for chunk in left if chunk is not None]


def supersedes(newer: IndexedChunk, older: IndexedChunk) -> bool:
    """Tell whether a chunk contradicts another one, and is the newer of the two.

    The same is said of the same thing, with other figures or with the opposite verb.
    The newer is the one with the later date, else the one that says that it replaces
    another, else the one of the larger revision. Rows of one table and different
    products never contradict each other.
    """
    first, second = _read(newer), _read(older)
    return (
        _is_newer(first, second)
        and _may_be_one(first, second)
        and any(
            _contradict(first, a, second, b)
            for a, b in product(first.statements, second.statements)
        )
    )


def _read(chunk: IndexedChunk) -> _Read:
    headings = chunk.block.headings if chunk.block else ()
    return _Read(
        chunk,
        split_statements(chunk.text, chunk.block),
        _subject(chunk.title, ()),
        _subject(chunk.title, headings),
        _title_figures(chunk.title),
        _subject(chunk.text, ()) | _subject(chunk.title, ()),
        _is_of_many_things(chunk.title),
        _says_replacing(chunk.title) or _says_replacing(chunk.parent_text),
        max(_latest_month(chunk.title), _latest_month(chunk.parent_text)),
    )


def _find_alike(reads: Sequence[_Read]) -> Iterator[tuple[int, int, int, int]]:
    """Yield statements that share enough words to be compared, of two chunks each.

    Gives the places of the chunks, the earlier first, and of the statements in them.
    Counting for all pairs at once is faster than a look at each.
    """
    places = [(one, at) for one, read in enumerate(reads) for at in _indices(read)]
    if not places:
        return
    numbers: dict[str, int] = {}
    rows, columns = [], []
    for row, (one, at) in enumerate(places):
        for word in reads[one].statements[at].words:
            rows.append(row)
            columns.append(numbers.setdefault(word, len(numbers)))
    holds = np.zeros((len(places), len(numbers)), dtype=np.float32)
    holds[rows, columns] = 1
    shared = holds @ holds.T
    counts = holds.sum(axis=1)
    fewest = np.minimum(counts[:, np.newaxis], counts)
    owners = np.array([one for one, _ in places])
    is_alike = (shared > 0) & (shared >= _SAME_RATIO * fewest)
    is_alike &= owners[:, np.newaxis] < owners
    # Copies of one document hold no contradiction, and their pairs are many.
    sentences: dict[str, int] = {}
    said = np.array(
        [
            sentences.setdefault(reads[one].statements[at].sentence, len(sentences))
            for one, at in places
        ]
    )
    is_alike &= said[:, np.newaxis] != said
    for first, second in np.argwhere(is_alike).tolist():
        yield places[first][0], places[second][0], places[first][1], places[second][1]


def _indices(read: _Read) -> range:
    return range(len(read.statements))


def _may_be_one(first: _Read, second: _Read) -> bool:
    """Tell whether two chunks may be about one thing, by what stands above them.

    If each is about something that the other doesn't name, they are about two things.
    """
    if first.chunk.document_id == second.chunk.document_id:
        return False
    if first.title_figures != second.title_figures:
        return False
    if first.chunk.source is second.chunk.source is SourceType.PRODUCTS:
        return first.title == second.title
    if first.is_of_many_things and second.is_of_many_things:
        return True
    return not (
        first.subject - second.subject - second.said
        and second.subject - first.subject - first.said
    )


def _contradict(first: _Read, a: Statement, second: _Read, b: Statement) -> bool:
    shared, union = len(a.words & b.words), len(a.words | b.words)
    is_one_title = first.title == second.title != frozenset()
    if shared < (1 if is_one_title else _MIN_SHARED):
        return False
    is_replacing = first.is_replacing or second.is_replacing
    if not _say_the_same(a, b, shared / union, is_replacing=is_replacing):
        return False
    mine = read_figures(a.said, _row_name(first.chunk))
    theirs = read_figures(b.said, _row_name(second.chunk))
    if mine.names != theirs.names:
        return False
    units = {unit for unit, _ in mine.values} & {unit for unit, _ in theirs.values}
    if any(mine.of(unit) != theirs.of(unit) for unit in units):
        return True
    has_opposite = a.is_negative != b.is_negative
    return has_opposite and (shared >= _OPPOSITE_RATIO * union or is_replacing)


def _say_the_same(
    a: Statement, b: Statement, ratio: float, *, is_replacing: bool
) -> bool:
    """Tell whether two statements differ in figures, verbs and turns of phrase alone.

    One that says all that the other says and more is about a part of it: the fare to
    an island is not the fare. Words such as "everywhere" narrow nothing.
    """
    smaller, larger = sorted((a.words, b.words), key=len)
    if is_replacing and len(smaller & larger) >= _CONTAINED_RATIO * len(smaller):
        return True
    if smaller <= larger:
        return larger - smaller <= WORDS["whole"]
    return ratio >= _SAME_RATIO


def _row_name(chunk: IndexedChunk) -> str:
    """Return the first cell of a row, whose number names it."""
    block = chunk.block
    if block is None or block.kind is not BlockKind.TABLE_ROW or not block.cells:
        return ""
    return block.cells[0].value


def _is_newer(first: _Read, second: _Read) -> bool:
    if first.date and second.date and first.date != second.date:
        return first.date > second.date
    if first.is_replacing != second.is_replacing:
        return first.is_replacing
    return first.chunk.revision > second.chunk.revision


@lru_cache(maxsize=4096)
def _subject(title: str, headings: tuple[str, ...]) -> frozenset[str]:
    return subject_words(" ".join((title, *headings)))


@lru_cache(maxsize=4096)
def _is_of_many_things(title: str) -> bool:
    return not WORDS["page"].isdisjoint(normalise(title).split())


@lru_cache(maxsize=4096)
def _title_figures(title: str) -> frozenset[str]:
    """List the figures that name a thing in its title: no date and no year."""
    figures = {
        number.value for number in read_numbers(title) if number.kind is not _DATE
    }
    return frozenset(
        f"{figure.normalize():f}"
        for figure in figures
        if figure not in _JALALI_YEARS and figure not in _GREGORIAN_YEARS
    )


@lru_cache(maxsize=4096)
def _says_replacing(text: str) -> bool:
    """Tell whether a text replaces another, or announces a change.

    "Updated" beside a date is the date of an edit, and says nothing else.
    """
    folded = f" {normalise(text)} "
    if any(f" {phrase} " in folded for phrase in WORDS["announces"]):
        return True
    lines = (line for line in text.split("\n") if not _latest_month(line))
    return any(
        not WORDS["replaces"].isdisjoint(normalise(line).split()) for line in lines
    )


@lru_cache(maxsize=4096)
def _latest_month(text: str) -> float:
    """Return a text's latest date as months of the Gregorian calendar; 0 for none."""
    folded = normalise(text)
    months = [0.0]
    for word, year in _MONTH_AND_YEAR.findall(folded):
        calendar, month = _MONTHS.get(word, ("", 0))
        if calendar:
            months.append(_count_months(int(year), month))
    for year, month in _YEAR_AND_MONTH.findall(text):
        if 1 <= int(month) <= _MONTHS_A_YEAR:
            months.append(_count_months(int(year), int(month)))
    return max(months)


def _count_months(year: int, month: int) -> float:
    months = float(year * _MONTHS_A_YEAR + month)
    if year in _JALALI_YEARS:
        return months + _JALALI_MONTHS
    return months if year in _GREGORIAN_YEARS else 0.0


def _without(read: _Read, gone: set[str]) -> IndexedChunk | None:
    """Return a chunk without some sentences; None if nothing is left of it."""
    if not gone:
        return read.chunk
    if all(statement.sentence in gone for statement in read.statements):
        return None
    block = read.chunk.block
    return replace(
        read.chunk,
        text=_cut_out(read.chunk.text, gone),
        parent_text=_cut_out(read.chunk.parent_text, gone),
        block=None if block is None else _cut_block(block, gone),
    )


def _cut_block(block: Block, gone: set[str]) -> Block:
    left = (cell for cell in block.cells if f"{cell.name}: {cell.value}" not in gone)
    return replace(block, text=_cut_out(block.text, gone), cells=tuple(left))


def _cut_out(text: str, sentences: set[str]) -> str:
    for sentence in sentences:
        text = text.replace(sentence, "")
    lines = (" ".join(line.split(" ")).strip() for line in text.split("\n"))
    return "\n".join(re.sub(" {2,}", " ", line) for line in lines if line)
