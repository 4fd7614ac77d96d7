"""What `/readyz` says of Redis: never that nothing works without it."""

from collections.abc import AsyncIterator

import pytest

from actors.conversation.shard.mirror import MirrorHealth
from config.settings import Settings
from deployments.health.probes import PartHealth, PartStatus, probe_redis
from tests.support.servers.valkey import Valkey


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    valkey = Valkey()
    await valkey.start()
    yield valkey
    await valkey.stop()


async def probe(
    valkey: Valkey | None, *mirrors: MirrorHealth | None
) -> tuple[PartStatus, str]:
    async def ask(shard: int) -> MirrorHealth | None:
        return mirrors[shard]

    settings = Settings.model_validate(
        {"redis_url": valkey.url if valkey else None, "shards": len(mirrors) or 1}
    )
    health: PartHealth = await probe_redis(settings, ask)
    return health.status, health.reason


async def test_without_redis_there_is_nothing_to_be_behind() -> None:
    assert await probe(None) == (PartStatus.OK, "not configured")


async def test_a_mirror_that_is_right_is_ok(valkey: Valkey) -> None:
    right = MirrorHealth.RIGHT
    assert await probe(valkey, right, right) == (PartStatus.OK, "")


@pytest.mark.parametrize("health", [MirrorHealth.BEHIND, MirrorHealth.OFF, None])
async def test_a_mirror_that_is_behind_is_named(
    valkey: Valkey, health: MirrorHealth | None
) -> None:
    assert await probe(valkey, MirrorHealth.RIGHT, health) == (
        PartStatus.DEGRADED,
        "the mirror is behind: shard 1",
    )


async def test_a_redis_that_a_shard_does_not_reach_is_degraded(valkey: Valkey) -> None:
    status, reason = await probe(valkey, MirrorHealth.UNREACHABLE)
    assert status is PartStatus.DEGRADED
    assert reason.startswith("not reachable")


@pytest.mark.parametrize("is_frozen", [True, False])
async def test_a_redis_that_is_away_or_hangs_is_degraded(
    valkey: Valkey, *, is_frozen: bool
) -> None:
    if is_frozen:
        valkey.freeze()
    else:
        await valkey.stop()
    status, reason = await probe(valkey, MirrorHealth.RIGHT)
    assert status is PartStatus.DEGRADED
    assert reason.startswith("not reachable")
