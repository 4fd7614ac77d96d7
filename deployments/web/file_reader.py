"""Reads uploaded files in short-lived Ray workers: a parser may crash or never end."""

import asyncio
from datetime import timedelta

import ray
import structlog
from ray import ObjectRef
from ray.exceptions import RayError, RayTaskError

from deployments.web.file_memory import read_within_memory
from retrieval.documents.files import FileText
from retrieval.errors import UnreadableFileError

#: A large PDF takes seconds; a broken one may keep its parser busy for ever.
TIMEOUT = timedelta(seconds=60)

log = structlog.get_logger("file_reader")


class RayFileReader:
    """Reads files in workers of their own, a few at a time."""

    def __init__(self, timeout: timedelta = TIMEOUT, max_parallel: int = 2) -> None:
        self._timeout = timeout
        self._semaphore = asyncio.Semaphore(max_parallel)

    async def __call__(self, name: str, content: bytes) -> FileText:
        """Return a file's text. Raises UnreadableFileError, also for a crash."""
        async with self._semaphore:
            call: ObjectRef[FileText] = _read_task.remote(name, content)
            try:
                async with asyncio.timeout(self._timeout.total_seconds()):
                    return await asyncio.wrap_future(call.future())
            except TimeoutError as error:
                message = "the file takes too long to read; hand in its text"
                raise UnreadableFileError(message) from error
            except RayError as error:
                cause = error.cause if isinstance(error, RayTaskError) else None
                if isinstance(cause, UnreadableFileError):
                    raise cause from None
                log.warning("file_reading_failed", error=repr(error))
                raise UnreadableFileError from error
            finally:
                # Ends the process after a time-out, or when the caller has gone.
                ray.cancel(call, force=True)


# `max_calls=1`: the process ends after one file, and with it whatever the file broke.
_read_task = ray.remote(max_calls=1, num_cpus=0, max_retries=0)(read_within_memory)
