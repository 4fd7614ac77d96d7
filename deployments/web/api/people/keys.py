"""`/api/keys/`: keys by which programs call the API, for owners."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from deployments.web.api import auth, errors, schemas
from deployments.web.dependencies import Context
from persistence import api_keys, ids
from persistence.api_keys import NewApiKey, Scope
from persistence.secrets import hash_token
from persistence.tenants import lock_tenant

router = APIRouter(prefix="/api/keys", tags=["people"])
log = structlog.get_logger("people")

#: Enough to tell two keys apart, and too little to guess the rest.
SHOWN_CHARS: Final = 11
#: Each key has a count of its own calls: many keys would be no limit.
MAX_KEYS: Final = 20
#: Whoever wants more leaves the end out; the last days of the calendar overflow.
LONGEST: Final = timedelta(days=3653)
#: How long a list shows keys that have ended.
KEPT: Final = timedelta(days=90)


class KeyIn(schemas.RequestBody):
    """A key to be made: its name, what it may do, and until when."""

    name: schemas.Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: AwareDatetime | None = None


class KeyOut(schemas.Answer):
    """A key. `prefix` is its beginning, `last_used_at` exact to a minute."""

    id: UUID
    name: str
    scopes: list[str]
    prefix: str
    #: The person for whom it acts.
    user_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A key with its value, which is shown this once."""

    key: str


@router.get("/")
async def list_keys(
    principal: auth.SignedIn, context: Context, paging: schemas.Paging
) -> schemas.Page[KeyOut]:
    """List the keys of your business, newest first. For owners."""
    count, rows = await api_keys.fetch_api_keys_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, map(KeyOut.model_validate, rows))


@router.post("/", status_code=201)
async def create_key(
    body: KeyIn, principal: auth.SignedIn, context: Context
) -> NewKeyOut:
    """Make a key for a program. For owners.

    It acts for you: it ends when you are disabled or removed, and it can do no more
    than you. Send it as `Authorization: Bearer`.
    """
    at = context.clock.now()
    if body.expires_at is not None and not at < body.expires_at <= at + LONGEST:
        message = "expires_at: must be in the future, and within ten years"
        raise errors.InvalidValueError(message)
    key = auth.KEY_PREFIX + secrets.token_urlsafe(32)
    new = NewApiKey(
        name=body.name,
        scopes=tuple(dict.fromkeys(body.scopes)),
        key_hash=hash_token(key),
        prefix=key[:SHOWN_CHARS],
        created_at=at,
        expires_at=body.expires_at,
    )
    async with context.pool.acquire() as db, db.transaction():
        # Two that are made at once must both be counted.
        await lock_tenant(db, principal.tenant_id)
        await api_keys.prune_api_keys(db, principal.tenant_id, at - KEPT)
        live = await api_keys.count_live_api_keys(db, principal.tenant_id, at)
        if live >= MAX_KEYS:
            message = f"There are {MAX_KEYS} keys: revoke one first."
            raise errors.TooManyError(message)
        created = await api_keys.create_api_key(
            db, principal.tenant_id, principal.user_id, new
        )
    log.info("api_key_created", key_id=str(created.id), by=str(principal.user_id))
    return NewKeyOut(**KeyOut.model_validate(created).model_dump(), key=key)


@router.delete("/{key_id}/", status_code=204)
async def revoke_key(
    key_id: UUID, principal: auth.SignedIn, context: Context
) -> Response:
    """Revoke a key: it opens nothing any more, from the next call on. For owners."""
    if not await api_keys.revoke_api_key(
        context.pool,
        principal.tenant_id,
        ids.ApiKeyId(key_id),
        context.clock.now(),
    ):
        raise errors.NotFoundError
    log.info("api_key_revoked", key_id=str(key_id), by=str(principal.user_id))
    return Response(status_code=204)
