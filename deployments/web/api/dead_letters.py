"""`/api/dead-letters/`: events of webhooks that can never be stored."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from deployments.web.api import auth, schemas
from deployments.web.dependencies import Context
from persistence import dead_letters

router = APIRouter(prefix="/api/dead-letters", tags=["outbox"])


class DeadLetterOut(schemas.Answer):
    """An event that is part of no conversation; `payload` is JSON as text."""

    id: UUID
    channel_id: UUID
    conversation_id: UUID
    kind: str
    payload: str
    error: str
    created_at: datetime


@router.get("/")
async def list_dead_letters(
    principal: auth.SignedIn, context: Context, paging: schemas.Paging
) -> schemas.Page[DeadLetterOut]:
    """List what platforms delivered and nothing could store, the newest first."""
    found = await dead_letters.fetch_dead_letters_page(
        context.pool, principal.tenant_id, paging.window()
    )
    shown = map(DeadLetterOut.model_validate, found.rows)
    return paging.build_found(found, shown)
