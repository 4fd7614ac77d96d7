"""A real Chromium in front of a real website channel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from persistence.database import Pool
from tests.support.website import Website, running_website

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
# What a busy machine shows late was shown.
expect.set_options(timeout=30_000)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser; the test is skipped where there is none."""
    if not HAS_CHROMIUM:
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            # Containers run as root, where Chromium has no sandbox to offer.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        await browser.close()


@pytest.fixture
async def website(pool: Pool, dsn: str) -> AsyncIterator[Website]:
    """A running shop."""
    async with running_website(pool, dsn) as website:
        yield website
