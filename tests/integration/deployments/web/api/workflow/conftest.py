"""The application in front of a shard that knows workflows."""

from collections.abc import AsyncIterator

import pytest

from persistence.database import Pool
from tests.support.api import Api
from tests.support.workflow.shards import workflow_shards


@pytest.fixture
async def api(pool: Pool, dsn: str) -> AsyncIterator[Api]:
    """The parts of the application, to change before it is built."""
    async with workflow_shards(pool, dsn) as shards:
        yield Api(pool, shards)
