"""Measures facts against a question, and orders them by how likely they answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, mul
from uuid import UUID

from retrieval.answer.facts import Fact
from retrieval.documents.blocks import BlockKind
from retrieval.query.asking import Asked, AskedTerm, match
from retrieval.query.kinds import ValueKind, fits
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
_IN_RANGE = 0.8
#: Where no kind of value is asked for, and where a fact has no name of its own.
_NO_KIND = 0.5
_NO_NAME = 0.5
_MOST_NAMING = 12
#: A number that stands in the row under another name.
_OTHER_COLUMN = 0.3
_ASKS_ALL = 2.0
_FAR, _NEAR = 0.76, 0.90
_OF_BUSINESS = frozenset({ValueKind.ADDRESS, ValueKind.PHONE})
#: "Is there a red one?" leans on the thing spoken of.
_PROPERTY = 0.3
#: Asked for a value of these kinds, no other is an answer.
_NEVER_ELSE = frozenset({ValueKind.PRICE, ValueKind.ADDRESS, ValueKind.PHONE})


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
    #: A post or an ad that the message points at, rather than the turn before.
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
class Measures:
    """What is measured of a fact for one question; shares are 0 to 1.

    `body` and `above` are of the question's words, in the fact itself and above it;
    `subject` and `rest` of those that it leans on, and count again as `bare_` where
    the question says little itself. `kind` is 1 for a value of the asked kind, .5
    where none is asked for. `missing_noun` counts, the other two missing ones weigh,
    the words that the fact does not hold. `asks` is the weight of all that was said.
    """

    body: float
    above: float
    kind: float
    precision: float
    focus: float
    titled: float
    named: float
    alone: float
    leaning: float
    subject: float
    rest: float
    bare_subject: float
    bare_rest: float
    bare_leaning: float
    same_parent: float
    same_document: float
    number: float
    code_missing: float
    unpriced: float
    excluded: float
    outdated: float
    row: float
    missing_strange: float
    missing_noun: float
    missing_name: float
    coverage: float
    asks: float


#: Fitted by hand on the written dialogues of seven businesses.
WEIGHTS: Mapping[str, float] = {
    "body": 5.4,
    "above": 0.3,
    "kind": 1.6,
    "precision": 1.8,
    "focus": 1.8,
    "titled": 0.7,
    "named": 1.0,
    "alone": 2.8,
    "leaning": 1.9,
    "subject": 1.0,
    "rest": 0.15,
    "bare_subject": 1.2,
    "bare_rest": 0.35,
    "bare_leaning": 0.6,
    "same_parent": 0.85,
    "same_document": 0.85,
    "number": 1.0,
    "code_missing": -3.0,
    "unpriced": -3.0,
    "excluded": -4.0,
    "outdated": -4.0,
    "row": 0.45,
    "missing_noun": -0.6,
    "missing_name": -0.8,
}
_weighted = attrgetter(*WEIGHTS)


@dataclass(frozen=True, slots=True)
class Match:
    """A fact with its measures for one question."""

    fact: Fact
    score: float
    measures: Measures


def asked_kinds(asked: Asked) -> frozenset[ValueKind]:
    """Give the kinds of value that answer; a price where "how much" stands alone."""
    if asked.kinds or not asked.is_bare:
        return asked.kinds
    return frozenset({ValueKind.PRICE})


def holds(term: AskedTerm, fact: Fact) -> bool:
    """Tell whether a fact's own words, rather than its title, hold an asked term."""
    return _in_body(term, fact) > _MOSTLY


def score_facts(
    asked: Asked,
    context: Context,
    facts: Iterable[Fact],
    similarities: Similarities,
) -> list[Match]:
    """Measure and score facts for a question, best first."""
    question = _Question(asked, context)
    matches = []
    for fact in facts:
        measures = question.measure(fact, similarities)
        score = sum(map(mul, WEIGHTS.values(), _weighted(measures)))
        matches.append(Match(fact, score, measures))
    return sorted(matches, key=lambda match: -match.score)


class _Question:
    """A question, with what is the same for all facts."""

    def __init__(self, asked: Asked, context: Context) -> None:
        self._asked = asked
        self._context = context
        self._kinds = asked_kinds(asked)
        self._content = [term for term in asked.terms if not term.is_kind]
        self._plain = [term for term in asked.terms if term.is_kind]
        self._numbers = [term for term in self._content if term.term.is_number]
        self._codes = [
            term
            for term in self._numbers
            if term.is_known and len(term.term.word) >= _CODE_DIGITS
        ]
        self._names = [
            term for term in self._content if term.is_name and not term.is_attribute
        ]
        self._spoken_of = _spoken_of(asked, context)
        self._spoken: dict[str, bool] = {}
        self._own, self._weight = self._weigh()

    def _weigh(self) -> tuple[float, float]:
        """Weigh the question's own words, with and without the asking ones."""
        known = sum(
            term.weight * (_PROPERTY if self._context and term.is_property else 1)
            for term in self._content
            if term.is_known
        )
        content = min(known, 1.0)
        said = sum(term.weight for term in self._content if term.is_known)
        plain = sum(term.weight for term in self._plain)
        own = max(min(said, 1.0), min(plain, 1.0))
        # Where and how to call are asked of the business, not of the thing spoken of.
        if any(term.kinds & _OF_BUSINESS for term in self._plain):
            content = max(content, own)
        return own, content

    def measure(self, fact: Fact, similarities: Similarities) -> Measures:
        """Measure one fact."""
        whole = " ".join((*(cell.cell.name for cell in fact.cells), fact.text))
        fitting = any(fits(kind, whole) for kind in self._kinds)
        body, held = self._look_up(fact, whole)
        terms = self._asked.terms
        in_body, coverage = _share(terms, body), _share(terms, held)
        missing = [term for term in self._content if held[term.term.word] < _MOSTLY]
        context = self._context
        subject, rest = _share_of(context.subject, fact), _share_of(context.rest, fact)
        chunk = fact.chunk
        near = similarities.leaning.get(chunk.chunk_id) if context else None
        leaning, bare = _scale(near), 1 - self._weight
        return Measures(
            body=in_body * self._own,
            above=(coverage - in_body) * self._own,
            kind=float(fitting) if self._kinds else _NO_KIND,
            precision=self._precision(fact),
            focus=self._spoken_share(fact.plain),
            titled=self._spoken_share(fact.above),
            named=self._named(fact),
            alone=_scale(similarities.alone.get(chunk.chunk_id)),
            leaning=leaning,
            subject=subject,
            rest=rest,
            bare_subject=subject * bare,
            bare_rest=rest * bare,
            bare_leaning=leaning * bare,
            same_parent=float(chunk.parent_id == context.parent),
            same_document=float(chunk.document_id == context.document),
            number=_share(self._numbers, body),
            code_missing=1.0 - _share(self._codes, body) if self._codes else 0.0,
            unpriced=float(self._is_unpriced() and not fitting),
            excluded=float(any(_speaks_of(t, fact) for t in self._asked.excluded)),
            outdated=float(fact.is_outdated),
            row=float(bool(fact.cells)),
            missing_strange=sum(t.weight for t in missing if t.is_strange),
            missing_noun=float(sum(term.is_noun for term in missing)),
            missing_name=sum(t.weight for t in missing if t.is_known and not t.is_verb),
            coverage=coverage,
            asks=min(sum(term.weight for term in self._content), _ASKS_ALL),
        )

    def _look_up(
        self, fact: Fact, whole: str
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Look each word up in the fact itself, and in it and above it."""
        body, held = {}, {}
        for term in self._asked.terms:
            word = term.term.word
            body[word] = _in_body(term, fact)
            if term.term.is_number and fact.cells:
                body[word] = min(body[word], self._in_column(term, fact))
            if term.is_kind:
                is_there = any(fits(kind, whole) for kind in term.kinds)
                body[word] = held[word] = max(body[word], _KIND_HELD * is_there)
            else:
                held[word] = max(body[word], _ABOVE * match(term, fact.above))
        return body, held

    def _in_column(self, number: AskedTerm, fact: Fact) -> float:
        """Tell whether a number stands in the column that the question names.

        "A chest of 112" is no row whose waist is 112. 1 where no column is named.
        """
        words = [term for term in self._content if not term.term.is_number]
        named = [sum(match(term, cell.name) for term in words) for cell in fact.cells]
        holding = [match(number, cell.value) > _MOSTLY for cell in fact.cells]
        # The first column names the row: "the chest of size 52".
        holds = holding[0] or any(
            there and name == max(named)
            for there, name in zip(holding, named, strict=True)
        )
        if holds or max(named) <= _MOSTLY or not any(holding):
            return 1.0
        return _OTHER_COLUMN

    def _is_unpriced(self) -> bool:
        is_strict = bool(self._kinds) and self._kinds <= _NEVER_ELSE
        return is_strict and not self._asked.is_vague

    def _precision(self, fact: Fact) -> float:
        """Give the share of the fact's name, or of a pair's question, that is asked."""
        named = fact.question if fact.kind is BlockKind.PAIR else fact.name
        terms = [term for term in named.terms if not term.is_number][:_MOST_NAMING]
        if not terms:
            return _NO_NAME
        return sum(map(self._is_spoken_of, terms)) / len(terms)

    def _spoken_share(self, held: TermSet) -> float:
        """Give the share of a text's words that are spoken of."""
        words = [term for term in held.terms if not term.is_number]
        return sum(map(self._is_spoken_of, words)) / len(words) if words else 0.0

    def _is_spoken_of(self, term: Term) -> bool:
        # Facts of one shop share most of their words.
        word = term.word
        if word not in self._spoken:
            self._spoken[word] = self._spoken_of.match(term) > _MOSTLY
        return self._spoken[word]

    def _named(self, fact: Fact) -> float:
        """Give the share of the names in a question that are the fact's own name."""
        if not self._names or not fact.name:
            return 0.0
        held = {term.term.word: match(term, fact.name) for term in self._names}
        return _share(self._names, held)


def _spoken_of(asked: Asked, context: Context) -> TermSet:
    """Gather all that the question and what it leans on speak of."""
    return TermSet(
        [term.term for term in asked.terms]
        + [part for term in asked.terms for phrase in term.others for part in phrase]
        + [term.term for term in (*context.subject, *context.rest)]
    )


def _share(terms: Sequence[AskedTerm], held: Mapping[str, float]) -> float:
    total = sum(term.weight for term in terms)
    if not total:
        return 0.0
    return sum(term.weight * held[term.term.word] for term in terms) / total


def _share_of(terms: Sequence[AskedTerm], fact: Fact) -> float:
    held = {
        term.term.word: max(_in_body(term, fact), _ABOVE * match(term, fact.above))
        for term in terms
    }
    return _share(terms, held)


def _in_body(term: AskedTerm, fact: Fact) -> float:
    best = match(term, fact.own)
    if best < _NEARBY and term.term.word in fact.figures:
        best = _NEARBY
    if term.is_naming:  # The price names as well from the sentence beside.
        return min(best, _NEARBY)
    if term.term.is_number and best < _IN_RANGE and fact.spans(term.term):
        best = _IN_RANGE
    if best < 1 and fact.question:
        best = max(best, match(term, fact.question))
    return best


def _speaks_of(term: Term, fact: Fact) -> bool:
    return max(fact.own.match(term), fact.above.match(term)) > _MOSTLY


def _scale(cosine: float | None) -> float:
    """Stretch E5's cosines, which lie between .76 and .9, to 0..1."""
    if cosine is None:
        return 0.0
    return min(max((cosine - _FAR) / (_NEAR - _FAR), 0.0), 1.0)
