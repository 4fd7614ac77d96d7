"""Builds a model in a Ray task: a process whose memory is given back when it ends."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.answers.reranking.build import Built, build
from retrieval.errors import RerankerUnavailableError

#: Two gigabytes over a slow line, and a minute of compiling.
TIMEOUT = timedelta(hours=1)


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
