"""Writes the answer to a customer's questions, or hands them over to a person."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import orjson
import stamina
import structlog

from actors.conversation.errors import AnswerFailedError
from actors.conversation.events import AnswerTrace, CandidateSeen, SourceCited
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.placeholders import EMPTY_SHARE, WORDLESS
from actors.conversation.state import MessageType
from config import metrics
from config.prompts import COLLEAGUE_LOOKS, HANDOVER, REST_HANDOVER
from deployments.answers.errors import AnswersError, ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.ports import Retriever
from deployments.answers.prompt import build_messages, read_verdict, shown_numbers
from deployments.answers.small_talk import drop_small_talk, reply_to_small_talk
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.messages import fetch_questions, fetch_recent_turns
from persistence.tenants import Tenant, fetch_tenant
from retrieval.answer.extractive import best_sentences
from retrieval.answer.retrieved import RetrievedChunk, RetrievedContext
from retrieval.errors import RetrievalError
from retrieval.ranking.answerability import is_answerable
from retrieval.text.language import detect_language, drop_addresses
from retrieval.text.normalise import has_words

#: Turns that are fetched; how many of them the model sees depends on their tokens.
MAX_TURNS = 12
#: A restarted database answers after seconds; the customer's timeout is not longer.
DATABASE_TIMEOUT = timedelta(seconds=30)
#: A caption is searched by its beginning: the hashtags at its end find nothing.
MAX_SHARE_CHARS = 400
EXTRACTIVE = "extractive"
SMALL_TALK = "small_talk"
MEDIA = "media"
_METHODS_WITHOUT_MODEL = frozenset({EXTRACTIVE, SMALL_TALK, MEDIA})
#: Only a person can look at these or listen to them.
_MEDIA_TYPES = frozenset({MessageType.IMAGE, MessageType.VOICE, MessageType.VIDEO})
_FAILURES: tuple[type[Exception], ...] = (*DATABASE_AWAY, AnswersError)
_SHARE_LABEL = re.compile(r"^(?:عنوان|زیرعنوان|کپشن): ", re.MULTILINE)
_SHARE_LINK = re.compile(r"^لینک: .*$", re.MULTILINE)

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
    prompt_hash: str = ""
    candidates: tuple[CandidateSeen, ...] = ()
    relevance: float = 0.0
    needs_operator: bool = False

    @property
    def method(self) -> str:
        """The label under which the metrics count the answer."""
        if self.is_handover:
            return "handover"
        return self.model if self.model in _METHODS_WITHOUT_MODEL else "model"


@dataclass(frozen=True, slots=True)
class _Request:
    """The customer's questions of a job, and the tenant that they go to."""

    job: AnswerJob
    tenant: Tenant
    question: str
    language: str
    #: Some of the messages are pictures, voices or videos.
    has_media: bool = False


class AnswerWriter:
    """Answers from the tenant's knowledge: with a model if one is set, else by quoting.

    `timer` reads a monotonic clock in seconds.
    """

    def __init__(
        self,
        pool: Pool,
        retriever: Retriever,
        llm: LlmClient | None,
        timer: Callable[[], float] = time.perf_counter,
        database_timeout: timedelta = DATABASE_TIMEOUT,
    ) -> None:
        self._pool = pool
        self._database_timeout = database_timeout
        self._retriever = retriever
        self._llm = llm
        self._timer = timer

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer.

        Waits for a database that is away: a restart of the database must not hand over
        every customer who writes meanwhile.

        Raises:
            AnswerFailedError: the database stays away for half a minute.
        """
        started = self._timer()
        try:
            draft = await self._draft_with_retries(job)
        except _FAILURES as error:
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
            candidates=draft.candidates,
            relevance=draft.relevance,
            prompt_hash=draft.prompt_hash,
        )
        return WrittenAnswer(draft.text, draft.is_handover, trace, draft.needs_operator)

    async def _draft_with_retries(self, job: AnswerJob) -> _Draft:
        retrying = stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=self._database_timeout,
            wait_initial=0.2,
            wait_max=2.0,
        )

        async def draft() -> _Draft:
            return await self._draft(await self._fetch_request(job))

        return await retrying(DATABASE_AWAY, draft)

    async def _fetch_request(self, job: AnswerJob) -> _Request:
        tenant = await fetch_tenant(self._pool, job.tenant_id)
        messages = await fetch_questions(
            self._pool, job.tenant_id, job.conversation_id, job.question_ids
        )
        if tenant is None or not messages:
            reason = "its questions are not there any more"
            raise AnswersError(reason)
        texts = tuple(
            message.content for message in messages if message.content not in WORDLESS
        )
        has_media = len(texts) < len(messages) or any(
            message.message_type in _MEDIA_TYPES for message in messages
        )
        question = "\n".join(drop_small_talk(texts))
        return _Request(
            job, tenant, question, _language_of(question, tenant), has_media
        )

    async def _draft(self, request: _Request) -> _Draft:
        if request.has_media:
            # A text beside a picture is mostly about the picture: nothing is guessed.
            return _Draft(COLLEAGUE_LOOKS[request.language], MEDIA, needs_operator=True)
        talk = reply_to_small_talk(request.question, request.language)
        if talk is not None:
            return _Draft(talk, SMALL_TALK)
        share = share_as_query(request.job.share)
        if not has_words(f"{request.question} {share}"):
            # A lone mark or emoji means nothing that a search could find.
            return _hand_over(request)
        try:
            query, context = await self._search(request, share)
        except (AnswersError, RetrievalError) as error:
            log.exception("search_failed")
            reason = f"the search failed: {type(error).__name__}: {error}"
            return _hand_over(request, fallback_reason=reason)
        draft = await self._answer_from(context, query, request)
        return replace(
            draft, candidates=_candidates(context), relevance=context["relevance"]
        )

    async def _answer_from(
        self, context: RetrievedContext, query: str, request: _Request
    ) -> _Draft:
        if not is_answerable(context["relevance"]) or not context["chunks"]:
            return _hand_over(request, context["retrieval_method"])
        if self._llm is None:
            return _quote(query, context)
        try:
            return await self._complete(self._llm, request, context)
        except ModelFailedError as error:
            log.warning("model_failed", reason=str(error))
            draft = _quote(query, context, fallback_reason=str(error))
            # The customer has an answer, but not the model's: D-130.
            return replace(draft, needs_operator=True)

    async def _search(
        self, request: _Request, share: str
    ) -> tuple[str, RetrievedContext]:
        """Search; return the text with the best results, and the results."""
        context = await self._retriever.retrieve(
            request.tenant.id,
            request.question,
            share=share,
            conversation_id=request.job.conversation_id,
        )
        return context.get("searched_text", request.question), context

    async def _complete(
        self, llm: LlmClient, request: _Request, context: RetrievedContext
    ) -> _Draft:
        turns = await fetch_recent_turns(
            self._pool,
            request.tenant.id,
            request.job.conversation_id,
            request.job.question_ids,
            MAX_TURNS,
        )
        messages = build_messages(
            request.tenant,
            context,
            turns,
            request.question,
            request.language,
            request.job.share,
        )
        completion = await llm.complete(messages)
        text, is_handover = read_verdict(completion.text)
        # The prompt may have room for fewer passages than the search returned.
        shown = shown_numbers(str(messages[0].get("content")))
        sources = _sources_of(context, shown) if text else ()
        if is_handover:
            rest = (REST_HANDOVER if text else HANDOVER)[request.language]
            text = f"{text}\n\n{rest}" if text else rest
        return _Draft(
            text,
            completion.model,
            is_handover=is_handover,
            sources=sources,
            retrieval_method=context["retrieval_method"],
            tokens=completion.tokens,
            prompt_hash=sha256(orjson.dumps(messages)).hexdigest(),
        )


def share_as_query(share: str) -> str:
    """Return a shared post's words without labels and links, empty if it has none."""
    words = _SHARE_LABEL.sub("", _SHARE_LINK.sub("", share)).replace(EMPTY_SHARE, "")
    words = " ".join(words.split())
    if len(words) > MAX_SHARE_CHARS:
        words = words[:MAX_SHARE_CHARS].rpartition(" ")[0]
    return words


def _hand_over(
    request: _Request, retrieval_method: str = "none", fallback_reason: str = ""
) -> _Draft:
    """Draft a reply that announces a person's answer."""
    return _Draft(
        HANDOVER[request.language],
        "none",
        is_handover=True,
        retrieval_method=retrieval_method,
        fallback_reason=fallback_reason,
    )


def _language_of(question: str, tenant: Tenant) -> str:
    """Detect the customer's language; the shop's where a text has no letters."""
    if any(character.isalpha() for character in drop_addresses(question)):
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


def _candidates(context: RetrievedContext) -> tuple[CandidateSeen, ...]:
    """List the search's candidates, so that a wrong answer can be explained."""
    return tuple(
        CandidateSeen(chunk["chunk_id"], chunk["score"], chunk.get("rerank_score"))
        for chunk in context["chunks"]
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


def _sources_of(
    context: RetrievedContext, shown: Collection[int]
) -> tuple[SourceCited, ...]:
    """List the passages of the prompt by the numbers that the model saw."""
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
        if used["number"] in shown
    )
