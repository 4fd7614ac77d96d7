"""Client of the Reranker deployment, with a timeout and a pause after failures."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from ray import serve
from ray.exceptions import RayActorError, RayTaskError, TaskCancelledError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from deployments.answers.clients import ANSWERS_APP
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import RerankResult

#: A person waits for the answer, which takes two seconds in all.
TIMEOUT_S = 1.5
#: Taken by the call itself and not left for computing.
ROUND_TRIP_S = 0.05
#: A pool that did not answer in time is not called for so long.
PAUSE_S = 5.0

log = structlog.get_logger("reranker")


class RemoteReranker:
    """Reranks in the Reranker deployment, never for longer than the timeout.

    After a timeout or a lost replica the next calls are refused at once for a while: of
    many questions only one waits for a pool that does not answer.
    """

    def __init__(
        self,
        handle: Callable[[], DeploymentHandle[object]] | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._handle = handle or _get_handle
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._paused_until = 0.0

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score passages; see `Reranker`."""
        try:
            return await self._call(query, passages, model)
        except RerankerUnavailableError as error:
            log.info("not_reranked", model=model, reason=str(error)[:300])
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
                handle = self._handle().options(multiplexed_model_id=model)
                result: RerankResult = await handle.rerank.remote(
                    query, tuple(passages), within_s
                )
        except RayTaskError as error:
            # The cause carries the remote stack; its own words are reason enough.
            cause = error.cause
            if isinstance(cause, RerankerUnavailableError):
                raise RerankerUnavailableError(str(cause)) from error
            raise RerankerUnavailableError(type(cause).__name__) from error
        except (
            TimeoutError,
            RayActorError,
            RayServeException,
            TaskCancelledError,
            ConnectionError,
        ) as error:
            self._paused_until = loop.time() + self._pause_s
            message = f"no answer: {type(error).__name__}"
            raise RerankerUnavailableError(message) from error
        if len(result.scores) != len(passages):
            message = f"{len(result.scores)} scores for {len(passages)} passages"
            raise RerankerUnavailableError(message)
        return result


def _get_handle() -> DeploymentHandle[object]:
    return serve.get_deployment_handle("Reranker", app_name=ANSWERS_APP)
