"""Loads a model: has it built by another process, then opens what that made."""

import asyncio
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import structlog

from deployments.answers.reranking.build import Built
from deployments.answers.reranking.slot import Loaded
from retrieval.cross_encoder import CrossEncoderRuntime
from retrieval.errors import RerankerUnavailableError

#: Two gigabytes over a slow line, and a minute of compiling.
BUILD_TIMEOUT = timedelta(hours=1)

log = structlog.get_logger("reranker")


class ModelLoader:
    """Builds and opens models; `models_dir` keeps what was compiled."""

    def __init__(
        self, models_dir: Path, *, threads: int, timeout: timedelta = BUILD_TIMEOUT
    ) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._timeout = timeout
        self._made_anew: set[str] = set()

    async def load(self, model: str) -> Loaded:
        """Load a model by its name on the hub or its folder.

        Raises RerankerUnavailableError: with the reason, for people.
        """
        built = await self._build(model)
        try:
            return await self._open(built)
        except Exception as error:
            # A machine that lost its power while it wrote, or a disk that was full:
            # what was kept will never open. But a model that can't run here at all
            # is not compiled again and again.
            if not built.is_compiled or built.folder in self._made_anew:
                raise
            log.warning("compiled_model_spoilt", model=model, error=repr(error)[:500])
        self._made_anew.add(built.folder)
        await asyncio.to_thread(shutil.rmtree, built.folder, ignore_errors=True)
        return await self._open(await self._build(model))

    async def _open(self, built: Built) -> Loaded:
        runtime = await asyncio.to_thread(_open, built, self._threads)
        note = f"{runtime.runtime}: {built.reason}" if built.reason else ""
        # The first batch lays out memory: nobody's question should wait for that.
        await asyncio.to_thread(runtime.score, [("a", "b")])
        return Loaded(runtime, note)

    async def _build(self, model: str) -> Built:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deployments.answers.reranking.build",
            model,
            str(self._models_dir),
            # Open for as long as we live: it ends when this does.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A Ray worker got its path from its driver, not from the environment.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await _read(process)
        except TimeoutError as error:
            message = f"not built within {self._timeout}"
            raise RerankerUnavailableError(message) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _read(process: asyncio.subprocess.Process) -> Built:
    # `communicate` would close its standard input, which tells it to end.
    if process.stdout is None or process.stderr is None:
        raise RerankerUnavailableError
    out, complaints = await asyncio.gather(process.stdout.read(), process.stderr.read())
    await process.wait()
    try:
        return Built.parse(out.decode())
    except ValueError as error:
        last = complaints.decode(errors="replace").strip().rpartition("\n")[2]
        message = f"building it failed: {last[:200]}"
        raise RerankerUnavailableError(message) from error


def _open(built: Built, threads: int) -> CrossEncoderRuntime:
    folder = Path(built.folder)
    if built.is_compiled:
        from retrieval.cross_encoder.quantised import QuantisedCrossEncoder

        return QuantisedCrossEncoder(folder, threads=threads)
    from retrieval.cross_encoder.full import FullCrossEncoder

    return FullCrossEncoder(folder, threads=threads)
