"""Who calls the API: every kind of principal, in one list for all walks over it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from persistence.api_keys import Scope
from persistence.ids import TenantId
from persistence.users import Role
from tests.support.api import BASE_URL, Api, sign

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Principal:
    """A kind of caller; `add` makes one in a tenant and returns its headers."""

    add: Callable[[Api, FastAPI, TenantId], Awaitable[Headers]]
    #: Refused everywhere but at the open routes.
    is_nobody: bool = False
    #: Whether each route of a tenant is allowed; otherwise some are answered 403.
    may_all: bool = True


async def _add_owner(api: Api, app: FastAPI, tenant_id: TenantId) -> Headers:
    user = await api.add_user("the owner", tenant_id=tenant_id)
    return {"Authorization": f"Bearer {sign(app, user)}"}


async def _add_operator(api: Api, app: FastAPI, tenant_id: TenantId) -> Headers:
    user = await api.add_user("the operator", role=Role.OPERATOR, tenant_id=tenant_id)
    return {"Authorization": f"Bearer {sign(app, user)}"}


async def _add_key(api: Api, app: FastAPI, tenant_id: TenantId) -> Headers:
    """A program's key with every scope."""
    owner = await _add_owner(api, app, tenant_id)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=BASE_URL, headers=owner
    ) as client:
        made = await client.post(
            "/api/keys/", json={"name": "the program", "scopes": [*Scope]}
        )
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def _add_superuser(api: Api, app: FastAPI, tenant_id: TenantId) -> Headers:
    user = await api.add_user("the superuser", is_superuser=True, tenant_id=tenant_id)
    return {"Authorization": f"Bearer {sign(app, user)}"}


async def _add_nobody(_api: Api, _app: FastAPI, _tenant_id: TenantId) -> Headers:
    return {}


#: A new role or a new way to sign in is one more line.
PRINCIPALS: Mapping[str, Principal] = {
    "owner": Principal(_add_owner),
    "operator": Principal(_add_operator, may_all=False),
    "key": Principal(_add_key, may_all=False),
    "superuser": Principal(_add_superuser),
    "nobody": Principal(_add_nobody, is_nobody=True),
}
#: Those who are let in somewhere.
KNOWN = [name for name, principal in PRINCIPALS.items() if not principal.is_nobody]
