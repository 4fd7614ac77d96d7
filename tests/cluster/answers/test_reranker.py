"""The reranker on a real Ray Serve, with a small model that truly ranks."""

import asyncio
import random
import warnings
from pathlib import Path

import pytest

from deployments.health.probes import PartHealth, PartStatus
from retrieval.errors import RerankerUnavailableError
from retrieval.ranking.reranking import order_by
from tests.cluster.conftest import TIMEOUT_S
from tests.support.cross_encoders import Question, make_question, save_trained_encoder
from tests.support.waiting import time_limit

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    from ray import serve

    from deployments.answers.clients import ANSWERS_APP, probe_deployment
    from deployments.answers.reranking.client import RemoteReranker
    from deployments.answers.reranking.replica import RerankerReplica

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(900),
    # Ray leaves sockets of its own to the collector.
    pytest.mark.filterwarnings("ignore"),
]
N_CALLERS = 8


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
