"""Writes the answer to a customer's questions, or hands them over to a person."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import orjson
import stamina
import structlog

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.reasons import FailureReason
from actors.conversation.traces import (
    AnswerTrace,
    BlockQuoted,
    CandidateSeen,
    SourceCited,
)
from actors.errors import TooManyWaitingError
from actors.fair_semaphore import FairSemaphore
from config import metrics, prompts
from deployments.answers.answer_draft import AnswerDraft, describe, summarise
from deployments.answers.budget import AnswerBudget
from deployments.answers.drafting import build_grounds, write_draft
from deployments.answers.errors import AnswersError, ModelFailedError
from deployments.answers.history import build_exchanges, build_turns
from deployments.answers.llm import LlmClient
from deployments.answers.ports import Retriever
from deployments.answers.prompt import build_prompt, shown_numbers
from deployments.answers.request import Request, build_request, share_as_query
from deployments.answers.wording import write_reply
from persistence.conversations import fetch_conversation_channel
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.messages import Turn, fetch_questions, fetch_recent_turns
from persistence.tenants import fetch_tenant
from retrieval.answer.context import RetrievedContext
from retrieval.answer.drafts import DraftAct
from retrieval.answer.plain_text import to_plain_text
from retrieval.dialogue.acts import HANDED_OVER, read_burst
from retrieval.dialogue.repetition import is_automatic
from retrieval.errors import KnowledgeTooLargeError, RetrievalError

#: Turns that are fetched; how many of them the model sees depends on their tokens.
MAX_TURNS = 12
#: Answers that are written at once. Every shard may ask for as many by itself.
MAX_ANSWERS = 64
#: A restarted database answers after seconds; the customer's timeout is not longer.
DATABASE_TIMEOUT = timedelta(seconds=30)
#: Below this relevance and without a composed answer, no model is asked: nothing that
#: was found has to do with the question.
DOUBTFUL_FROM = 0.2
FACTS = "facts"
EXTRACTIVE = "extractive"
SMALL_TALK = "small_talk"
ASK_BACK = "ask_back"
MEDIA = "media"
#: The customer's side answers automatically, and we do not any more.
SILENT = "silent"
_MODEL_OF = {
    DraftAct.ANSWER: EXTRACTIVE,
    DraftAct.SMALL_TALK: SMALL_TALK,
    DraftAct.ASK_BACK: ASK_BACK,
    DraftAct.HANDOVER: "none",
}
_METHODS_WITHOUT_MODEL = frozenset({*_MODEL_OF.values(), MEDIA})
_FAILURES: tuple[type[Exception], ...] = (*DATABASE_AWAY, AnswersError)

log = structlog.get_logger("responder")


class AnswerWriter:
    """Answers from the tenant's knowledge: with a model if one is set, else composed.

    `timer` reads a monotonic clock in seconds.
    """

    def __init__(
        self,
        pool: Pool,
        retriever: Retriever,
        llm: LlmClient | None,
        timer: Callable[[], float] = time.perf_counter,
        database_timeout: timedelta = DATABASE_TIMEOUT,
        max_answers: int = MAX_ANSWERS,
        budget: AnswerBudget | None = None,
    ) -> None:
        self._pool = pool
        self._places = FairSemaphore(max_answers)
        self._database_timeout = database_timeout
        self._retriever = retriever
        self._llm = llm
        self._timer = timer
        self._budget = budget

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer.

        Waits for a database that is away: a restart of the database must not hand over
        every customer who writes meanwhile. Answers wait for a place, and the places
        are shared out over tenants.

        Raises:
            AnswerFailedError: the database stays away for half a minute, the channel
                has had all its answers of this minute, or too many answers of this
                tenant wait. The text is a FailureReason.
        """
        try:
            async with self._places.place(job.tenant_id):
                return await self._write(job)
        except TooManyWaitingError as error:
            raise AnswerFailedError(FailureReason.TOO_MANY_WAIT) from error

    async def _write(self, job: AnswerJob) -> WrittenAnswer:
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
            await retrying(DATABASE_AWAY, self._spend, job)
            answer = await retrying(DATABASE_AWAY, write_once)
        except _FAILURES as error:
            log.exception("answer_failed", conversation_id=str(job.conversation_id))
            raise AnswerFailedError(_name_failure(error)) from error
        metrics.AI_REPLIES.labels(method=_label_of(answer)).inc()
        latency_ms = 1000 * (self._timer() - started)
        return replace(answer, trace=replace(answer.trace, latency_ms=latency_ms))

    async def _spend(self, job: AnswerJob) -> None:
        """Count the answer to its channel's. Raises AnswerFailedError beyond it."""
        if self._budget is None:
            return
        channel_id = await fetch_conversation_channel(
            self._pool, job.tenant_id, job.conversation_id
        )
        if channel_id is not None:
            await self._budget.spend(channel_id)

    async def _fetch_request(self, job: AnswerJob) -> Request:
        tenant = await fetch_tenant(self._pool, job.tenant_id)
        messages = await fetch_questions(
            self._pool, job.tenant_id, job.conversation_id, job.question_ids
        )
        if tenant is None or not messages:
            raise AnswersError(FailureReason.QUESTIONS_GONE)
        return build_request(job, tenant, messages)

    async def _answer(self, request: Request) -> WrittenAnswer:
        if request.has_media:
            # A text beside a picture is mostly about the picture: nothing is guessed.
            text = prompts.COLLEAGUE_LOOKS[_read_language(request)]
            trace = AnswerTrace(model=MEDIA)
            return WrittenAnswer(text, trace=trace, needs_operator=True)
        if not request.texts and not request.share:
            # Nothing that anybody could read.
            return _hand_over(request, AnswerTrace())
        lines = await fetch_recent_turns(
            self._pool,
            request.tenant.id,
            request.job.conversation_id,
            request.job.question_ids,
            MAX_TURNS,
        )
        exchanges = build_exchanges(lines)
        if not request.share and is_automatic(request.said, request.at, exchanges):
            log.info("fell_silent", conversation_id=str(request.job.conversation_id))
            return WrittenAnswer("", is_handover=True, trace=AnswerTrace(model=SILENT))
        try:
            draft = await self._retriever.answer(
                request.tenant.id, request.burst, build_turns(lines), request.language
            )
            if self._llm is None or not _is_for_model(draft):
                return _write_composed(draft, request)
            return await self._ask_model(self._llm, request, draft, lines)
        except (AnswersError, RetrievalError, TooManyWaitingError) as error:
            log.exception("search_failed")
            reason = FailureReason.SEARCH_FAILED
            if isinstance(error, KnowledgeTooLargeError):
                reason = FailureReason.KNOWLEDGE_TOO_LARGE
            return _hand_over(request, AnswerTrace(fallback_reason=reason))

    async def _ask_model(
        self,
        llm: LlmClient,
        request: Request,
        draft: AnswerDraft,
        lines: Sequence[Turn],
    ) -> WrittenAnswer:
        """Let the model judge what was found; else the composed answer serves."""
        questions = draft.understanding.questions
        subjects = (question.subject for question in questions)
        about = share_as_query(request.share) or " ".join(dict.fromkeys(subjects))
        context = await self._retriever.retrieve(
            request.tenant.id,
            "\n".join(question.text for question in questions),
            share=about,
            conversation_id=request.job.conversation_id,
        )
        is_hopeless = context["relevance"] < DOUBTFUL_FROM
        if not context["chunks"] or (is_hopeless and draft.act is DraftAct.HANDOVER):
            answer = _write_composed(draft, request)
        else:
            try:
                answer = await _complete(llm, request, draft, context, lines)
            except ModelFailedError as error:
                log.warning("model_failed", reason=str(error))
                # The customer has an answer, but not the model's: D-130.
                answer = _write_composed(draft, request)
                trace = replace(answer.trace, fallback_reason=str(error))
                return replace(answer, trace=trace, needs_operator=True)
        return replace(answer, trace=_add_search(answer.trace, context))


async def _complete(
    llm: LlmClient,
    request: Request,
    draft: AnswerDraft,
    context: RetrievedContext,
    lines: Sequence[Turn],
) -> WrittenAnswer:
    """Have the model write. Raises ModelFailedError."""
    language = str(draft.understanding.language)
    share = request.share
    prompt = build_prompt(
        request.tenant,
        context,
        lines,
        request.said,
        language,
        share,
        is_post=request.is_post,
        understanding=summarise(draft, request.said),
    )
    grounds = build_grounds(prompt, lines, (request.said, share), language)
    written = await write_draft(llm, prompt, grounds)
    # The prompt may have room for fewer passages than the search returned.
    shown = shown_numbers(prompt.information)
    text = written.text
    if written.refusal:
        log.warning("answer_refused", reason=written.refusal)
    trace = replace(
        _trace(draft),
        sources=_sources_of(context, shown) if text else (),
        quoted=(),
        asked_back=written.asks_back,
        model=written.model,
        tokens=written.tokens,
        fallback_reason=written.refusal,
        prompt_hash=sha256(orjson.dumps(written.prompt)).hexdigest(),
        prompt=written.prompt,
        faults=written.faults,
    )
    if written.is_handover:
        rest = (prompts.REST_HANDOVER if text else prompts.HANDOVER)[language]
        text = f"{text}\n\n{rest}" if text else rest
    return WrittenAnswer(text, written.is_handover, trace)


def _name_failure(error: Exception) -> FailureReason:
    """Name why there is no answer; the log has the error itself."""
    if str(error) == FailureReason.QUESTIONS_GONE:
        return FailureReason.QUESTIONS_GONE
    if isinstance(error, DATABASE_AWAY):
        return FailureReason.DATABASE_AWAY
    return FailureReason.NOT_PREPARED


def _is_for_model(draft: AnswerDraft) -> bool:
    """Tell whether something is asked that documents may answer."""
    understood = draft.understanding
    is_handed_over = any(act in HANDED_OVER for act in understood.acts)
    return bool(understood.questions) and not is_handed_over


def _write_composed(draft: AnswerDraft, request: Request) -> WrittenAnswer:
    """Word the draft as it is, without a model."""
    text = to_plain_text(write_reply(draft, said=request.said))
    is_handover = draft.act is DraftAct.HANDOVER or draft.is_partial
    return WrittenAnswer(text, is_handover, _trace(draft))


def _trace(draft: AnswerDraft) -> AnswerTrace:
    questions = tuple(question.text for question in draft.understanding.questions)
    return AnswerTrace(
        sources=tuple(
            SourceCited(
                number=number,
                document_id=cited.document_id,
                chunk_id=cited.chunk_id,
                title=cited.title,
                source_type=cited.source_type,
                url=cited.url,
                score=cited.score,
            )
            for number, cited in enumerate(draft.citations, start=1)
        ),
        retrieval_method=FACTS if questions else "none",
        model=_MODEL_OF[draft.act],
        candidates=tuple(
            CandidateSeen(candidate.chunk_id, candidate.score)
            for candidate in draft.candidates
        ),
        search_ms=draft.search_ms,
        subject=draft.subject or _leant_on(draft),
        subject_chunk_id=draft.chunk_id,
        asked_back=draft.act is DraftAct.ASK_BACK,
        questions=questions,
        question=draft.question,
        quoted=tuple(
            BlockQuoted(cited.chunk_id, cited.text) for cited in draft.citations
        ),
        understanding=describe(draft),
    )


def _leant_on(draft: AnswerDraft) -> str:
    """Name the subject of a question that found nothing: it is still spoken of."""
    questions = draft.understanding.questions
    return questions[-1].subject if questions else ""


def _add_search(trace: AnswerTrace, context: RetrievedContext) -> AnswerTrace:
    """Add what the model's search weighed, so that a wrong answer can be explained."""
    candidates = tuple(
        CandidateSeen(chunk["chunk_id"], chunk["score"], chunk.get("rerank_score"))
        for chunk in context["chunks"]
    )
    searched = context.get("searched_text")
    return replace(
        trace,
        retrieval_method=context["retrieval_method"],
        candidates=candidates,
        relevance=context["relevance"],
        questions=tuple(dict.fromkeys(filter(None, (*trace.questions, searched)))),
    )


def _label_of(answer: WrittenAnswer) -> str:
    """Return the label under which the metrics count the answer."""
    if answer.is_handover:
        return "handover"
    model = answer.trace.model
    return model if model in _METHODS_WITHOUT_MODEL else "model"


def _hand_over(request: Request, trace: AnswerTrace) -> WrittenAnswer:
    """Announce a person's answer."""
    text = prompts.HANDOVER[_read_language(request)]
    return WrittenAnswer(text, is_handover=True, trace=trace)


def _read_language(request: Request) -> str:
    """Read the customer's language; the shop's where a text has no letters."""
    return str(read_burst(request.texts, request.language).language)


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
