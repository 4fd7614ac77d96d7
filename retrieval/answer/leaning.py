"""Finds what a question leans on: a post that it points at, or the turn before."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from retrieval.answer.matching import NOTHING, Context
from retrieval.dialogue.turns import SUBJECTS_JOINED, Turn
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.asking import Asked, AskedTerm, read_question

_MAX_CAPTION_TERMS = 6


def lean(
    asked: Asked, referred: str, turns: Sequence[Turn], index: KnowledgeIndex
) -> tuple[Asked, Context, str]:
    """Find what a question leans on: a post it points at, or the turn before."""
    if referred:
        title, _, caption = referred.partition("\n")
        name = title.partition(": ")[2] or title
        first = read_question(name, index.lexicon)
        rest = read_question(caption.partition(": ")[2], index.lexicon)
        names = rest.names[:_MAX_CAPTION_TERMS]
        return asked, Context(first.names, names, is_referred=True, name=name), name
    last = next((turn for turn in reversed(turns) if turn.question), None)
    if last is None:
        return asked, NOTHING, ""
    before = read_question(last.question, index.lexicon)
    if asked.is_elliptic:
        asked = replace(
            asked,
            kinds=before.kinds,
            is_bare=before.is_bare,
            is_vague=before.is_vague,
        )
    subject = read_question(last.subject, index.lexicon).names
    names_none = not any(term.is_name and not term.is_attribute for term in asked.names)
    if names_none and SUBJECTS_JOINED in last.subject:
        # "And the small ones?" is about both that were compared.
        asked = replace(asked, is_comparing=True)
    known = {term.term.word for term in subject}
    rest_terms: tuple[AskedTerm, ...] = tuple(
        term
        for term in before.terms
        if term.term.word not in known and not term.is_kind
    )
    chunk = index.get(UUID(last.chunk_id)) if last.chunk_id else None
    context = Context(
        subject,
        rest_terms,
        chunk.document_id if chunk else None,
        chunk.parent_id if chunk else None,
        name=last.subject,
    )
    return asked, context, last.question
