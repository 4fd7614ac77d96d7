"""Asks the facts of small shops without vectors: words alone decide."""

from collections.abc import Mapping
from uuid import UUID

from retrieval.answer.choosing import Choice, choose
from retrieval.answer.facts import Fact, read_facts
from retrieval.answer.matching import (
    NOTHING,
    Context,
    Match,
    Similarities,
    score_facts,
)
from retrieval.query.asking import Asked, read_question
from tests.unit.retrieval.shops import Documents, count_words, cut_all


def facts_of(documents: Documents) -> list[Fact]:
    """List the facts of all documents, in their order."""
    return [fact for chunk in cut_all(documents) for fact in read_facts(chunk)]


def read(documents: Documents, question: str) -> Asked:
    """Read a question as this shop's documents make it understood."""
    return read_question(question, count_words(documents))


def leaning_on(documents: Documents, name: str) -> Context:
    """Make the context of a conversation about a thing."""
    return Context(read(documents, name).names, name=name)


def rank(
    documents: Documents,
    question: str,
    context: Context = NOTHING,
    cosines: Mapping[UUID, float] | None = None,
) -> list[Match]:
    """Score a shop's facts for a question, best first."""
    similar = Similarities(cosines or {}, cosines or {})
    return score_facts(read(documents, question), context, facts_of(documents), similar)


def choose_from(
    documents: Documents, question: str, context: Context = NOTHING
) -> Choice:
    """Choose among a shop's facts."""
    ranked = rank(documents, question, context)
    return choose(read(documents, question), context, ranked)


def chosen(
    documents: Documents, question: str, context: Context = NOTHING
) -> list[str]:
    """Name the subjects of the facts that are chosen."""
    return [fact.subject for fact in choose_from(documents, question, context).facts]
