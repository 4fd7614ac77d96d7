"""Clients of the Responder, Retriever and Reranker deployments of Ray Serve."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from ray import serve
from ray.exceptions import RayActorError, RayTaskError, TaskCancelledError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob, WrittenAnswer
from actors.conversation.reasons import FailureReason
from actors.errors import TooManyWaitingError
from deployments.answers.answer_draft import AnswerDraft
from deployments.answers.errors import RetrieverUnavailableError
from deployments.answers.llm import RETRIES
from deployments.answers.ports import JudgeJob, NotJudged, Verdict
from deployments.health.probes import PartHealth, PartStatus
from persistence.ids import ConversationId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.errors import RerankerUnavailableError, RetrievalError
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.ranking.reranking import RerankResult
from retrieval.text.language import Language

ANSWERS_APP = "answers"
#: A replica that died is back within seconds; a longer absence is a failure.
ANSWER_TIMEOUT_S = 60.0
#: A person waits for a search.
SEARCH_TIMEOUT_S = 10.0
#: Serve holds a call as long as there is no replica; a large index takes some seconds
#: to read for the first time.
SEARCH_LIMIT_S = 30.0
RETRY_PAUSE_S = 0.25

#: The replica is gone, or not there yet: another attempt may reach one.
_REPLICA_AWAY = (RayActorError, RayServeException, ConnectionError)

Result = TypeVar("Result")
#: A person waits for the answer, which takes two seconds in all.
RERANK_TIMEOUT_S = 1.5
JUDGED_TOO_LATE = "the model took too long"
NOBODY_JUDGES = "no process was free to ask the model"
#: Taken by the call itself and not left for computing.
ROUND_TRIP_S = 0.05
#: A pool that did not answer in time is not called for so long.
RERANK_PAUSE_S = 5.0

log = structlog.get_logger("answers")
rerank_log = structlog.get_logger("reranker")


class RemoteResponder:
    """Writes answers in the Responder deployment.

    `llm_timeout_s` limits one attempt of the model. The call as a whole is given up
    after the sum of all that an answer may wait for.
    """

    def __init__(self, llm_timeout_s: float) -> None:
        attempts_s = (1 + RETRIES) * llm_timeout_s
        # For a model the questions are searched twice: to understand, and for passages.
        self._limit_s = ANSWER_TIMEOUT_S + 2 * SEARCH_LIMIT_S + attempts_s

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer. Raises AnswerFailedError with the reason to store."""

        async def call() -> WrittenAnswer:
            answer: WrittenAnswer = await _handle("Responder").write.remote(job)
            return answer

        try:
            async with asyncio.timeout(self._limit_s):
                return await _call_with_retries(call, ANSWER_TIMEOUT_S)
        except TimeoutError as error:
            raise AnswerFailedError(FailureReason.TOO_SLOW) from error
        except _REPLICA_AWAY as error:
            raise AnswerFailedError(FailureReason.NO_REPLICA) from error
        except RayTaskError as error:
            if isinstance(error.cause, AnswerFailedError):
                # Its first line is the reason, which the Responder has named.
                reason = str(error.cause).partition("\n")[0]
                raise AnswerFailedError(reason) from error
            log.exception("answer_failed", conversation_id=str(job.conversation_id))
            raise AnswerFailedError(FailureReason.NOT_PREPARED) from error


class RemoteJudge:
    """Judges texts in the Responder deployment, which has the model's client.

    `limit_s` is for the whole judgement; a replica is waited for half as long.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    async def judge(self, job: JudgeJob) -> Verdict | NotJudged:
        """Judge a text; see `TextJudge`. Never raises for what may happen outside."""

        async def call() -> Verdict | NotJudged:
            verdict: Verdict | NotJudged = await _handle("Responder").judge.remote(job)
            return verdict

        try:
            async with asyncio.timeout(self._limit_s):
                return await _call_with_retries(call, self._limit_s / 2)
        except (TimeoutError, TaskCancelledError):
            return NotJudged(JUDGED_TOO_LATE)
        except _REPLICA_AWAY:
            return NotJudged(NOBODY_JUDGES)
        except RayTaskError:
            log.exception("judgement_failed", channel_id=str(job.channel_id))
            return NotJudged(FailureReason.NOT_PREPARED)


class RemoteRetriever:
    """Searches a tenant's knowledge in the Retriever deployment."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Retrieve; see `Retriever`.

        Raises:
            RetrieverUnavailableError: no replica answers, or one fails with a bug.
            RetrievalError: neither arm of the search works.
        """

        async def call() -> RetrievedContext:
            context: RetrievedContext = await _retriever_of(tenant_id).retrieve.remote(
                tenant_id,
                query,
                share=share,
                conversation_id=conversation_id,
                only=only,
            )
            return context

        return await _search(call)

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Compose an answer; see `Retriever`. Raises what `retrieve` does."""

        async def call() -> AnswerDraft:
            draft: AnswerDraft = await _retriever_of(tenant_id).answer.remote(
                tenant_id, burst, tuple(turns), language, only=only
            )
            return draft

        return await _search(call)


class RemoteReranker:
    """Reranks in the Reranker deployment, never for longer than the timeout.

    After a timeout or a lost replica the next calls are refused at once for a while: of
    many questions only one waits for a pool that does not answer.
    """

    def __init__(self, *, timeout_s: float = RERANK_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._paused_until = 0.0

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score passages; see `Reranker`."""
        try:
            return await self._call(query, passages, model)
        except RerankerUnavailableError as error:
            rerank_log.info("not_reranked", model=model, reason=str(error)[:300])
            raise

    async def _call(
        self, query: str, passages: Sequence[str], model: str
    ) -> RerankResult:
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            message = "it did not answer a moment ago"
            raise RerankerUnavailableError(message)
        within_s = self._timeout_s - ROUND_TRIP_S
        try:
            async with asyncio.timeout(self._timeout_s):
                handle = _handle("Reranker").options(multiplexed_model_id=model)
                result: RerankResult = await handle.rerank.remote(
                    query, tuple(passages), within_s
                )
        except RayTaskError as error:
            # The cause carries the remote stack; its own words are reason enough.
            cause = error.cause
            if isinstance(cause, RerankerUnavailableError):
                raise RerankerUnavailableError(str(cause)) from error
            raise RerankerUnavailableError(type(cause).__name__) from error
        except (*_REPLICA_AWAY, TimeoutError, TaskCancelledError) as error:
            self._paused_until = loop.time() + RERANK_PAUSE_S
            message = f"no answer: {type(error).__name__}"
            raise RerankerUnavailableError(message) from error
        if len(result.scores) != len(passages):
            message = f"{len(result.scores)} scores for {len(passages)} passages"
            raise RerankerUnavailableError(message)
        return result


async def probe_deployment(name: str) -> PartHealth:
    """Fetch the health of a deployment of the answering side."""
    try:
        health: PartHealth = await _handle(name).health.remote()
    except _REPLICA_AWAY:
        return PartHealth(PartStatus.DOWN, "no replica answers")
    return health


def _handle(deployment: str) -> DeploymentHandle[object]:
    return serve.get_deployment_handle(deployment, app_name=ANSWERS_APP)


def _retriever_of(tenant_id: TenantId) -> DeploymentHandle[object]:
    """Prefer the replica that has the tenant's index."""
    return _handle("Retriever").options(multiplexed_model_id=str(tenant_id))


async def _search(call: Callable[[], Awaitable[Result]]) -> Result:
    try:
        async with asyncio.timeout(SEARCH_LIMIT_S):
            return await _call_with_retries(call, SEARCH_TIMEOUT_S)
    except (*_REPLICA_AWAY, TimeoutError) as error:
        raise RetrieverUnavailableError from error
    except RayTaskError as error:
        # Its text is the remote stack, which no caller of the API should see.
        if isinstance(error.cause, RetrievalError):
            raise error.cause from error
        if isinstance(error.cause, TooManyWaitingError):
            raise TooManyWaitingError from error
        raise RetrieverUnavailableError from error


async def _call_with_retries(
    call: Callable[[], Awaitable[Result]], timeout_s: float
) -> Result:
    """Call again while no replica is there, until the timeout is spent."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + timeout_s
    while True:
        try:
            return await call()
        except _REPLICA_AWAY as error:
            if loop.time() >= give_up_at:
                raise
            log.info("replica_away", error=repr(error)[:200])
            await asyncio.sleep(RETRY_PAUSE_S)
