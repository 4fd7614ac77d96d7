"""A website's channel that runs, and a client of its pages."""

from collections.abc import AsyncIterator

import httpx
import pytest

from persistence.database import Pool
from tests.support.servers.http_server import ANSWER_S
from tests.support.website import Website, running_website


@pytest.fixture
async def website(pool: Pool, dsn: str) -> AsyncIterator[Website]:
    """The running channel."""
    async with running_website(pool, dsn) as website:
        yield website


@pytest.fixture
async def browser(website: Website) -> AsyncIterator[httpx.AsyncClient]:
    """Asks for pages as a browser does."""
    async with httpx.AsyncClient(
        base_url=f"http://{website.address}", timeout=ANSWER_S
    ) as client:
        yield client
