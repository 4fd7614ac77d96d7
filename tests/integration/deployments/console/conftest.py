"""A shop with a channel, and a person who is signed in to its console."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from deployments import accounts
from persistence.channels import Channel
from persistence.users import User
from tests.support.api import BASE_URL, Api, add_channel, connect

PASSWORD = "a long enough password"


@dataclass
class Visitor:
    """A browser without scripts."""

    client: httpx.AsyncClient

    async def sign_in(self, username: str, next_page: str = "") -> httpx.Response:
        """Send the form of the sign-in."""
        fields = {"username": username, "password": PASSWORD}
        if next_page:
            fields["next"] = next_page
        return await self.client.post("/console/sign-in", data=fields)

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path)

    async def csrf(self) -> str:
        """Read the token of the forms."""
        page = await self.client.get("/console/inbox/closed")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found is not None
        return found[1]

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        token = fields.pop("csrf_token", None) or await self.csrf()
        headers = {"Origin": BASE_URL}
        data = {**fields, "csrf_token": token}
        return await self.client.post(path, data=data, headers=headers)


@pytest.fixture
async def sara(api: Api) -> User:
    """The owner of a shop, with a password."""
    return await api.add_user("sara", await accounts.hash_password(PASSWORD))


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[Visitor]:
    """A browser that is not signed in."""
    async with connect(app) as client:
        yield Visitor(client)


@pytest.fixture
async def visitor(app: FastAPI, sara: User) -> AsyncIterator[Visitor]:
    """Sara's browser."""
    async with connect(app) as client:
        visitor = Visitor(client)
        assert (await visitor.sign_in(sara.username)).status_code == 303
        yield visitor


@pytest.fixture
async def channel(app: FastAPI, sara: User) -> Channel:
    """The channel of Sara's shop."""
    return await add_channel(app, sara.tenant_id)
