"""Waits of the tests fail with the last value that they saw."""

import asyncio

import pytest

from tests.support.waiting import time_limit, wait_until


async def test_a_wait_that_takes_too_long_tells_the_last_value() -> None:
    seen: list[int] = []

    async def wait() -> None:
        async with time_limit(lambda: seen, 0.01):
            seen.append(1)
            await asyncio.Event().wait()

    with pytest.raises(AssertionError, match=r"after 0\.01 s: \[1\]"):
        await wait()


async def test_a_condition_that_never_holds_tells_what_it_reads() -> None:
    arrived: list[str] = ["one"]
    with pytest.raises(
        AssertionError, match=r"len\(arrived\) == 2.*'arrived': \['one'\]"
    ):
        await wait_until(lambda: len(arrived) == 2, 0.01)


async def test_a_timeout_of_the_block_itself_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(lambda: None):
            raise TimeoutError
