"""Runs analyses, inline or in a Ray task: a process of its own at the lowest priority.

Reading and fitting a thousand services takes a whole processor for seconds: a process
that also answers calls or checks services would delay all of them.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import ray
import structlog
from ray import ObjectRef
from ray.exceptions import RayError, RayTaskError

from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.llm import LlmClient, resolve_llm
from deployments.monitoring import errors
from deployments.monitoring.analysis import Analysis, Analyst
from deployments.monitoring.digest_rewriter import DigestRewriter
from deployments.wiring import get_dsn
from persistence.analysis import try_lock_analysis, unlock_analysis
from persistence.database import Pool, open_pool
from persistence.ids import ServiceId, TenantId

#: A month of a thousand services, and a model that takes its time with each digest.
TIMEOUT = timedelta(minutes=5)
#: Analyses that wait while one runs; a caller waits minutes at most.
MAX_WAITING = 8
#: Lower than all processes that somebody waits for.
NICENESS = 10

log = structlog.get_logger("monitor_analysis")


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What to analyze: all services of a tenant, or one."""

    tenant_id: TenantId
    until: datetime
    span: timedelta
    service_id: ServiceId | None = None


class AnalysisRunner(Protocol):
    """Runs analyses somewhere."""

    async def run(self, request: AnalysisRequest) -> Analysis | None:
        """Analyze; None when there is no such tenant or service.

        Raises:
            AnalysisBusyError: this tenant is being analyzed.
            AnalysisQueueFullError: many other tenants wait for theirs.
            AnalysisFailedError: the analysis failed, or took too long.
        """


class InlineAnalysis:
    """Analyzes in this process, which has nothing else to do."""

    def __init__(self, pool: Pool, model: LlmClient | None = None) -> None:
        self._pool = pool
        self._model = model

    async def run(self, request: AnalysisRequest) -> Analysis | None:
        """Analyze; see AnalysisRunner."""
        async with self._pool.acquire() as db:
            if not await try_lock_analysis(db, request.tenant_id):
                raise errors.AnalysisBusyError
            try:
                return await Analyst(db, DigestRewriter(self._model)).analyze(
                    request.tenant_id, request.until, request.span, request.service_id
                )
            finally:
                await unlock_analysis(db, request.tenant_id)


class AnalysisQueue:
    """Lets one analysis run at a time, and one of each tenant wait.

    A tenant's second one is refused before it waits, so that another tenant's begins
    after one of each of the others at most.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._tenants: set[TenantId] = set()
        self._semaphore = asyncio.Semaphore(1)

    @asynccontextmanager
    async def turn(self, tenant_id: TenantId) -> AsyncIterator[None]:
        """Wait for the tenant's turn, and hold it.

        Raises:
            AnalysisBusyError: an analysis of the tenant runs or waits.
            AnalysisQueueFullError: too many wait.
        """
        if tenant_id in self._tenants:
            raise errors.AnalysisBusyError
        if len(self._tenants) > self._max_waiting:
            raise errors.AnalysisQueueFullError
        self._tenants.add(tenant_id)
        try:
            async with self._semaphore:
                yield
        finally:
            self._tenants.discard(tenant_id)


class RayAnalysis:
    """Analyzes in short-lived Ray workers, one at a time."""

    def __init__(self, timeout: timedelta = TIMEOUT) -> None:
        self._timeout = timeout
        self._queue = AnalysisQueue()

    async def run(self, request: AnalysisRequest) -> Analysis | None:
        """Analyze; see AnalysisRunner. A caller that is cancelled ends its analysis."""
        async with self._queue.turn(request.tenant_id):
            call: ObjectRef[Analysis | None] = _analyze_task.remote(request)
            try:
                async with asyncio.timeout(self._timeout.total_seconds()):
                    return await asyncio.wrap_future(call.future())
            except TimeoutError as error:
                message = "The analysis took too long. Try a shorter period."
                raise errors.AnalysisFailedError(message) from error
            except RayError as error:
                cause = error.cause if isinstance(error, RayTaskError) else None
                if isinstance(cause, errors.AnalysisError):
                    raise cause from None
                log.warning("analysis_failed", error=repr(error))
                raise errors.AnalysisFailedError from error
            finally:
                # Ends the process after a time-out, or when the caller has gone.
                ray.cancel(call, force=True)


def analyze(request: AnalysisRequest) -> Analysis | None:
    """Analyze in this process, a worker that ends afterwards."""
    os.nice(NICENESS)
    settings = load_settings()
    setup_logging(settings.logs_dir, "analysis")
    return asyncio.run(_analyze(settings, request))


async def _analyze(settings: Settings, request: AnalysisRequest) -> Analysis | None:
    model = build_model(settings)
    pool = await open_pool(get_dsn(settings), max_size=1)
    try:
        return await InlineAnalysis(pool, model).run(request)
    finally:
        await pool.close()
        if model is not None:
            await model.close()


def build_model(settings: Settings) -> LlmClient | None:
    """Build the client of the model that rewrites digests; None without a key."""
    endpoint = resolve_llm(settings)
    if endpoint is None:
        return None
    return LlmClient(endpoint, timeout_s=settings.llm_timeout_s)


# `max_calls=1`: the process ends after one analysis, and its memory with it.
_analyze_task = ray.remote(max_calls=1, num_cpus=0, max_retries=0)(analyze)
