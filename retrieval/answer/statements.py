"""Statements: what a sentence says, apart from its figures and whether it says no."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from retrieval.data.loading import load_groups, load_pairs, load_rows
from retrieval.documents.blocks import Block, BlockKind
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise
from retrieval.text.number_words import SCALES, SMALL
from retrieval.text.numbers import Number, NumberKind, read_numbers
from retrieval.text.sentences import sentence_spans

_GROUPS = (
    *("replaces", "announces", "page", "time", "generic", "whole"),
    *("identity", "free", "negative"),
)


def _load() -> dict[str, frozenset[str]]:
    groups = load_groups("statements/superseding.tsv", _GROUPS)
    return {
        name: frozenset(map(normalise, entries)) for name, entries in groups.items()
    }


WORDS = _load()
_OPPOSITES = {
    normalise(no): normalise(yes)
    for no, yes in load_pairs("meaning/opposites.tsv").items()
}
_MONTHS = {
    normalise(name)
    for _, _, *names in load_rows("numbers/months.tsv")
    for name in names
}
_UNITS = {
    normalise(name)
    for kind, _, *names in load_rows("numbers/units.tsv")
    if kind in {"money", "percent", "duration", "time"}
    for name in names
}
#: Say nothing about what a statement is about.
_SILENT = (
    STOP_WORDS | WORDS["time"] | WORDS["replaces"] | WORDS["free"] | _MONTHS | _UNITS
) | {normalise(word) for word in (*SCALES, *SMALL)}
_ENDINGS = ("هایی", "های", "ها", "ای")
_SHORTEST_STEM = 3
_NEGATED = "نمی"
_KIND_OF_UNITLESS = NumberKind.PLAIN
_NO_VALUES = frozenset({NumberKind.PHONE, NumberKind.CARD, NumberKind.SHEBA})


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, its content words, and whether it says no."""

    #: As it stands in the chunk, to be taken out of it.
    sentence: str
    #: The sentence with what it is about: a pair's question, a row's cells.
    said: str
    words: frozenset[str]
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """A statement's numbers: those that are part of a name, and values with units."""

    names: frozenset[str]
    values: frozenset[tuple[str, str]]

    def of(self, unit: str) -> frozenset[str]:
        """List the values of one unit."""
        return frozenset(value for name, value in self.values if name == unit)


@lru_cache(maxsize=4096)
def split_statements(text: str, block: Block | None) -> tuple[Statement, ...]:
    """Cut a chunk into its statements; a row of a table is one."""
    return tuple(_statements(text, block))


def _statements(text: str, block: Block | None) -> Iterator[Statement]:
    text = text if block is None else block.text
    question = "" if block is None else block.question
    if block is not None and block.kind is BlockKind.TABLE_ROW:
        yield _read(text, text)
        return
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        yield _read(sentence, f"{question}\n{sentence}" if question else sentence)


def _read(sentence: str, said: str) -> Statement:
    content: set[str] = set()
    is_negative = False
    for word in normalise(said).split():
        positive = _OPPOSITES.get(word)
        if positive is not None:
            is_negative = not is_negative
        elif word in WORDS["negative"]:
            is_negative = not is_negative
            continue
        elif word.startswith(_NEGATED) and len(word) > len(_NEGATED) + 1:
            is_negative = not is_negative
            positive = word.removeprefix("ن")
        stem = _stem(positive or word)
        if stem not in _SILENT and not stem[0].isdecimal():
            content.add(stem)
    return Statement(sentence, said, frozenset(content), is_negative)


def subject_words(text: str) -> frozenset[str]:
    """List what a title or heading is about: no kind of page, no time."""
    stems = map(_stem, normalise(text).split())
    return frozenset(
        stem
        for stem in stems
        if stem not in _SILENT
        and stem not in WORDS["generic"]
        and not stem[0].isdecimal()
    )


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=1024)
def read_figures(said: str, name: str = "") -> Figures:
    """Read a statement's numbers; those of `name`, a row's first cell, are a name."""
    names = {_value(number) for number in read_numbers(name)}
    values: set[tuple[str, str]] = set()
    for number in read_numbers(said):
        before = normalise(said[: number.start]).split()[-1:]
        is_name = bool(before) and _stem(before[0]) in WORDS["identity"]
        if is_name and number.kind is _KIND_OF_UNITLESS:
            names.add(_value(number))
        elif number.kind not in _NO_VALUES and _value(number) not in names:
            values.add((f"{number.kind} {number.unit}".strip(), _value(number)))
    if WORDS["free"].intersection(normalise(said).split()):
        values.add(("money toman", "0"))
    return Figures(frozenset(names), frozenset(values))


def _value(number: Number) -> str:
    return f"{number.value.normalize():f}"
