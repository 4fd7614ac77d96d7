"""What these tests share: Alice's shop, a colleague of hers, and a customer."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from persistence.channels import Channel
from persistence.ids import ConversationId
from persistence.users import Role, User
from tests.support.api import Api, add_channel, connect, write_as_customer


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    """The channel of Alice's shop."""
    return await add_channel(app, alice.tenant_id)


@pytest.fixture
async def conversation_id(api: Api, channel: Channel) -> ConversationId:
    """A conversation in which a customer has written once."""
    return await write_as_customer(api, channel, "visitor-7", "سلام، ارسال دارید؟")


@pytest.fixture
async def carol(api: Api, alice: User) -> User:
    """An operator of Alice's shop."""
    return await api.add_user("carol", role=Role.OPERATOR, tenant_id=alice.tenant_id)


@pytest.fixture
async def colleague(app: FastAPI, carol: User) -> AsyncIterator[httpx.AsyncClient]:
    """Carol's connection."""
    async with connect(app, carol) as client:
        yield client
