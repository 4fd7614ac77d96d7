"""Measures facts against a question, and orders them by how likely they answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from retrieval.answer.facts import Fact
from retrieval.documents.blocks import BlockKind
from retrieval.query.asking import Asked, AskedTerm, ValueKind, match
from retrieval.query.terms import Term, TermSet

#: A word of the heading or the title tells less than one of the fact itself.
_ABOVE = 0.8
#: A value of the asked kind, where the text does not name the kind.
_KIND_HELD = 0.9
#: A term is held in full rather than in part.
_MOSTLY = 0.5
#: A figure of the same passage, in another line of it.
_NEARBY = 0.6
_CODE_DIGITS = 3
_OF_BUSINESS = frozenset({ValueKind.PLACE, ValueKind.PHONE})
#: "Is there a red one?" leans on the thing spoken of.
_PROPERTY = 0.3
_PRICED = frozenset({ValueKind.PRICE})
_D = r"[0-9۰-۹٠-٩]"
_MONEY = re.compile(
    rf"{_D}[^\n]{{0,12}}(?:تومان|تومن|ریال|toman|rial|هزار|میلیون)|(?:هزار|میلیون)\s+توم"
    rf"|{_D}{{1,3}}(?:[٬,،٫.]{_D}{{3}})+|{_D}{{5,}}|رایگان|مجانی|free\b",
    re.IGNORECASE,
)
_WITH_UNIT = re.compile(
    rf"(?:{_D}|یک|دو|سه|چهار|پنج|شش|هفت|هشت|نه|ده)\s*(?:تا\s*{_D}+\s*)?"
    r"(?:روز|ساعت|دقیقه|هفته|ماه|سال|شب|day|hour|minute|week|month|year)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"{_D}{{1,2}}\s*(?::{_D}{{2}})?\s*(?:تا|الی|to|-|–)\s*{_D}{{1,2}}|ساعت|تعطیل|شنبه|جمعه"
    rf"|{_D}{{1,2}}:{_D}{{2}}|روز|صبح|شب|عصر|day\b|closed",
    re.IGNORECASE,
)
_PATTERNS: Mapping[ValueKind, re.Pattern[str]] = {
    ValueKind.PRICE: _MONEY,
    ValueKind.TIME: _CLOCK,
    ValueKind.DURATION: _WITH_UNIT,
    ValueKind.PERCENT: re.compile(rf"{_D}\s*(?:درصد|٪|%|percent)|(?:٪|%)\s*{_D}|درصد"),
    ValueKind.PHONE: re.compile(rf"{_D}[{_D[1:-1]}\s\-]{{6,}}"),
    ValueKind.PLACE: re.compile(
        r"خیابان|کوچه|پلاک|بلوار|میدان|طبقه|پاساژ|جنب|روبه|مجتمع|street|avenue|floor",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True, slots=True)
class Context:
    """What a question leans on without saying it.

    `subject` names the thing last spoken of, `rest` are the other words of the question
    before; `document` and `parent` held the last answer.
    """

    subject: tuple[AskedTerm, ...] = ()
    rest: tuple[AskedTerm, ...] = ()
    document: UUID | None = None
    parent: UUID | None = None
    kinds: frozenset[ValueKind] = frozenset()
    is_referred: bool = False
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.subject or self.rest)


NOTHING = Context()


@dataclass(frozen=True, slots=True)
class Similarities:
    """Cosines of chunks with the question alone, and with what it leans on."""

    alone: Mapping[UUID, float]
    leaning: Mapping[UUID, float]


@dataclass(frozen=True, slots=True)
class Match:
    """A fact with its measures for one question."""

    fact: Fact
    score: float
    features: Mapping[str, float]
    missing: tuple[AskedTerm, ...]


WEIGHTS: Mapping[str, float] = {
    "body": 5.4,
    "above": 0.3,
    "kind": 1.6,
    "precision": 1.8,
    "focus": 1.8,
    "alone": 2.5,
    "leaning": 1.9,
    "subject": 1.0,
    "rest": 0.15,
    "number": 1.0,
    "row": 0.45,
    "bare_subject": 1.2,
    "bare_rest": 0.35,
    "bare_leaning": 0.6,
    "same_parent": 0.85,
    "same_document": 0.85,
    "excluded": -4.0,
    "code_missing": -3.0,
    "titled": 0.7,
    "outdated": -4.0,
    "missing_noun": -0.6,
    "missing_name": -0.8,
    "unpriced": -3.0,
}


def fits(kind: ValueKind, text: str) -> bool:
    """Tell whether a text holds a value of a kind."""
    return _PATTERNS[kind].search(text) is not None


def score_facts(
    asked: Asked,
    context: Context,
    facts: Iterable[Fact],
    similarities: Similarities,
) -> list[Match]:
    """Measure and score facts for a question, best first."""
    matches = [_match(asked, context, fact, similarities) for fact in facts]
    return sorted(matches, key=lambda match: -match.score)


def asked_kinds(asked: Asked) -> frozenset[ValueKind]:
    """Give the kinds of value that answer; a price where "how much" stands alone."""
    if asked.kinds or not asked.is_bare:
        return asked.kinds
    return frozenset({ValueKind.PRICE})


def _match(
    asked: Asked, context: Context, fact: Fact, similarities: Similarities
) -> Match:
    kinds = asked_kinds(asked)
    whole = _whole(fact)
    fitting = any(fits(kind, whole) for kind in kinds)
    content = [term for term in asked.terms if not term.is_kind]
    plain = [term for term in asked.terms if term.is_kind]
    body = {term.term.word: _in_body(term, fact) for term in asked.terms}
    held = {
        term.term.word: max(body[term.term.word], _ABOVE * match(term, fact.above))
        for term in content
    }
    numbers = [term for term in content if term.term.is_number]
    codes = [
        term
        for term in numbers
        if term.is_known and len(term.term.word) >= _CODE_DIGITS
    ]
    total = sum(term.weight for term in content)
    known = sum(
        term.weight * (_PROPERTY if context and term.is_property else 1)
        for term in content
        if term.is_known
    )
    for term in plain:
        kind_held = any(fits(kind, whole) for kind in term.kinds)
        body[term.term.word] = max(body[term.term.word], _KIND_HELD * kind_held)
        held[term.term.word] = body[term.term.word]
    in_body = _share(asked.terms, body)
    anywhere = _share(asked.terms, held)
    has_own = any(term.is_known for term in content)
    weight = min(known, 1.0) if has_own else 0.0
    own = max(weight, min(sum(term.weight for term in plain), 1.0))
    # Where and how to call are asked of the business, not of the thing spoken of.
    weight = max(weight, own if any(term.kinds & _OF_BUSINESS for term in plain) else 0)
    subject = _share(context.subject, {}, fact)
    rest = _share(context.rest, {}, fact)
    leaning = _scale(similarities.leaning.get(fact.chunk.chunk_id))
    features = {
        "body": in_body * own,
        "above": (anywhere - in_body) * own,
        "kind": (1.0 if fitting else 0.0) if kinds else 0.5,
        "precision": _precision(asked, context, fact),
        "alone": _scale(similarities.alone.get(fact.chunk.chunk_id)),
        "leaning": leaning if context else 0.0,
        "subject": subject,
        "rest": rest,
        "number": _share(numbers, body),
        "code_missing": 1.0 - _share(codes, body) if codes else 0.0,
        "unpriced": float(bool(kinds) and kinds <= _PRICED and not fitting),
        "pair": float(fact.kind is BlockKind.PAIR),
        "row": float(bool(fact.cells)),
        "bare_subject": subject * (1 - weight),
        "bare_rest": rest * (1 - weight),
        "bare_leaning": leaning * (1 - weight) if context else 0.0,
        "same_parent": float(fact.chunk.parent_id == context.parent),
        "same_document": float(fact.chunk.document_id == context.document),
        "outdated": float(fact.is_outdated),
        "focus": _focus(asked, context, fact),
        "excluded": float(any(_holds(term, fact) for term in asked.excluded)),
        "missing_strange": sum(
            term.weight
            for term in content
            if held[term.term.word] < _MOSTLY
            and not term.is_known
            and not term.is_common
            and not term.is_verb
        ),
        "missing_noun": sum(
            float(held[term.term.word] < _MOSTLY and term.is_noun) for term in content
        ),
        "missing_name": sum(
            term.weight
            for term in content
            if held[term.term.word] < _MOSTLY and term.is_known and not term.is_verb
        ),
        "coverage": anywhere,
        "asks": min(total, 2.0),
    }
    spoken_of = {term.term.word for term in (*context.subject, *context.rest)}
    named = max(
        (
            term.weight
            for term in content
            if term.is_name
            and not term.is_attribute
            and term.term.word not in spoken_of
        ),
        default=0.0,
    )
    features["named_subject"] = subject * named
    features["named_document"] = features["same_document"] * named
    features["named_leaning"] = features["leaning"] * named
    features["titled"] = _titled(asked, context, fact)
    score = sum(WEIGHTS.get(name, 0.0) * value for name, value in features.items())
    missing = tuple(term for term in content if held[term.term.word] < _MOSTLY)
    return Match(fact, score, features, missing)


def _share(
    terms: Sequence[AskedTerm], held: Mapping[str, float], fact: Fact | None = None
) -> float:
    total = sum(term.weight for term in terms)
    if not total:
        return 0.0
    if fact is None:
        return sum(term.weight * held[term.term.word] for term in terms) / total
    found = (
        term.weight * max(_in_body(term, fact), _ABOVE * match(term, fact.above))
        for term in terms
    )
    return sum(found) / total


def holds(term: AskedTerm, fact: Fact) -> bool:
    """Tell whether a fact's own words, rather than its title, hold an asked term."""
    return _in_body(term, fact) > _MOSTLY


def _holds(term: Term, fact: Fact) -> bool:
    return max(fact.own.match(term), fact.above.match(term)) > _MOSTLY


def _focus(asked: Asked, context: Context, fact: Fact) -> float:
    """Give the share of a fact's own words that is asked for or spoken of."""
    words = [term for term in fact.plain.terms if not term.is_number]
    if not words:
        return 0.0
    wanted = _wanted(asked, context)
    return sum(wanted.match(term) > _MOSTLY for term in words) / len(words)


def _titled(asked: Asked, context: Context, fact: Fact) -> float:
    """Give the share of a fact's title and headings that is spoken of."""
    words = fact.above.terms
    if not words:
        return 0.0
    wanted = _wanted(asked, context)
    return sum(wanted.match(term) > _MOSTLY for term in words) / len(words)


def _wanted(asked: Asked, context: Context) -> TermSet:
    return TermSet(
        [term.term for term in asked.terms]
        + [part for term in asked.terms for phrase in term.others for part in phrase]
        + [term.term for term in (*context.subject, *context.rest)]
    )


def _whole(fact: Fact) -> str:
    heads = " ".join(cell.cell.name for cell in fact.cells)
    return f"{heads} {fact.text}"


def _in_body(term: AskedTerm, fact: Fact) -> float:
    best = match(term, fact.own)
    if best < _NEARBY and term.term.word in fact.figures:
        best = _NEARBY
    if best < 1 and fact.question:
        best = max(best, match(term, fact.question))
    return best


def _precision(asked: Asked, context: Context, fact: Fact) -> float:
    """Give the share of the fact's name (of a pair: its question) that is asked for."""
    named = fact.question if fact.kind is BlockKind.PAIR else fact.name
    terms = [term for term in named.terms if not term.is_number][:12]
    if not terms:
        return 0.5
    wanted = _wanted(asked, context)
    return sum(wanted.match(term) > _MOSTLY for term in terms) / len(terms)


def _scale(cosine: float | None) -> float:
    """Stretch E5's cosines, which lie between .75 and .92, to 0..1."""
    return 0.0 if cosine is None else min(max((cosine - 0.76) / 0.14, 0.0), 1.0)
