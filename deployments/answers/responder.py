"""Writes the answer to a customer's questions, or hands them over to a person."""

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import orjson
import stamina
import structlog

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.rules.placeholders import (
    EMPTY_SHARE,
    drop_placeholders,
    has_placeholder,
)
from actors.conversation.state import MessageType
from actors.conversation.traces import AnswerTrace, CandidateSeen, SourceCited
from config import metrics, prompts
from deployments.answers.drafting import build_grounds, write_draft
from deployments.answers.errors import AnswersError, ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.ports import Retriever
from deployments.answers.prompt import build_prompt, shown_numbers
from deployments.answers.small_talk import drop_small_talk, reply_to_small_talk
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.messages import Question, fetch_questions, fetch_recent_turns
from persistence.tenants import Tenant, fetch_tenant
from retrieval.answer.context import RetrievedContext
from retrieval.answer.extractive import best_sentences
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
        retrying = stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=self._database_timeout,
            wait_initial=0.2,
            wait_max=2.0,
        )

        async def write_once() -> WrittenAnswer:
            return await self._answer(await self._fetch_request(job))

        try:
            answer = await retrying(DATABASE_AWAY, write_once)
        except _FAILURES as error:
            log.exception("answer_failed", conversation_id=str(job.conversation_id))
            message = f"{type(error).__name__}: {error}"
            raise AnswerFailedError(message) from error
        metrics.AI_REPLIES.labels(method=_label_of(answer)).inc()
        latency_ms = 1000 * (self._timer() - started)
        return replace(answer, trace=replace(answer.trace, latency_ms=latency_ms))

    async def _fetch_request(self, job: AnswerJob) -> _Request:
        tenant = await fetch_tenant(self._pool, job.tenant_id)
        messages = await fetch_questions(
            self._pool, job.tenant_id, job.conversation_id, job.question_ids
        )
        if tenant is None or not messages:
            reason = "its questions are not there any more"
            raise AnswersError(reason)
        words = (drop_placeholders(message.content) for message in messages)
        texts = tuple(filter(None, words))
        has_media = any(
            message.message_type in _MEDIA_TYPES or has_placeholder(message.content)
            for message in messages
        )
        question = "\n".join(drop_small_talk(texts))
        return _Request(
            _add_referred(job, messages),
            tenant,
            question,
            _language_of(question, tenant),
            has_media,
        )

    async def _answer(self, request: _Request) -> WrittenAnswer:
        job, language = request.job, request.language
        if request.has_media:
            # A text beside a picture is mostly about the picture: nothing is guessed.
            trace = AnswerTrace(model=MEDIA)
            return WrittenAnswer(
                prompts.COLLEAGUE_LOOKS[language], trace=trace, needs_operator=True
            )
        talk = reply_to_small_talk(request.question, language)
        if talk is not None:
            return WrittenAnswer(talk, trace=AnswerTrace(model=SMALL_TALK))
        share = share_as_query(job.share)
        if not has_words(f"{request.question} {share}"):
            # A lone mark or emoji means nothing that a search could find.
            return _hand_over(request, AnswerTrace())
        try:
            context = await self._retriever.retrieve(
                request.tenant.id,
                request.question,
                share=share,
                conversation_id=job.conversation_id,
            )
        except (AnswersError, RetrievalError) as error:
            log.exception("search_failed")
            reason = f"the search failed: {type(error).__name__}: {error}"
            return _hand_over(request, AnswerTrace(fallback_reason=reason))
        answer = await self._answer_from(context, request)
        # The search's candidates, so that a wrong answer can be explained.
        candidates = tuple(
            CandidateSeen(chunk["chunk_id"], chunk["score"], chunk.get("rerank_score"))
            for chunk in context["chunks"]
        )
        trace = replace(
            answer.trace,
            retrieval_method=context["retrieval_method"],
            candidates=candidates,
            relevance=context["relevance"],
        )
        return replace(answer, trace=trace)

    async def _answer_from(
        self, context: RetrievedContext, request: _Request
    ) -> WrittenAnswer:
        if not is_answerable(context["relevance"]) or not context["chunks"]:
            return _hand_over(request, AnswerTrace())
        # The text with the best results.
        query = context.get("searched_text", request.question)
        if self._llm is None:
            return _quote(query, context)
        try:
            return await self._complete(self._llm, request, context)
        except ModelFailedError as error:
            log.warning("model_failed", reason=str(error))
            # The customer has an answer, but not the model's: D-130.
            answer = _quote(query, context)
            trace = replace(answer.trace, fallback_reason=str(error))
            return replace(answer, trace=trace, needs_operator=True)

    async def _complete(
        self, llm: LlmClient, request: _Request, context: RetrievedContext
    ) -> WrittenAnswer:
        job, language = request.job, request.language
        turns = await fetch_recent_turns(
            self._pool,
            request.tenant.id,
            job.conversation_id,
            job.question_ids,
            MAX_TURNS,
        )
        prompt = build_prompt(
            request.tenant,
            context,
            turns,
            request.question,
            language,
            job.share,
            is_post=job.is_post,
        )
        asked = (request.question, job.share)
        grounds = build_grounds(prompt, turns, asked, language)
        draft = await write_draft(llm, prompt, grounds)
        # The prompt may have room for fewer passages than the search returned.
        shown = shown_numbers(prompt.information)
        text, is_handover = draft.text, draft.is_handover
        if draft.refusal:
            log.warning("answer_refused", reason=draft.refusal)
        trace = AnswerTrace(
            sources=_sources_of(context, shown) if text else (),
            model=draft.model,
            tokens=draft.tokens,
            fallback_reason=draft.refusal,
            prompt_hash=sha256(orjson.dumps(draft.prompt)).hexdigest(),
            prompt=draft.prompt,
            questions=(context.get("searched_text", request.question),),
            faults=draft.faults,
        )
        if is_handover:
            rest = (prompts.REST_HANDOVER if text else prompts.HANDOVER)[language]
            text = f"{text}\n\n{rest}" if text else rest
        return WrittenAnswer(text, is_handover, trace)


def _add_referred(job: AnswerJob, messages: Sequence[Question]) -> AnswerJob:
    """Add to what the questions are about the stored messages that they answer."""
    share, is_post = job.share, job.is_post
    for referred in dict.fromkeys(message.referred for message in messages):
        text = drop_placeholders(referred)
        # What came with the question is mostly in the job already.
        if text.strip() and referred not in share:
            share, is_post = f"{share}\n\n{text}".strip(), False
    return replace(job, share=share, is_post=is_post)


def share_as_query(share: str) -> str:
    """Return a shared post's words without labels and links, empty if it has none."""
    words = _SHARE_LABEL.sub("", _SHARE_LINK.sub("", share)).replace(EMPTY_SHARE, "")
    words = drop_placeholders(words)
    words = " ".join(words.split())
    if len(words) > MAX_SHARE_CHARS:
        words = words[:MAX_SHARE_CHARS].rpartition(" ")[0]
    return words


def _label_of(answer: WrittenAnswer) -> str:
    """Return the label under which the metrics count the answer."""
    if answer.is_handover:
        return "handover"
    model = answer.trace.model
    return model if model in _METHODS_WITHOUT_MODEL else "model"


def _hand_over(request: _Request, trace: AnswerTrace) -> WrittenAnswer:
    """Announce a person's answer."""
    return WrittenAnswer(
        prompts.HANDOVER[request.language], is_handover=True, trace=trace
    )


def _language_of(question: str, tenant: Tenant) -> str:
    """Detect the customer's language; the shop's where a text has no letters."""
    if any(character.isalpha() for character in drop_addresses(question)):
        return str(detect_language(question))
    return tenant.language


def _quote(question: str, context: RetrievedContext) -> WrittenAnswer:
    """Answer with the documents' own sentences, word for word."""
    extracted = best_sentences(question, context["chunks"])
    chunks = [context["chunks"][cited.chunk_index] for cited in extracted.citations]
    sources = tuple(
        SourceCited(
            number=number,
            document_id=chunk["document_id"],
            chunk_id=chunk["chunk_id"],
            title=chunk["title"],
            source_type=chunk["source"],
            url=chunk["url"],
            score=chunk["score"],
        )
        for number, chunk in enumerate(chunks, start=1)
    )
    trace = AnswerTrace(sources=sources, model=EXTRACTIVE)
    return WrittenAnswer(extracted.text, trace=trace)


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
