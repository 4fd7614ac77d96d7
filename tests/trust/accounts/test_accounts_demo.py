"""C1: the demo's public password opens nothing but the demo."""

from pathlib import Path

import pytest

from actors.clock import SystemClock
from config.flags import SetFlag
from config.settings import Settings
from deployments.accounts import (
    DEMO_PASSWORD,
    DEMO_TENANT,
    DEMO_USERNAME,
    create_account,
)
from deployments.commands.demo.account import (
    WEBSITE_KEY,
    open_account,
    retire_account,
    switch_on,
)
from deployments.runtime import runtime
from deployments.runtime.errors import DemoExposedError, DemoNameTakenError
from deployments.runtime.shutdown import StopSignal
from deployments.runtime.terminal import Progress, Terminal
from persistence.channels import (
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
    fetch_channel_by_account,
)
from persistence.database import Pool
from persistence.flags import fetch_flags, set_flag
from persistence.secrets import Cipher
from persistence.tenants import fetch_tenant
from persistence.users import User, fetch_user
from tests.support.api import SECRET, Api, connect

CIPHER = Cipher(SECRET)
DEMO = {"username": DEMO_USERNAME, "password": DEMO_PASSWORD}


async def start_demo(pool: Pool) -> User:
    """Do what `--demo` does for the account."""
    async with pool.acquire() as connection, connection.transaction():
        user = await open_account(connection, CIPHER)
        await switch_on(connection, SystemClock())
        tokens = ChannelTokens(None, None)
        new = NewChannel(ChannelKind.WEBSITE, "shop", WEBSITE_KEY, tokens)
        if not await fetch_channel_by_account(
            connection, ChannelKind.WEBSITE, WEBSITE_KEY
        ):
            await create_channel(connection, CIPHER, user.tenant_id, new)
        return user


async def start_without_demo(pool: Pool) -> bool:
    """Do what every other start does."""
    async with pool.acquire() as connection, connection.transaction():
        return await retire_account(connection, CIPHER, SystemClock())


async def sign_in(api: Api, address: str = "127.0.0.1") -> int:
    async with connect(api.build(), address=address) as door:
        return (await door.post("/api/token/", json=DEMO)).status_code


async def test_trust_c1_a_start_without_demo_refuses_the_demos_password(
    api: Api, pool: Pool
) -> None:
    await start_demo(pool)
    assert await sign_in(api) == 200
    assert await start_without_demo(pool)
    assert await sign_in(api) == 401
    # Again and again, and the demo is not lost by it.
    assert not await start_without_demo(pool)
    await start_demo(pool)
    assert await sign_in(api) == 200


async def test_trust_c1_its_flags_are_taken_back_and_its_chat_is_paused(
    pool: Pool,
) -> None:
    user = await start_demo(pool)
    async with pool.acquire() as connection, connection.transaction():
        now = SystemClock().now()
        await set_flag(connection, "dense_top_k", SetFlag(50), now, by=user.id)
    await start_without_demo(pool)
    assert await fetch_flags(pool) == {}
    chat = await fetch_channel_by_account(pool, ChannelKind.WEBSITE, WEBSITE_KEY)
    assert chat is not None
    assert chat.is_paused
    await start_demo(pool)
    assert await fetch_flags(pool) == {"production_rag": SetFlag(value=True)}
    chat = await fetch_channel_by_account(pool, ChannelKind.WEBSITE, WEBSITE_KEY)
    assert chat is not None
    assert not chat.is_paused


async def test_trust_c1_a_flag_that_somebody_else_set_later_stays(
    api: Api, pool: Pool
) -> None:
    await start_demo(pool)
    root = await api.add_user("root", is_superuser=True)
    async with pool.acquire() as connection, connection.transaction():
        on, now = SetFlag(value=True), SystemClock().now()
        await set_flag(connection, "production_rag", on, now, by=root.id)
    await start_without_demo(pool)
    assert await fetch_flags(pool) == {"production_rag": on}


async def test_trust_c1_a_person_called_demo_is_left_alone(
    api: Api, pool: Pool
) -> None:
    person = await api.add_user("demo", "no hash of the public password")
    assert not await start_without_demo(pool)
    assert await fetch_user(pool, person.id) == person


@pytest.mark.parametrize("tenant_name", ["demo", "a shop"])
async def test_trust_c1_the_demo_adopts_nobody_elses_user(
    pool: Pool, tenant_name: str
) -> None:
    async with pool.acquire() as connection:
        theirs = await create_account(
            connection, tenant_name, "demo", "a password of their own"
        )
        with pytest.raises(DemoNameTakenError, match="username: 'demo' has another"):
            await open_account(connection, CIPHER)
        assert await fetch_user(connection, theirs.id) == theirs


async def test_trust_c1_the_demo_moves_into_nobody_elses_business(pool: Pool) -> None:
    async with pool.acquire() as connection:
        theirs = await create_account(
            connection, DEMO_TENANT, "sara", "a password of her own"
        )
        with pytest.raises(DemoNameTakenError, match="tenant: a business called"):
            await open_account(connection, CIPHER)
        assert await fetch_tenant(connection, theirs.tenant_id) is not None
        assert await connection.fetchval("SELECT count(*) FROM users") == 1


@pytest.mark.parametrize(
    ("public_url", "address"),
    [("https://shop.example", "127.0.0.1"), (None, "192.0.2.7"), (None, "10.0.0.7")],
)
async def test_trust_c1_the_public_password_opens_nothing_from_outside(
    api: Api, pool: Pool, public_url: str | None, address: str
) -> None:
    """Even if no start has disabled the account yet."""
    await start_demo(pool)
    api.public_url = public_url
    assert await sign_in(api, address) == 401


async def test_trust_c1_a_proxy_before_the_loopback_address_does_not_help(
    api: Api, pool: Pool
) -> None:
    await start_demo(pool)
    async with connect(api.build(), address="127.0.0.1") as door:
        door.headers["X-Forwarded-For"] = "192.0.2.7, 127.0.0.1"
        answer = await door.post("/api/token/", json=DEMO)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"public_url": "https://shop.example"}, "PILITO_PUBLIC_URL"),
        ({"http_host": "0.0.0.0"}, "PILITO_HTTP_HOST=127.0.0.1"),  # noqa: S104 - refused
        ({"http_host": "192.168.1.5"}, "PILITO_HTTP_HOST=127.0.0.1"),
    ],
)
def test_trust_c1_the_flag_is_refused_where_strangers_could_come(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    settings = Settings(data_dir=tmp_path / "var").model_copy(update=changed)
    terminal = Terminal(tmp_path / "output.log")
    refused = runtime.Runtime(settings, Progress(terminal), StopSignal())
    with pytest.raises(DemoExposedError, match=named) as error:
        refused.start(demo=True)
    assert error.value.exit_code == 2
    assert not (tmp_path / "var").exists()
