"""One-time links by which people join a business; `POST /api/users/` makes them."""

import secrets
from datetime import datetime, timedelta
from importlib import resources
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from config.settings import Settings
from deployments import accounts
from deployments.web.api import auth, errors, schemas
from deployments.web.api.people import passwords, sign_in
from deployments.web.api.tokens import new_token_id
from deployments.web.dependencies import Context
from persistence import ids, invitations
from persistence.invitations import NewInvitation
from persistence.secrets import hash_token
from persistence.tenants import lock_tenant
from persistence.users import Role, create_user

router = APIRouter(tags=["people"])
log = structlog.get_logger("people")

#: Long enough for a weekend.
LIFETIME: Final = timedelta(days=3)
#: More people than a support team gains in three days.
MAX_INVITATIONS: Final = 50
PAGE: Final = "invitation"


class InvitationIn(schemas.RequestBody):
    """The role that the person will have, and a note that says who is meant."""

    role: Role
    note: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200), schemas.NoNul
    ] = ""


class InvitationOut(schemas.Answer):
    """An invitation that waits."""

    id: UUID
    role: Role
    note: str
    created_at: datetime
    expires_at: datetime


class NewInvitationOut(InvitationOut):
    """An invitation with its link, which is shown this once and is good once."""

    link: str
    token: str


class Acceptance(schemas.RequestBody):
    """The token of the link, and the name and password that the person chooses."""

    token: Annotated[
        str, StringConstraints(min_length=1, max_length=200), schemas.NoNul
    ]
    username: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True,
            min_length=1,
            max_length=accounts.MAX_USERNAME_CHARS,
        ),
        schemas.NoNul,
    ]
    password: sign_in.NewPassword


@router.post("/api/users/", status_code=201)
async def invite_user(
    body: InvitationIn, principal: auth.SignedIn, context: Context
) -> NewInvitationOut:
    """Invite a person by a link that is good once, for three days. For owners."""
    at, token = context.clock.now(), new_token_id()
    new = NewInvitation(body.role, body.note, hash_token(token), at, at + LIFETIME)
    async with context.pool.acquire() as db, db.transaction():
        # Two that are made at once must both be counted.
        await lock_tenant(db, principal.tenant_id)
        await invitations.prune_invitations(db, principal.tenant_id, at)
        waiting = await invitations.count_invitations(db, principal.tenant_id, at)
        if waiting >= MAX_INVITATIONS:
            message = (
                f"There are {MAX_INVITATIONS} open invitations: delete some first."
            )
            raise errors.TooManyError(message)
        created = await invitations.create_invitation(
            db, principal.tenant_id, principal.user_id, new
        )
    log.info("user_invited", by=str(principal.user_id), role=body.role)
    return NewInvitationOut(
        **InvitationOut.model_validate(created).model_dump(),
        # After the #: browsers send it to nobody, so that no log has it.
        link=f"{_find_base(context.settings)}/{PAGE}#{token}",
        token=token,
    )


@router.get("/api/invitations/")
async def list_invitations(
    principal: auth.SignedIn, context: Context, paging: schemas.Paging
) -> schemas.Page[InvitationOut]:
    """List the invitations that wait. For owners."""
    count, rows = await invitations.fetch_invitations_page(
        context.pool,
        principal.tenant_id,
        context.clock.now(),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, map(InvitationOut.model_validate, rows))


@router.delete("/api/invitations/{invitation_id}/", status_code=204)
async def delete_invitation(
    invitation_id: UUID, principal: auth.SignedIn, context: Context
) -> Response:
    """Take an invitation back: its link opens nothing any more. For owners."""
    if not await invitations.delete_invitation(
        context.pool, principal.tenant_id, ids.InvitationId(invitation_id)
    ):
        raise errors.NotFoundError
    return Response(status_code=204)


@router.post("/api/invitations/accept/", status_code=201)
async def accept_invitation(
    body: Acceptance, request: Request, context: Context
) -> sign_in.TokenPairOut:
    """Join the business of an invitation, with a name and password of your choice.

    The link is used up by it; a name that is taken leaves it as it was.
    """
    limit = context.settings.login_attempts_per_minute
    address = auth.client_address(request, context)
    await context.rate_limiter.count(limit, "invitation-address", address)
    sign_in.check_new_password(body.username, body.password, "password")
    # Before the transaction: hashing takes longer than any statement.
    password_hash = await passwords.hash_in_place(context, body.password)
    async with context.pool.acquire() as db, db.transaction():
        invitation = await invitations.take_invitation(
            db, hash_token(body.token), context.clock.now()
        )
        if invitation is None:
            message = "This invitation is used or has expired. Ask for another."
            raise errors.NotFoundError(message)
        user = await create_user(
            db,
            invitation.tenant_id,
            body.username,
            password_hash,
            role=invitation.role,
        )
        log.info("user_joined", user_id=str(user.id), role=user.role)
        return await sign_in.open_session(context, db, user)


@router.get(f"/{PAGE}", response_class=HTMLResponse, include_in_schema=False)
async def show_form() -> HTMLResponse:
    """Show the form that accepts an invitation; its script sends the token."""
    page = resources.files("deployments.web") / "pages" / "invitation.html"
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';"
        " connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return HTMLResponse(
        page.read_text(encoding="utf-8").replace("%NONCE%", nonce),
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
        },
    )


def _find_base(settings: Settings) -> str:
    # Never from the request: whoever sends it writes its Host header.
    return settings.public_url or f"http://{settings.http_host}:{settings.http_port}"
