"""The gate: what a model wrote is checked before a customer reads it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from retrieval.answer.addresses import find_addresses, find_codes, is_known_address
from retrieval.answer.attribution import find_misplaced
from retrieval.answer.figures import parts_stand_in, stands_in
from retrieval.answer.promises import find_promises
from retrieval.answer.sayings import fold_sentence, is_marked, split_injected
from retrieval.text.language import STOP_WORDS, Language, drop_addresses
from retrieval.text.normalise import has_words, normalise
from retrieval.text.numbers import Number, NumberKind, read_numbers
from retrieval.text.sentences import split_sentences

#: So many words of the rules in a row are no accident.
_LEAKED_WORDS = 7
#: What the words of an instruction that was followed are told by.
_OBEYED_WORDS = 2
_MAX_COUNT = 10
_ITEM = re.compile(r"^\s*(?:•|[①-⑳]|([0-9۰-۹٠-٩]{1,2})\s*[.)-])\s+", re.MULTILINE)
_JOINTS = re.compile(r"[،,؛;/]|(?<!\S)(?:و|یا|and|or)(?!\S)")
#: «هر دو» counts what was named before.
_ALL = re.compile(r"(?<!\S)(?:هر|all)\s+\Z")
_QUOTED = re.compile(r"«[^«»]*»|\"[^\"]*\"|“[^”]*”")
_PERSIAN_WORD = re.compile("[\u0620-\u06ff]{2,}")
_LATIN_WORD = re.compile("[A-Za-z\u00c0-\u024f]{2,}")
#: What the customer may have said himself without making the answer say it again.
_FREELY_REPEATED = frozenset((NumberKind.PLAIN, NumberKind.COUNT, NumberKind.MEASURE))
_COUNTING = frozenset((NumberKind.PLAIN, NumberKind.COUNT))


class FaultKind(StrEnum):
    """The kinds of faults."""

    EMPTY = "empty"
    #: A number, a price, a date, a time, a phone or a card that no source holds.
    FIGURE = "figure"
    #: A price that the sources hold for something else than what is named.
    MISPLACED = "misplaced"
    #: A link, a mail address, an account or a code that no source holds.
    LINK = "link"
    PROMISE = "promise"
    LANGUAGE = "language"
    #: The rules of the prompt are told.
    LEAK = "leak"
    #: An instruction that stood in a document or a message was followed.
    OBEYED = "obeyed"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and the words of the answer that it lies in; empty if in all of it."""

    kind: FaultKind
    words: str = ""


def check_answer(
    text: str,
    sources: Sequence[str],
    turns: Sequence[str],
    language: str,
    *,
    customer_words: Sequence[str] = (),
    secrets: Sequence[str] = (),
) -> tuple[Fault, ...]:
    """List the faults of an answer; none means that it may be sent.

    `sources` are the passages that the model read, and the shop's own instructions;
    `turns` what the shop said before. `customer_words` are the customer's messages and
    the captions of what he shared: sizes and counts may be taken from them; a price, a
    date, a phone or a link only in a sentence that says that these are his words; a
    promise never. `secrets` are texts that nobody may read, as the prompt's rules.
    A paragraph that gives a model orders counts nowhere.

    A number word from two to ten needs no source where it counts what the answer lists
    («دو رنگ داریم: سفید و آبی») or follows «هر»; "one" needs none at all.
    """
    if not has_words(text):
        return (Fault(FaultKind.EMPTY),)
    clean, ordered = _part([*sources, *turns])
    said, asked = _part(customer_words)
    faults = [
        *_check_figures(text, clean, said),
        *(Fault(FaultKind.MISPLACED, words) for words in find_misplaced(text, clean)),
        *_check_addresses(text, clean, said),
        *(Fault(FaultKind.PROMISE, words) for words in find_promises(text, clean)),
    ]
    if not _is_in_language(text, language, [*clean, *said]):
        faults.append(Fault(FaultKind.LANGUAGE))
    leaked = _find_leak(text, secrets, clean)
    if leaked:
        faults.append(Fault(FaultKind.LEAK, leaked))
    if _has_obeyed(text, [*ordered, *asked], [*clean, *said]):
        faults.append(Fault(FaultKind.OBEYED))
    return tuple(dict.fromkeys(faults))


def _part(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    parted = [split_injected(text) for text in texts]
    return [clean for clean, _ in parted], [bad for _, bad in parted if bad]


def _check_figures(
    text: str, sources: Sequence[str], customer_words: Sequence[str]
) -> list[Fault]:
    known = [number for source in sources for number in read_numbers(source)]
    said = [number for words in customer_words for number in read_numbers(words)]
    items = _ITEM.findall(text)
    faults: list[Fault] = []
    for line in _without_list_numbers(text).split("\n"):
        for number in read_numbers(line):
            if stands_in(number, known) or parts_stand_in(line, number, known):
                continue
            may_repeat = number.kind in _FREELY_REPEATED or _is_repeating(line, number)
            if may_repeat and stands_in(number, said):
                continue
            if not _counts_items(line, number, len(items)):
                words = line[number.start : number.end]
                faults.append(Fault(FaultKind.FIGURE, words))
    return faults


def _without_list_numbers(text: str) -> str:
    """Drop the numbers of a list: 1., 2., 3. at the beginnings of its lines."""
    numbers = [int(number) for number in _ITEM.findall(text) if number]
    is_list = numbers == list(range(1, len(numbers) + 1))
    return _ITEM.sub("", text) if is_list else text


def _is_repeating(line: str, number: Number) -> bool:
    """Tell whether the sentence of a number says that the customer said it."""
    place = 0
    for sentence in split_sentences(line):
        place = line.index(sentence, place)
        if place <= number.start < place + len(sentence):
            return is_marked("repeated", fold_sentence(sentence))
        place += len(sentence)
    return False


def _counts_items(line: str, number: Number, n_items: int) -> bool:
    if not number.is_in_words or number.kind not in _COUNTING:
        return False
    if number.value == 1 or _ALL.search(line[: number.start]):
        return True
    listed = len(_JOINTS.findall(line[number.end :])) + 1
    return number.value <= _MAX_COUNT and number.value in (n_items, listed)


def _check_addresses(
    text: str, sources: Sequence[str], customer_words: Sequence[str]
) -> list[Fault]:
    known = [address for source in sources for address in find_addresses(source)]
    codes = {code for source in sources for code in find_codes(source)}
    sent = {address for words in customer_words for address in find_addresses(words)}
    codes.update(code for words in customer_words for code in find_codes(words))
    faults: list[Fault] = []
    for line in text.split("\n"):
        for address, written in find_addresses(line).items():
            is_known = any(is_known_address(address, other) for other in known)
            is_his = address in sent and is_marked("repeated", fold_sentence(line))
            if not is_known and not is_his:
                faults.append(Fault(FaultKind.LINK, written))
        faults.extend(
            Fault(FaultKind.LINK, written)
            for code, written in find_codes(line).items()
            if code not in codes
        )
    return faults


def _is_in_language(text: str, language: str, sources: Sequence[str]) -> bool:
    """Tell whether the answer's own words are the customer's language.

    Names and words that the sources hold may be in another; a sentence of them is told
    by its function words.
    """
    own_text = _QUOTED.sub(" ", drop_addresses(text))
    persian = _PERSIAN_WORD.findall(own_text)
    latin = _LATIN_WORD.findall(own_text)
    own, other = (latin, persian) if language == Language.EN else (persian, latin)
    held = {word for source in sources for word in normalise(source).split()}
    foreign = [
        word
        for word in map(normalise, other)
        if word not in held or (word in STOP_WORDS and not own)
    ]
    return not foreign or len(foreign) <= len(own)


def _find_leak(text: str, secrets: Sequence[str], sources: Sequence[str]) -> str:
    """Find words in a row that stand in a secret text and in no source."""
    words = normalise(text).split()
    hidden = [f" {normalise(secret)} " for secret in secrets]
    open_text = [f" {normalise(source)} " for source in sources]
    for place in range(len(words) - _LEAKED_WORDS + 1):
        row = " ".join(words[place : place + _LEAKED_WORDS])
        is_hidden = any(f" {row} " in secret for secret in hidden)
        if is_hidden and not any(f" {row} " in source for source in open_text):
            return row
    return ""


def _has_obeyed(text: str, orders: Sequence[str], clean: Sequence[str]) -> bool:
    """Tell whether what is new in an answer comes from an injected paragraph."""
    ordered = {word for order in orders for word in normalise(order).split()}
    if not ordered:
        return False
    held = {word for source in clean for word in normalise(source).split()}
    new = {
        word
        for word in normalise(text).split()
        if word not in held and word not in STOP_WORDS
    }
    obeyed = new & ordered
    is_much = 2 * len(obeyed) >= len(new)
    return is_much and len(obeyed) >= min(_OBEYED_WORDS, max(len(new), 1))
