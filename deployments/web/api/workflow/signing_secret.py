"""`/api/workflow/signing-secret/`: what signs the webhooks of a tenant's workflows."""

from datetime import datetime

from fastapi import APIRouter, Response

from deployments.web.api.auth import SignedIn
from deployments.web.api.schemas import Answer
from deployments.web.dependencies import Context
from persistence.workflow_secrets import (
    SigningSecret,
    require_signing_secret,
    rotate_signing_secret,
)

router = APIRouter(prefix="/api/workflow/signing-secret", tags=["workflow"])


class SigningSecretOut(Answer):
    """The secret, for the receivers of the webhooks to check signatures with."""

    secret: str
    created_at: datetime


@router.get("/")
async def show_signing_secret(
    principal: SignedIn, context: Context, response: Response
) -> SigningSecretOut:
    """Show the secret; it is made at its first use."""
    signing = await require_signing_secret(
        context.pool, context.cipher, principal.tenant_id, context.clock.now()
    )
    return _render(signing, response)


@router.post("/rotate/")
async def change_signing_secret(
    principal: SignedIn, context: Context, response: Response
) -> SigningSecretOut:
    """Make a new secret, which signs from the next call on; the old one does not."""
    signing = await rotate_signing_secret(
        context.pool, context.cipher, principal.tenant_id, context.clock.now()
    )
    return _render(signing, response)


def _render(signing: SigningSecret, response: Response) -> SigningSecretOut:
    response.headers["Cache-Control"] = "no-store"
    return SigningSecretOut(secret=signing.secret, created_at=signing.created_at)
