"""`/api/tenant/`: the caller's business: its language and its instructions."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from deployments.answers.prompt import MAX_INSTRUCTIONS_TOKENS, estimate_tokens
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import NotFoundError
from deployments.web.api.schemas import Answer, NoNul, RequestBody
from deployments.web.dependencies import Context
from persistence.tenants import Tenant, fetch_tenant, update_tenant

router = APIRouter(prefix="/api/tenant", tags=["tenant"])


def _refuse_what_the_model_would_not_see(text: str) -> str:
    # A prompt cuts them to its budget, and the shop would not learn which rule is lost.
    if estimate_tokens(text) > MAX_INSTRUCTIONS_TOKENS:
        message = "too long: the model reads some 3,000 Persian or 6,000 Latin letters"
        raise ValueError(message)
    return text


class TenantLanguage(StrEnum):
    """The language of answers to customers whose own is not known yet."""

    FA = "fa"
    EN = "en"


class TenantPatch(RequestBody):
    """A change of the business; empty instructions remove the old ones."""

    language: TenantLanguage | None = None
    instructions: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True),
            NoNul,
            AfterValidator(_refuse_what_the_model_would_not_see),
        ]
        | None
    ) = None


class TenantOut(Answer):
    """A business; the model reads its `instructions` before each answer."""

    id: UUID
    name: str
    language: TenantLanguage
    instructions: str


@router.get("/")
async def show_tenant(principal: SignedIn, context: Context) -> TenantOut:
    """Show your own business."""
    return _render(await fetch_tenant(context.pool, principal.tenant_id))


@router.patch("/")
async def edit_tenant(
    body: TenantPatch, principal: SignedIn, context: Context
) -> TenantOut:
    """Change the language or the instructions, from the next answer on."""
    tenant = await update_tenant(
        context.pool,
        principal.tenant_id,
        language=body.language,
        instructions=body.instructions,
    )
    return _render(tenant)


def _render(tenant: Tenant | None) -> TenantOut:
    if tenant is None:
        raise NotFoundError
    return TenantOut.model_validate(tenant)
