"""Scores facts for a question: which statement answers, and how surely."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from retrieval.answer.facts import Fact
from retrieval.documents.blocks import BlockKind
from retrieval.query.asking import Asked, AskedTerm, ValueKind, match
from retrieval.query.terms import TermSet

#: A word of the heading or the title tells less than one of the fact itself.
_ABOVE = 0.8
_QUESTION = 1.0
#: A value of the asked kind, where the text does not name the kind.
_KIND_HELD = 0.9
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
class Inherited:
    """Terms that a question leans on without saying them.

    Each weighs `factor` of what it would in the question itself, all together no more
    than `most`.
    """

    terms: tuple[AskedTerm, ...]
    factor: float
    most: float = 10.0


@dataclass(frozen=True, slots=True)
class Match:
    """A fact with its measures for one question.

    `coverage` is the weighted share of the question's own terms that the fact holds,
    `leaning` that of the inherited ones, `precision` the share of the fact's name that
    was asked for.
    """

    fact: Fact
    score: float
    coverage: float
    leaning: float
    precision: float
    similarity: float
    fits_kind: bool
    missing: tuple[AskedTerm, ...]


def fits(kind: ValueKind, text: str) -> bool:
    """Tell whether a text holds a value of a kind."""
    return _PATTERNS[kind].search(text) is not None


def score_facts(
    asked: Asked,
    inherited: Sequence[Inherited],
    facts: Iterable[Fact],
    similarities: Mapping[UUID, float],
) -> list[Match]:
    """Score facts for a question, best first."""
    matches = [_match(asked, inherited, fact, similarities) for fact in facts]
    return sorted(matches, key=lambda match: -match.score)


def _match(
    asked: Asked,
    inherited: Sequence[Inherited],
    fact: Fact,
    similarities: Mapping[UUID, float],
) -> Match:
    kinds = asked.kinds or (frozenset({ValueKind.PRICE}) if asked.is_bare else frozenset())
    whole_text = _whole(fact)
    fits_kind = not kinds or any(fits(kind, whole_text) for kind in kinds)
    held = [
        max(_held(term, fact), _KIND_HELD * fits_kind if term.is_kind else 0.0)
        for term in asked.terms
    ]
    total = sum(term.weight for term in asked.terms)
    found = sum(
        term.weight * share for term, share in zip(asked.terms, held, strict=True)
    )
    missing = tuple(
        term for term, share in zip(asked.terms, held, strict=True) if share < 0.5
    )
    leaning_total = leaning_found = 0.0
    for group in inherited:
        mass = sum(term.weight for term in group.terms)
        factor = min(group.factor, group.most / mass if mass else 0.0)
        for term in group.terms:
            weight = factor * term.weight
            leaning_total += weight
            leaning_found += weight * _held(term, fact)
    coverage = found / total if total else 0.0
    whole = total + leaning_total
    both = (found + leaning_found) / whole if whole else 0.0
    precision = _precision(asked, inherited, fact)
    similarity = _scale(similarities.get(fact.chunk.chunk_id))
    score = (
        0.60 * both + 0.15 * precision + 0.25 * similarity + (0.0 if fits_kind else -0.15)
    )
    return Match(
        fact,
        score,
        coverage,
        leaning_found / leaning_total if leaning_total else 0.0,
        precision,
        similarity,
        fits_kind,
        missing,
    )


def _whole(fact: Fact) -> str:
    heads = " ".join(cell.cell.name for cell in fact.cells)
    return f"{heads} {fact.text}"


def _held(term: AskedTerm, fact: Fact) -> float:
    best = match(term, fact.own)
    if best < 1 and fact.question:
        best = max(best, _QUESTION * match(term, fact.question))
    if best < _ABOVE:
        best = max(best, _ABOVE * match(term, fact.above))
    return best


def _precision(asked: Asked, inherited: Sequence[Inherited], fact: Fact) -> float:
    """Give the share of the fact's name (of a pair: its question) that is asked for."""
    named = fact.question if fact.kind is BlockKind.PAIR else fact.name
    terms = [term for term in named.terms if not term.is_number][:12]
    if not terms:
        return 0.5
    wanted = TermSet(
        [term.term for term in asked.terms]
        + [part for term in asked.terms for phrase in term.others for part in phrase]
        + [term.term for group in inherited for term in group.terms]
    )
    return sum(wanted.match(term) > 0.5 for term in terms) / len(terms)


def _scale(cosine: float | None) -> float:
    """Stretch E5's cosines, which lie between .75 and .92, to 0..1."""
    return 0.0 if cosine is None else min(max((cosine - 0.76) / 0.14, 0.0), 1.0)
