"""How the parts of this runtime are asked whether they work."""

import asyncio

from actors.conversation.client import ask_mirror_health, is_shard_serving
from actors.monitor.client import ask_is_leader
from config.settings import Settings
from deployments.answers.clients import probe_deployment
from deployments.health.probes import PartHealth, PartStatus, Probe
from deployments.health.redis_probe import probe_redis
from persistence.database import Pool

OK = PartHealth(PartStatus.OK)


def build_probes(settings: Settings, pool: Pool) -> dict[str, Probe]:
    """Build the probe of each part that this runtime has."""

    async def database() -> PartHealth:
        await pool.fetchval("SELECT 1")
        return OK

    async def redis() -> PartHealth:
        return await probe_redis(settings, ask_mirror_health)

    async def shards() -> PartHealth:
        return await _probe_shards(settings.shards)

    async def retriever() -> PartHealth:
        return await probe_deployment("Retriever")

    async def responder() -> PartHealth:
        return await probe_deployment("Responder")

    async def reranker() -> PartHealth:
        return await probe_deployment("Reranker")

    async def monitor() -> PartHealth:
        return await _probe_monitor()

    return {
        "database": database,
        "redis": redis,
        "shards": shards,
        "retriever": retriever,
        "reranker": reranker,
        "responder": responder,
        "monitor": monitor,
    }


async def _probe_monitor() -> PartHealth:
    is_leader = await ask_is_leader()
    if is_leader is None:
        return PartHealth(PartStatus.DOWN, "the monitor does not answer")
    # Another runtime on this database is the leader: all is well.
    return OK if is_leader else PartHealth(PartStatus.OK, "standing by")


async def _probe_shards(shards: int) -> PartHealth:
    serving = await asyncio.gather(*(is_shard_serving(one) for one in range(shards)))
    away = [str(shard) for shard, serves in enumerate(serving) if not serves]
    if not away:
        return OK
    # Their conversations can't be taken: the webhooks of these are refused, retried.
    return PartHealth(PartStatus.DOWN, f"not serving: shard {', '.join(away)}")
