"""Writes the answer to a customer's questions, or says honestly that it can't."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import structlog

from actors.conversation.errors import AnswerFailedError
from actors.conversation.events import AnswerTrace, SourceCited
from actors.conversation.ports import AnswerJob, WrittenAnswer
from config import metrics
from config.prompts import HANDOVER, NO_ANSWER
from deployments.answers.errors import AnswersError, ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.ports import Retriever
from deployments.answers.prompt import build_messages
from deployments.answers.small_talk import drop_small_talk, reply_to_small_talk
from persistence.database import Pool
from persistence.messages import fetch_question_texts, fetch_recent_turns
from persistence.tenants import Tenant, fetch_tenant
from retrieval.errors import RetrievalError
from retrieval.extractive import best_sentences
from retrieval.language import detect_language
from retrieval.relevance import ANSWER_THRESHOLD
from retrieval.retrieved import RetrievedChunk, RetrievedContext

#: Turns that are read; how many of them the model sees is a matter of tokens.
MAX_TURNS = 12
EXTRACTIVE = "extractive"
SMALL_TALK = "small_talk"

log = structlog.get_logger("responder")


@dataclass(frozen=True, slots=True)
class _Draft:
    """An answer before it is timed."""

    text: str
    model: str
    is_handover: bool = False
    sources: tuple[SourceCited, ...] = ()
    retrieval_method: str = "none"
    tokens: int = 0
    fallback_reason: str = ""

    @property
    def method(self) -> str:
        """How the answer came to be, as the metrics count it."""
        if self.is_handover:
            return "handover"
        return self.model if self.model in {EXTRACTIVE, SMALL_TALK} else "model"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be answered."""

    job: AnswerJob
    tenant: Tenant
    question: str
    language: str


class AnswerWriter:
    """Answers from the tenant's knowledge: by a model if there is one, else by quoting.

    `timer` reads a monotonic clock in seconds.
    """

    def __init__(
        self,
        pool: Pool,
        retriever: Retriever,
        llm: LlmClient | None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._pool = pool
        self._retriever = retriever
        self._llm = llm
        self._timer = timer

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer.

        Raises:
            AnswerFailedError: neither database nor search can be asked.
        """
        started = self._timer()
        try:
            draft = await self._draft(await self._fetch_asked(job))
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            OSError,
            AnswersError,
            RetrievalError,
        ) as error:
            log.exception("answer_failed", conversation_id=str(job.conversation_id))
            message = f"{type(error).__name__}: {error}"
            raise AnswerFailedError(message) from error
        metrics.AI_REPLIES.labels(method=draft.method).inc()
        trace = AnswerTrace(
            sources=draft.sources,
            retrieval_method=draft.retrieval_method,
            model=draft.model,
            tokens=draft.tokens,
            latency_ms=1000 * (self._timer() - started),
            fallback_reason=draft.fallback_reason,
        )
        return WrittenAnswer(draft.text, draft.is_handover, trace)

    async def _fetch_asked(self, job: AnswerJob) -> _Asked:
        tenant = await fetch_tenant(self._pool, job.tenant_id)
        texts = await fetch_question_texts(
            self._pool, job.tenant_id, job.conversation_id, job.question_ids
        )
        if tenant is None or not texts:
            message = "its questions are not there any more"
            raise AnswersError(message)
        question = "\n".join(drop_small_talk(texts))
        return _Asked(job, tenant, question, _language_of(question, tenant))

    async def _draft(self, asked: _Asked) -> _Draft:
        talk = reply_to_small_talk(asked.question, asked.language)
        if talk is not None:
            return _Draft(talk, SMALL_TALK)
        context = await self._retriever.retrieve(asked.tenant.id, asked.question)
        if context["relevance"] < ANSWER_THRESHOLD or not context["chunks"]:
            return _Draft(
                HANDOVER[asked.language],
                "none",
                is_handover=True,
                retrieval_method=context["retrieval_method"],
            )
        if self._llm is None:
            return _quote(asked.question, context)
        try:
            return await self._ask(self._llm, asked, context)
        except ModelFailedError as error:
            log.warning("model_failed", reason=str(error))
            return _quote(asked.question, context, fallback_reason=str(error))

    async def _ask(
        self, llm: LlmClient, asked: _Asked, context: RetrievedContext
    ) -> _Draft:
        turns = await fetch_recent_turns(
            self._pool,
            asked.tenant.id,
            asked.job.conversation_id,
            asked.job.question_ids,
            MAX_TURNS,
        )
        completion = await llm.complete(
            build_messages(asked.tenant, context, turns, asked.question, asked.language)
        )
        does_not_know = NO_ANSWER in completion.text
        return _Draft(
            HANDOVER[asked.language] if does_not_know else completion.text,
            completion.model,
            is_handover=does_not_know,
            sources=() if does_not_know else _sources_of(context),
            retrieval_method=context["retrieval_method"],
            tokens=completion.tokens,
        )


def _language_of(question: str, tenant: Tenant) -> str:
    """Answer in the customer's language; digits alone have none, then the shop's."""
    if any(character.isalpha() for character in question):
        return str(detect_language(question))
    return tenant.language


def _quote(
    question: str, context: RetrievedContext, fallback_reason: str = ""
) -> _Draft:
    """Answer with the documents' own sentences, word for word."""
    extracted = best_sentences(question, context["chunks"])
    sources = tuple(
        _cited(number, context["chunks"][citation.chunk_index])
        for number, citation in enumerate(extracted.citations, start=1)
    )
    return _Draft(
        extracted.text,
        EXTRACTIVE,
        sources=sources,
        retrieval_method=context["retrieval_method"],
        fallback_reason=fallback_reason,
    )


def _cited(number: int, chunk: RetrievedChunk) -> SourceCited:
    return SourceCited(
        number=number,
        document_id=chunk["document_id"],
        chunk_id=chunk["chunk_id"],
        title=chunk["title"],
        source_type=chunk["source"],
        url=chunk["url"],
        score=chunk["score"],
    )


def _sources_of(context: RetrievedContext) -> tuple[SourceCited, ...]:
    """Name the passages that the model was shown, by the numbers that it saw."""
    scores = {chunk["chunk_id"]: chunk["score"] for chunk in context["chunks"]}
    return tuple(
        SourceCited(
            number=used["number"],
            document_id=used["document_id"],
            chunk_id=used["chunk_id"],
            title=used["title"],
            source_type=used["source"],
            url=used["url"],
            score=scores.get(used["chunk_id"], 0.0),
        )
        for used in context["sources_used"]
    )
