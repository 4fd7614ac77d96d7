"""Cross-encoders on this machine: found or downloaded, compiled, kept and opened."""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import ray
import structlog
from filelock import FileLock
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.answers.errors import ModelMissingError
from deployments.answers.model_hub import fetch_model
from retrieval.cross_encoder.runtime import CrossEncoderRuntime
from retrieval.errors import RerankerUnavailableError

#: Two gigabytes over a slow line, and a minute of compiling.
TIMEOUT = timedelta(hours=1)

log = structlog.get_logger("reranker")


@dataclass(frozen=True, slots=True)
class Built:
    """Where a model is to be loaded from; `reason` says why it is not compiled."""

    folder: Path
    is_compiled: bool
    reason: str = ""


Build = Callable[[str, Path], Awaitable[Built]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready; `note` says what is less than best about it."""

    runtime: CrossEncoderRuntime
    note: str = ""


def build(model: str, models_dir: Path) -> Built:
    """Find or download the model and compile it, unless that was done before.

    Compiling takes a minute and three times the model's memory.

    Raises RerankerUnavailableError: the model cannot be had.
    """
    try:
        source = fetch_model(model)
    except ModelMissingError as error:
        raise RerankerUnavailableError(str(error)) from error
    if importlib.util.find_spec("onnxruntime") is None:
        return Built(source, is_compiled=False, reason="onnxruntime is missing")
    from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni

    reduce_range = not has_vnni(_read_cpuinfo())
    target = models_dir / _name_of(model, source, reduce_range=reduce_range)
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        # Two replicas may start at once; the second finds the first one's work.
        with FileLock(target.with_suffix(".lock")):
            if not target.exists():
                # What an attempt that was killed left, a gigabyte perhaps: the lock is
                # ours, so nobody else is at it.
                unfinished_prefix = f"{target.name}.unfinished-"
                for left in models_dir.glob(f"{unfinished_prefix}*"):
                    shutil.rmtree(left, ignore_errors=True)
                with tempfile.TemporaryDirectory(
                    dir=models_dir, prefix=unfinished_prefix
                ) as folder:
                    unfinished = Path(folder) / target.name
                    compile_cross_encoder(source, unfinished, reduce_range=reduce_range)
                    unfinished.rename(target)
    except Exception as error:  # noqa: BLE001 - exporters raise what they like
        reason = f"not compiled: {type(error).__name__}: {error}"[:300]
        return Built(source, is_compiled=False, reason=reason)
    return Built(target, is_compiled=True)


def _name_of(model: str, source: Path, *, reduce_range: bool) -> str:
    """Name a compiled model by all that it depends on."""
    import onnxruntime

    from retrieval.cross_encoder.compiling import RECIPE

    marks = [RECIPE, onnxruntime.__version__, str(reduce_range), str(source)]
    for path in sorted(source.iterdir()):
        # Sizes and times instead of contents: a gigabyte is not read at every start.
        status = path.stat()
        marks.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
    readable = "".join(c if c.isalnum() else "-" for c in Path(model).name)
    return f"{readable[:40]}-{digest}"


def _read_cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


async def build_in_task(
    model: str, models_dir: Path, limit: timedelta = TIMEOUT
) -> Built:
    """Run `build` in a process of its own, without blocking the event loop.

    Ray ends that process with the task, and when the caller's process dies.

    Raises RerankerUnavailableError: there is no model, or not within the timeout.
    """
    # The models' folder and the hub's copies are on this machine.
    here = NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    task = _build_task.options(scheduling_strategy=here).remote(model, models_dir)
    try:
        async with asyncio.timeout(limit.total_seconds()):
            built: Built = await task
            return built
    except TimeoutError as error:
        message = f"not built within {limit}"
        raise RerankerUnavailableError(message) from error
    except RayTaskError as error:
        # The cause carries the remote stack; its own words are reason enough.
        if isinstance(error.cause, RerankerUnavailableError):
            raise RerankerUnavailableError(str(error.cause)) from error
        message = f"building it failed: {type(error.cause).__name__}: {error.cause}"
        raise RerankerUnavailableError(message[:300]) from error
    except RayError as error:
        # The process was killed, for want of memory perhaps.
        message = f"building it failed: {type(error).__name__}"
        raise RerankerUnavailableError(message) from error
    finally:
        # After a time-out or a cancellation nobody waits for the result any more.
        ray.cancel(task, force=True)


def build_model(model: str, models_dir: Path) -> Built:
    """Build a model at low priority; its name is the title of the process."""
    os.nice(10)  # answers that are being written go first
    return build(model, models_dir)


_build_task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(build_model)


async def build_here(model: str, models_dir: Path) -> Built:
    """Build a model in a thread of this process, which keeps the memory: no Ray."""
    return await asyncio.to_thread(build, model, models_dir)


class ModelLoader:
    """Builds and opens models; `models_dir` keeps what was compiled."""

    def __init__(
        self, models_dir: Path, *, threads: int, build: Build = build_here
    ) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._build = build
        self._rebuilt: set[Path] = set()

    async def load(self, model: str) -> Loaded:
        """Load a model by its name on the hub or its folder.

        Raises RerankerUnavailableError: with the reason, for people.
        """
        built = await self._build(model, self._models_dir)
        try:
            return await self._open(built)
        except Exception as error:
            # A machine that lost its power while it wrote, or a disk that was full:
            # what was kept will never open. But a model that can't run here at all
            # is not compiled again and again.
            if not built.is_compiled or built.folder in self._rebuilt:
                raise
            log.warning("compiled_model_unusable", model=model, error=repr(error)[:500])
        self._rebuilt.add(built.folder)
        await asyncio.to_thread(shutil.rmtree, built.folder, ignore_errors=True)
        return await self._open(await self._build(model, self._models_dir))

    async def _open(self, built: Built) -> Loaded:
        runtime = await asyncio.to_thread(_open, built, self._threads)
        note = f"{runtime.runtime}: {built.reason}" if built.reason else ""
        # The first batch lays out memory: nobody's question should wait for that.
        await asyncio.to_thread(runtime.score, [("a", "b")])
        return Loaded(runtime, note)


def _open(built: Built, threads: int) -> CrossEncoderRuntime:
    if built.is_compiled:
        from retrieval.cross_encoder.quantised import QuantisedCrossEncoder

        return QuantisedCrossEncoder(built.folder, threads=threads)
    from retrieval.cross_encoder.runtime import FullCrossEncoder

    return FullCrossEncoder(built.folder, threads=threads)
