"""L8: nobody locks another out, and nobody holds both places for password checks."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from deployments.rate_limit import RateLimiter, Turns
from deployments.web.api.people.passwords import NAME_FACTOR
from deployments.web.dependencies import WebDependencies
from persistence.users import User
from tests.support.api import Api, connect
from tests.trust.accounts.people import HASH, refresh, sign_in


@pytest.fixture
async def sara(api: Api) -> User:
    """Somebody whose name everybody knows."""
    return await api.add_user("sara", HASH)


@pytest.mark.usefixtures("sara")
async def test_trust_l8_strangers_lock_a_known_name_for_themselves_only(
    api: Api,
) -> None:
    api.login_attempts_per_minute = 3
    app = api.build()
    for host in range(5):
        async with connect(app, address=f"192.0.2.{host}") as stranger:
            statuses = [
                (await sign_in(stranger, password="wrong")).status_code
                for _ in range(4)
            ]
            assert statuses == [401, 401, 401, 429]
    async with connect(app, address="192.0.2.99") as door:
        assert (await sign_in(door)).status_code == 200


@pytest.mark.usefixtures("sara")
async def test_trust_l8_very_many_strangers_together_are_stopped_all_the_same(
    api: Api,
) -> None:
    api.login_attempts_per_minute = 1
    app = api.build()
    statuses = []
    for host in range(NAME_FACTOR + 1):
        async with connect(app, address=f"192.0.2.{host}") as stranger:
            statuses.append((await sign_in(stranger, password="wrong")).status_code)
    assert statuses == [401] * NAME_FACTOR + [429]


@pytest.mark.usefixtures("sara")
async def test_trust_l8_right_passwords_are_counted_too(api: Api) -> None:
    api.login_attempts_per_minute = 3
    app = api.build()
    async with connect(app) as door:
        answers = [await sign_in(door) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.usefixtures("sara")
async def test_trust_l8_a_colleague_at_the_same_address_is_not_held_up(
    api: Api,
) -> None:
    api.login_attempts_per_minute = 3
    await api.add_user("reza", HASH)
    app = api.build()
    async with connect(app) as door:
        for _ in range(3):
            assert (await sign_in(door)).status_code == 200
        assert (await sign_in(door, "reza")).status_code == 200


@pytest.mark.usefixtures("sara")
async def test_trust_l8_one_address_never_holds_both_places(api: Api) -> None:
    app = api.build()
    context: WebDependencies = app.state.context
    # One place is left: the crowd of one address waits for it, or has it.
    async with (
        context.password_checks,
        connect(app, address="192.0.2.1") as crowd,
        connect(app, address="192.0.2.2") as door,
    ):
        guesses = [
            asyncio.create_task(sign_in(crowd, f"guess-{number}", "wrong"))
            for number in range(20)
        ]
        assert (await sign_in(door)).status_code == 200
        assert not all(guess.done() for guess in guesses)
        answers = await asyncio.gather(*guesses)
    assert {answer.status_code for answer in answers} == {401, 429}


class WatchedLimiter(RateLimiter):
    """Counts as always, and tells when it has."""

    has_counted: asyncio.Event

    async def count(self, per_minute: int, *key: str) -> None:
        """Count one call."""
        await super().count(per_minute, *key)
        self.has_counted.set()


@pytest.mark.usefixtures("sara")
async def test_trust_l8_the_counts_are_asked_outside_the_places(api: Api) -> None:
    app = api.build()
    context: WebDependencies = app.state.context
    context.rate_limiter = limiter = WatchedLimiter(context.clock)
    limiter.has_counted = asyncio.Event()
    async with connect(app) as door:
        async with context.password_checks, context.password_checks:
            waiting = asyncio.create_task(sign_in(door))
            # Both places are taken, and the counts are asked all the same.
            async with asyncio.timeout(30):
                await limiter.has_counted.wait()
        assert (await waiting).status_code == 200


@pytest.mark.usefixtures("sara")
async def test_trust_l8_refreshing_is_throttled(api: Api) -> None:
    app: FastAPI = api.build()
    async with connect(app) as door:
        token = (await sign_in(door)).json()["refresh"]
        answer: httpx.Response | None = None
        for _ in range(31):
            answer = await refresh(door, token)
            token = answer.json().get("refresh", token)
        assert answer is not None
        assert answer.status_code == 429
        # Refused before the token was read: the sign-in goes on.
        assert "Retry-After" in answer.headers


async def test_trust_l8_turns_are_forgotten_when_nobody_waits() -> None:
    turns, order = Turns(), []

    async def work(key: str, name: str) -> None:
        async with turns.take(key):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(work("a", "first"), work("a", "second"))
    assert order == ["first begins", "first ends", "second begins", "second ends"]
    assert vars(turns) == vars(Turns())
