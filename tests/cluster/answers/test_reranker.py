"""The reranker on a real Ray Serve, with a small model that truly ranks."""

import asyncio
import os
import random
import signal
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import psutil
import pytest
from filelock import FileLock

from deployments.health.probes import PartHealth, PartStatus
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import order_by
from tests.cluster.conftest import TIMEOUT_S
from tests.support.cross_encoders import Question, make_question, save_trained_encoder
from tests.support.waiting import time_limit

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    import ray
    from ray import serve
    from ray.actor import ActorHandle

    from deployments.answers.clients import ANSWERS_APP, probe_deployment
    from deployments.answers.reranking.build_task import build_in_task
    from deployments.answers.reranking.client import RemoteReranker
    from deployments.answers.reranking.replica import RerankerReplica

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    # Ray leaves sockets of its own to the collector.
    pytest.mark.filterwarnings("ignore"),
]
N_CALLERS = 8
WAIT_S = 30.0
#: Ray names a worker's process by the function that it runs.
BUILDER = "ray::build_model"


@pytest.fixture(scope="module")
def served(_serve: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Serve the deployment alone; return the data folder."""
    home = tmp_path_factory.mktemp("reranker")
    save_trained_encoder(home / "overlap")
    environment = {
        "PILITO_DATA_DIR": str(home / "var"),
        "PILITO_RERANK_MODEL_BASE": str(home / "overlap"),
        "PILITO_RERANK_MODEL_LARGE": str(home / "absent"),
    }
    deployment = serve.deployment(
        name="Reranker",
        ray_actor_options={"num_cpus": 0, "runtime_env": {"env_vars": environment}},
    )(RerankerReplica)
    serve.run(deployment.bind(), name=ANSWERS_APP, route_prefix=None)
    return home


@pytest.fixture
async def reranker(served: Path) -> RemoteReranker:  # noqa: ARG001 - it is up
    """A client, once the model is there."""
    health = None
    # Compiling the model takes a busy machine its time, and Serve has no event for it.
    async with time_limit(lambda: health, TIMEOUT_S):
        while not is_ok(health := await probe_deployment("Reranker")):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    # The machine may be busy with other tests; in time is another test's subject.
    return RemoteReranker(timeout_s=60)


def is_ok(health: PartHealth) -> bool:
    return health.status is PartStatus.OK


def questions(n: int) -> list[Question]:
    dice = random.Random(3)  # noqa: S311 - the same questions every time
    return [make_question(dice) for _ in range(n)]


@pytest.mark.usefixtures("served")
async def test_until_the_model_is_there_callers_are_refused_with_the_reason() -> None:
    client = RemoteReranker(timeout_s=60)
    reason = r"absent (is being loaded|is not there: .* no such folder)"
    with pytest.raises(RerankerUnavailableError, match=reason):
        await client.rerank("بار", ["بار", "بین"], model="large")


async def test_callers_at_once_each_get_their_best_passage(
    reranker: RemoteReranker,
) -> None:
    asked = questions(N_CALLERS)
    results = await asyncio.gather(
        *(reranker.rerank(one.query, one.passages, model="base") for one in asked)
    )
    for question, result in zip(asked, results, strict=True):
        order = order_by(result.scores, len(question.passages))
        assert question.overlaps[order[0]] == 3
        assert sorted(order) == [*range(len(question.passages))]


@pytest.mark.usefixtures("reranker")
async def test_health_says_that_the_model_is_there() -> None:
    health = await probe_deployment("Reranker")
    assert (health.status, health.reason) == (PartStatus.OK, "")


async def test_a_result_names_its_model_by_the_flags_value(
    reranker: RemoteReranker,
) -> None:
    """The label under which rerankings are counted: no folder, no private name."""
    result = await reranker.rerank("بار", ["بار", "بین"], model="base")
    assert result.model == "base"


async def test_a_model_that_no_flag_means_is_refused(reranker: RemoteReranker) -> None:
    with pytest.raises(RerankerUnavailableError, match="no model is called 'huge'"):
        await reranker.rerank("بار", ["بین"], model="huge")


@pytest.mark.usefixtures("served")
async def test_an_answer_never_waits_longer_than_its_timeout() -> None:
    impatient = RemoteReranker(timeout_s=0.0)
    with pytest.raises(RerankerUnavailableError, match="TimeoutError"):
        await impatient.rerank("بار", ["بین"], model="base")
    # The next one is not even asked.
    with pytest.raises(RerankerUnavailableError, match="a moment ago"):
        await impatient.rerank("بار", ["بین"], model="base")


class Owner:
    """Builds a model as a replica does, in a process that a test may kill."""

    def pid(self) -> int:
        """Return the process that the build belongs to."""
        return os.getpid()

    async def build(self, model: Path, models_dir: Path, limit: timedelta) -> str:
        """Return why there is no model."""
        try:
            return repr(await build_in_task(str(model), models_dir, limit))
        except RerankerUnavailableError as error:
            return str(error)


def start_owner() -> "ActorHandle[object]":
    options = ray.remote(Owner).options(num_cpus=0)
    return cast("ActorHandle[object]", options.remote())


@pytest.fixture
async def blocked_models_dir(
    served: Path,
    reranker: RemoteReranker,  # noqa: ARG001 - the same model is compiled already
    tmp_path: Path,
) -> AsyncIterator[Path]:
    """A folder where a build waits for the lock that we hold."""
    (compiled,) = (path for path in (served / "var/models").iterdir() if path.is_dir())
    with FileLock(tmp_path / f"{compiled.name}.lock"):
        yield tmp_path


def find_builders() -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if BUILDER in " ".join(cmdline(one))]


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def wait_for_builders(is_right: Callable[[int], bool]) -> None:
    """Wait until as many builds run as is right; Ray has no event for it."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + WAIT_S
    while not is_right(count := len(find_builders())):
        assert loop.time() < give_up_at, f"{count} builds run after {WAIT_S} s"
        await asyncio.sleep(0.1)


async def test_a_build_ends_with_the_process_that_waits_for_it(
    served: Path, blocked_models_dir: Path
) -> None:
    owner = start_owner()
    pid = await owner.pid.remote()
    owner.build.remote(served / "overlap", blocked_models_dir, timedelta(hours=1))
    await wait_for_builders(lambda count: count == 1)
    os.kill(pid, signal.SIGKILL)
    await wait_for_builders(lambda count: count == 0)


async def test_a_build_that_takes_too_long_is_ended(
    served: Path, blocked_models_dir: Path
) -> None:
    owner = start_owner()
    reason: ray.ObjectRef[str] = owner.build.remote(
        served / "overlap", blocked_models_dir, timedelta(seconds=3)
    )
    # The caller's event loop is free meanwhile.
    assert await asyncio.wait_for(owner.pid.remote(), WAIT_S)
    assert await reason == "not built within 0:00:03"
    await wait_for_builders(lambda count: count == 0)
