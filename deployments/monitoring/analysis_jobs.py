"""Runs analyses: in a process of their own, at the lowest priority, or right here.

Reading and fitting a thousand services takes all of a processor for seconds: in a
process that also answers calls or checks services, everybody would wait for it.
"""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from config.llm import resolve_llm
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.llm import LlmClient
from deployments.monitoring.analysis import Analysis, Analyst
from deployments.monitoring.digest_rewriter import Wordsmith
from deployments.monitoring.errors import AnalysisBusyError, AnalysisFailedError
from deployments.wiring import get_dsn
from persistence.analysis import try_lock_analysis, unlock_analysis
from persistence.database import Pool, open_pool
from persistence.ids import ServiceId, TenantId

#: A month of a thousand services, and a model that takes its time with each digest.
LIMIT = timedelta(minutes=5)
#: Below everybody who answers somebody.
NICENESS = 10
#: Exit status: somebody analyses this tenant already.
BUSY = 3

log = structlog.get_logger("monitor_analysis")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be analysed: all services of a tenant, or one."""

    tenant_id: TenantId
    until: datetime
    span: timedelta
    service_id: ServiceId | None = None


class Analyses(Protocol):
    """Where analyses are made."""

    async def run(self, question: Question) -> Analysis | None:
        """Analyse; None when there is no such tenant or service.

        Raises:
            AnalysisBusyError: this tenant is being analysed.
            AnalysisFailedError: it broke, or took too long.
        """


class AnalysesHere:
    """Analyses in this very process, which has nothing else to do."""

    def __init__(self, pool: Pool, model: LlmClient | None = None) -> None:
        self._pool = pool
        self._model = model

    async def run(self, question: Question) -> Analysis | None:
        """Analyse; see `Analyses`."""
        async with self._pool.acquire() as db:
            if not await try_lock_analysis(db, question.tenant_id):
                raise AnalysisBusyError
            try:
                return await Analyst(db, Wordsmith(self._model)).analyze(
                    question.tenant_id,
                    question.until,
                    question.span,
                    question.service_id,
                )
            finally:
                await unlock_analysis(db, question.tenant_id)


class AnalysesApart:
    """Analyses in short-lived processes, one at a time."""

    def __init__(self, settings: Settings, limit: timedelta = LIMIT) -> None:
        self._settings = settings
        self._limit = limit
        self._turn = asyncio.Semaphore(1)

    async def run(self, question: Question) -> Analysis | None:
        """Analyse; see `Analyses`."""
        async with self._turn:
            return await self._run(question)

    async def _run(self, question: Question) -> Analysis | None:
        environment = dict(os.environ)
        self._settings.export(environment, database_url=get_dsn(self._settings))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deployments.monitoring.analysis_jobs",
            orjson.dumps(question, default=_encode).decode(),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._limit.total_seconds()):
                output, _ = await process.communicate()
        except TimeoutError as error:
            message = "the analysis took too long"
            raise AnalysisFailedError(message) from error
        finally:
            # Also when the caller has gone.
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode == BUSY:
            raise AnalysisBusyError
        try:
            # Only the last line is the answer: libraries may print.
            return _ANALYSES.validate_json(output.splitlines()[-1])
        except (IndexError, ValidationError) as error:
            log.warning("analysis_failed", status=process.returncode)
            raise AnalysisFailedError from error


def main(argument: str) -> int:
    """Answer the question on the command line, as one line on stdout."""
    os.nice(NICENESS)
    settings = load_settings()
    setup_logging(settings.logs_dir, "analysis")
    try:
        analysis = asyncio.run(_answer(settings, _QUESTIONS.validate_json(argument)))
    except AnalysisBusyError:
        return BUSY
    sys.stdout.write(orjson.dumps(analysis).decode() + "\n")
    return 0


async def _answer(settings: Settings, question: Question) -> Analysis | None:
    model = build_model(settings)
    pool = await open_pool(get_dsn(settings), max_size=1)
    try:
        return await AnalysesHere(pool, model).run(question)
    finally:
        await pool.close()
        if model is not None:
            await model.close()


def build_model(settings: Settings) -> LlmClient | None:
    """Build the client of the model that words digests; None without a key."""
    endpoint = resolve_llm(settings)
    if endpoint is None:
        return None
    return LlmClient(endpoint, timeout_s=settings.llm_timeout_s)


def _encode(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)


_ANALYSES: TypeAdapter[Analysis | None] = TypeAdapter(Analysis | None)
_QUESTIONS: TypeAdapter[Question] = TypeAdapter(Question)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
